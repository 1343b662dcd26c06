//! Live orders: what must happen now, not by a plan. Topics `d/{node}/cmd` and `a/{area}/alert`, never retained.
//!
//! An order is for the moment in which it is given: it expires within [`VALID_MAX_S`], and whatever comes later is a matter of
//! plans. To silence is all that it can do, so the key that may send emergencies may send it, and a node obeys it at any hour.

use minicbor::{Decode, Encode};

use crate::bulletin::Class;
use crate::envelope::{Audience, ContentType, Signed};
use crate::ids::{AreaId, BootId, BulletinId, NodeId, OccurrenceId, TenantId};
use crate::keys::Purpose;
use crate::plan::Epoch;
use crate::wire::Wire;

/// Longest time from issue to expiry of an order, in seconds.
pub const VALID_MAX_S: i64 = 60;

/// An order to a node or to all nodes of an area.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Command {
    /// For whom it is.
    #[n(0)]
    pub to: Addressee,
    /// Rises with every order to the same addressee; equal to the envelope's sequence.
    #[n(1)]
    pub epoch: Epoch,
    /// What to do.
    #[n(2)]
    pub order: Order,
    /// The boot id from the presence of the node that is addressed. A node whose clock is not known believes the order by it.
    #[n(3)]
    pub boot: Option<BootId>,
}

/// For whom an order is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Addressee {
    /// The nodes of an area and below.
    #[n(0)]
    Area(#[n(0)] AreaId),
    /// One node.
    #[n(1)]
    Node(#[n(0)] NodeId),
}

/// What to do. All of it is about what sounds, and what is due and waits; what is planned for later stays planned.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Order {
    /// End one occurrence.
    #[n(0)]
    StopOccurrence(#[n(0)] OccurrenceId),
    /// End the occurrences of one bulletin.
    #[n(1)]
    StopBulletin(#[n(0)] BulletinId),
    /// End everything.
    #[n(2)]
    StopAll,
    /// End all emergencies: what they interrupted may go on.
    #[n(3)]
    AllClear,
}

impl Order {
    /// Whether it ends this occurrence.
    pub fn ends(&self, occurrence: &OccurrenceId, bulletin: &BulletinId, class: Class) -> bool {
        match self {
            Self::StopOccurrence(id) => id == occurrence,
            Self::StopBulletin(id) => id == bulletin,
            Self::StopAll => true,
            Self::AllClear => class == Class::Emergency,
        }
    }
}

impl Wire for Command {}

impl Signed for Command {
    const CONTENT: ContentType = ContentType::Command;
    const PURPOSE: Purpose = Purpose::Emergency;

    fn audience(&self, tenant: &TenantId) -> Audience {
        match &self.to {
            Addressee::Area(area) => Audience::Area(tenant.clone(), area.clone()),
            Addressee::Node(node) => Audience::Node(tenant.clone(), node.clone()),
        }
    }
    fn sequence(&self) -> u64 {
        self.epoch
    }
    fn classes(&self) -> Vec<Class> {
        vec![Class::Emergency]
    }
}
