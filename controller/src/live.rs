//! What changed, for pages that are open.
//!
//! A change carries no content: whoever hears it reads the database again. So losing one (a reader that is too slow) costs
//! nothing but a moment's staleness, and nobody waits for a reader.

use loa_protocol::ids::{BulletinId, NodeId, OccurrenceId};
use tokio::sync::broadcast;

use crate::domain::ids::TrackId;

/// Changes that a reader may fall behind before it misses some.
const CAPACITY: usize = 1024;

/// Something changed. Told after the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node's presence, state or health.
    Node(NodeId),
    /// A receipt came.
    Receipt {
        /// From which node.
        node: NodeId,
        /// Of which bulletin.
        bulletin: BulletinId,
        /// Of which occurrence.
        occurrence: OccurrenceId,
    },
    /// A bulletin's words or state, or its schedules.
    Bulletin(BulletinId),
    /// An order that silences: given, sent, or answered by a node.
    Order,
    /// An emergency: given, decided, sent, stopped, or answered by nodes.
    Alert,
    /// The making of a track's sound: its progress, its end, its failure.
    Track(TrackId),
}

/// Where changes are told and heard. Cheap to clone; clones are the same.
#[derive(Clone, Debug)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl Changes {
    /// Tells whoever listens.
    pub fn tell(&self, change: Change) {
        // With no page open there is nobody to tell.
        let _nobody_listens = self.0.send(change);
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
