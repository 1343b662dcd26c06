//! Every topic of the protocol: `loa/1/{tenant}/…`.
//!
//! | Topic | Carries | QoS | Retained |
//! |---|---|---|---|
//! | `keys` | key set, signed by the root | 1 | yes |
//! | `a/{area}/plan` | [`AreaPlan`](crate::plan::AreaPlan), signed | 1 | yes |
//! | `a/{area}/alert` | [`AreaAlerts`](crate::alert::AreaAlerts), signed | 1 | yes |
//! | `a/{area}/alert` | [`Command`](crate::command::Command), signed | 1 | no |
//! | `d/{node}/desired` | [`NodeDocument`](crate::plan::NodeDocument), signed | 1 | yes |
//! | `d/{node}/cmd` | [`Command`](crate::command::Command), signed | 1 | no |
//! | `d/{node}/ack` | [`ReceiptAck`](crate::receipt::ReceiptAck) | 1 | no |
//! | `d/{node}/blk` | [`Block`](crate::transfer::Block) | 0 | no |
//! | `x/{area}/{object}` | [`Block`](crate::transfer::Block), for a whole area | 0 | no |
//! | `u/{node}/pres` | [`Presence`](crate::report::Presence), also the will | 1 | yes |
//! | `u/{node}/state` | [`State`](crate::report::State) | 1 | yes |
//! | `u/{node}/want` | [`Want`](crate::transfer::Want) | 1 | no |
//! | `u/{node}/receipt` | [`ReceiptBatch`](crate::receipt::ReceiptBatch) | 1 | no |
//! | `u/{node}/health` | [`Health`](crate::report::Health) | 1 | no |
//! | `u/{node}/event` | [`Event`](crate::report::Event) | 1 | no |
//! | `u/{node}/answer` | [`AlertAnswer`](crate::alert::AlertAnswer) | 1 | no |
//! | `u/{node}/time` | [`TimeRequest`](crate::clock::TimeRequest) | 0 | no |
//! | `d/{node}/time` | [`TimeAnswer`](crate::clock::TimeAnswer), signed | 0 | no |
//!
//! `{object}` is the first 16 hex digits of the object's hash.

use std::fmt;
use std::str::FromStr;

use crate::ids::{AreaId, NodeId, ObjectHash, TenantId};

/// Number of hex digits by which a topic names an object.
const OBJECT_DIGITS: usize = 16;

/// A topic: its tenant and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The tenant.
    pub tenant: TenantId,
    /// What it is for.
    pub kind: TopicKind,
}

/// What a topic is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicKind {
    /// The key set.
    Keys,
    /// The plan of an area.
    Plan(AreaId),
    /// The emergencies of an area, and live orders to its nodes: the envelope's content type tells which.
    Alert(AreaId),
    /// The document of a node.
    Desired(NodeId),
    /// Live orders to a node.
    Command(NodeId),
    /// The controller's word that receipts are in its database.
    Ack(NodeId),
    /// Blocks for one node.
    Blocks(NodeId),
    /// Blocks of one object for an area; the text is its first 16 hex digits.
    Wave(AreaId, String),
    /// Whether a node is connected.
    Presence(NodeId),
    /// What a node has applied and holds.
    State(NodeId),
    /// What a node lacks.
    Want(NodeId),
    /// What a node played, refused or missed.
    Receipt(NodeId),
    /// How a node's board is.
    Health(NodeId),
    /// What a node refused to believe.
    Event(NodeId),
    /// What became of an area's emergencies on a node.
    Answer(NodeId),
    /// A node asks for the time.
    TimeRequest(NodeId),
    /// The controller tells it.
    TimeAnswer(NodeId),
}

/// A text that is no topic of this protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no topic of this protocol")]
pub struct UnknownTopic(pub String);

impl Topic {
    /// A topic of a tenant.
    pub fn new(tenant: &TenantId, kind: TopicKind) -> Self {
        Self { tenant: tenant.clone(), kind }
    }
}

impl TopicKind {
    /// The topic on which an area receives an object.
    pub fn wave(area: AreaId, object: &ObjectHash) -> Self {
        let mut digits = object.to_string();
        digits.truncate(OBJECT_DIGITS);
        Self::Wave(area, digits)
    }

