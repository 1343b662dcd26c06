//! What a stream is about, and which changes concern it.

use loa_protocol::ids::{BulletinId, NodeId};

use crate::live::Change;
use crate::services::{ServiceError, Thing};

/// Something that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    /// How many bulletins wait for the person.
    Waiting,
    /// The page of the day.
    Today,
    /// The list of bulletins.
    Bulletins,
    /// One bulletin.
    Bulletin(BulletinId),
    /// The list of nodes.
    Nodes,
    /// One node.
    Node(NodeId),
    /// What sounded where.
    Heard,
    /// Orders that silence.
    Orders,
    /// The list of emergencies.
    Alerts,
    /// One emergency.
    Alert(BulletinId),
}

impl Topic {
    /// Reads a topic as an address names it.
    pub(super) fn read(text: &str) -> Result<Self, ServiceError> {
        let unknown = |thing| ServiceError::NotFound(thing);
        match text.split_once(':') {
            None if text == "waiting" => Ok(Self::Waiting),
            None if text == "today" => Ok(Self::Today),
            None if text == "bulletins" => Ok(Self::Bulletins),
            None if text == "nodes" => Ok(Self::Nodes),
            None if text == "heard" => Ok(Self::Heard),
            None if text == "orders" => Ok(Self::Orders),
            None if text == "alerts" => Ok(Self::Alerts),
            Some(("alert", id)) => id.parse().map(Self::Alert).map_err(|_| unknown(Thing::Alert)),
            Some(("bulletin", id)) => id.parse().map(Self::Bulletin).map_err(|_| unknown(Thing::Bulletin)),
            Some(("node", id)) => id.parse().map(Self::Node).map_err(|_| unknown(Thing::Node)),
            _ => Err(unknown(Thing::Session)),
        }
    }

    /// Whether a change may show in it.
    pub(super) fn is_about(&self, change: &Change) -> bool {
        match change {
            Change::Node(id) => match self {
                Self::Node(node) => node == id,
                // With a bulletin it is shown how many nodes have its sound.
                Self::Today | Self::Nodes | Self::Bulletin(_) => true,
                Self::Waiting
                | Self::Bulletins
                | Self::Heard
                | Self::Orders
                | Self::Alerts
                | Self::Alert(_) => false,
            },
            Change::Receipt { node: id, .. } => match self {
                Self::Node(node) => node == id,
                Self::Today | Self::Nodes | Self::Heard => true,
                Self::Waiting
                | Self::Bulletins
                | Self::Bulletin(_)
                | Self::Orders
                | Self::Alerts
                | Self::Alert(_) => false,
            },
            Change::Bulletin(id) => match self {
                Self::Bulletin(bulletin) => bulletin == id,
                Self::Waiting | Self::Today | Self::Bulletins | Self::Heard => true,
                Self::Nodes | Self::Node(_) | Self::Orders | Self::Alerts | Self::Alert(_) => false,
            },
            Change::Order => *self == Self::Orders,
            Change::Alert => {
                matches!(self, Self::Alerts | Self::Alert(_) | Self::Waiting | Self::Today | Self::Orders)
            }
            Change::Track(_) => match self {
                Self::Bulletin(_) | Self::Alerts | Self::Alert(_) => true,
                Self::Waiting
                | Self::Today
                | Self::Bulletins
                | Self::Nodes
                | Self::Node(_)
                | Self::Heard
                | Self::Orders => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{TrackId, fresh_bulletin_id};

    #[test]
    fn topics_are_read_and_woken_by_what_they_show() {
        let node = |id: &str| NodeId::new(id).unwrap();
        assert_eq!(Topic::read("node:cum-1").unwrap(), Topic::Node(node("cum-1")));
        for bad in ["", "user", "node:", "node:../x", "bulletin:A"] {
            assert!(Topic::read(bad).is_err(), "{bad:?}");
        }
        assert!(Topic::Node(node("cum-1")).is_about(&Change::Node(node("cum-1"))));
        assert!(!Topic::Node(node("cum-1")).is_about(&Change::Node(node("cum-2"))));
        assert!(Topic::read("bulletin:b").unwrap().is_about(&Change::Track(TrackId::fresh())));
        assert!(!Topic::Today.is_about(&Change::Track(TrackId::fresh())));
        assert!(Topic::read("bulletin:b").unwrap().is_about(&Change::Node(node("cum-1"))));
        for topic in ["waiting", "today", "alerts", "orders"] {
            assert!(Topic::read(topic).unwrap().is_about(&Change::Alert), "{topic}");
        }
        let bulletin = fresh_bulletin_id();
        for topic in ["waiting", "today", "bulletins"] {
            assert!(Topic::read(topic).unwrap().is_about(&Change::Bulletin(bulletin.clone())), "{topic}");
        }
        assert!(Topic::Bulletin(bulletin.clone()).is_about(&Change::Bulletin(bulletin.clone())));
        assert!(!Topic::Bulletin(fresh_bulletin_id()).is_about(&Change::Bulletin(bulletin)));
    }
}