    /// The node whose own topic it is, in either direction.
    pub fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Keys | Self::Plan(_) | Self::Alert(_) | Self::Wave(..) => None,
            Self::Desired(node)
            | Self::Command(node)
            | Self::Ack(node)
            | Self::Blocks(node)
            | Self::Presence(node)
            | Self::State(node)
            | Self::Want(node)
            | Self::Receipt(node)
            | Self::Health(node)
            | Self::Event(node)
            | Self::Answer(node)
            | Self::TimeRequest(node)
            | Self::TimeAnswer(node) => Some(node),
        }
    }

    /// Whether a node may publish on it, and which one.
    pub fn reporter(&self) -> Option<&NodeId> {
        match self {
            Self::Presence(node)
            | Self::State(node)
            | Self::Want(node)
            | Self::Receipt(node)
            | Self::Health(node)
            | Self::Event(node)
            | Self::Answer(node)
            | Self::TimeRequest(node) => Some(node),
            Self::Keys
            | Self::Plan(_)
            | Self::Alert(_)
            | Self::Wave(..)
            | Self::Desired(_)
            | Self::Command(_)
            | Self::Ack(_)
            | Self::Blocks(_)
            | Self::TimeAnswer(_) => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loa/1/{}/", self.tenant)?;
        match &self.kind {
            TopicKind::Keys => f.write_str("keys"),
            TopicKind::Plan(area) => write!(f, "a/{area}/plan"),
            TopicKind::Alert(area) => write!(f, "a/{area}/alert"),
            TopicKind::Desired(node) => write!(f, "d/{node}/desired"),
            TopicKind::Command(node) => write!(f, "d/{node}/cmd"),
            TopicKind::Ack(node) => write!(f, "d/{node}/ack"),
            TopicKind::Blocks(node) => write!(f, "d/{node}/blk"),
            TopicKind::Wave(area, object) => write!(f, "x/{area}/{object}"),
            TopicKind::Presence(node) => write!(f, "u/{node}/pres"),
            TopicKind::State(node) => write!(f, "u/{node}/state"),
            TopicKind::Want(node) => write!(f, "u/{node}/want"),
            TopicKind::Receipt(node) => write!(f, "u/{node}/receipt"),
            TopicKind::Health(node) => write!(f, "u/{node}/health"),
            TopicKind::Event(node) => write!(f, "u/{node}/event"),
            TopicKind::Answer(node) => write!(f, "u/{node}/answer"),
            TopicKind::TimeRequest(node) => write!(f, "u/{node}/time"),
            TopicKind::TimeAnswer(node) => write!(f, "d/{node}/time"),
        }
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        parse(text).ok_or_else(|| UnknownTopic(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Topic> {
    let levels: Vec<&str> = text.strip_prefix("loa/1/")?.split('/').collect();
    let (tenant, rest) = levels.split_first()?;
    let area = |id: &str| AreaId::new(id).ok();
    let node = |id: &str| NodeId::new(id).ok();
    let kind = match *rest {
        ["keys"] => TopicKind::Keys,
        ["a", id, "plan"] => TopicKind::Plan(area(id)?),
        ["a", id, "alert"] => TopicKind::Alert(area(id)?),
        ["d", id, "desired"] => TopicKind::Desired(node(id)?),
        ["d", id, "cmd"] => TopicKind::Command(node(id)?),
        ["d", id, "ack"] => TopicKind::Ack(node(id)?),
        ["d", id, "blk"] => TopicKind::Blocks(node(id)?),
        ["x", id, object] => {
            let digits = object.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            (digits && object.len() == OBJECT_DIGITS).then_some(())?;
            TopicKind::Wave(area(id)?, object.to_owned())
        }
        ["u", id, "pres"] => TopicKind::Presence(node(id)?),
        ["u", id, "state"] => TopicKind::State(node(id)?),
        ["u", id, "want"] => TopicKind::Want(node(id)?),
        ["u", id, "receipt"] => TopicKind::Receipt(node(id)?),
        ["u", id, "health"] => TopicKind::Health(node(id)?),
        ["u", id, "event"] => TopicKind::Event(node(id)?),
        ["u", id, "answer"] => TopicKind::Answer(node(id)?),
        ["u", id, "time"] => TopicKind::TimeRequest(node(id)?),
        ["d", id, "time"] => TopicKind::TimeAnswer(node(id)?),
        _ => return None,
    };
    Some(Topic { tenant: TenantId::new(*tenant).ok()?, kind })
}
