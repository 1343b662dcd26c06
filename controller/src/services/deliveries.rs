//! How audio gets to nodes: what was sent, and who asks for the same for ever. Counted by the transfer since the controller began;
//! not stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loa_protocol::ids::NodeId;

use crate::dispatch::bulk::Stuck;

/// What was sent so far. Cheap to clone; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Deliveries(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    figures: DeliveryFigures,
    stuck: BTreeMap<NodeId, Stuck>,
}

/// What was sent so far, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFigures {
    /// Blocks that went to one node.
    pub single_blocks: u64,
    /// Blocks that went to an area at once, each counted once.
    pub wave_blocks: u64,
    /// Waves that began.
    pub waves: u64,
    /// Bytes handed to the broker.
    pub published_bytes: u64,
    /// Bytes that the broker hands to nodes: those of a wave once for each that hears it.
    pub delivered_bytes: u64,
    /// Of these, bytes for nodes that had them already, as far as was known.
    pub wasted_bytes: u64,
    /// Wants for what a node's plans do not name, or for blocks that no object has.
    pub refused_wants: u64,
    /// Wants that were not answered, because their node asks for the same for ever.
    pub slowed_wants: u64,
}

impl Deliveries {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count_sent(&self, by_wave: bool, bytes: u64, audience: usize, wasted: usize) {
        let figures = &mut self.counted().figures;
        let blocks = if by_wave { &mut figures.wave_blocks } else { &mut figures.single_blocks };
        *blocks += 1;
        figures.published_bytes += bytes;
        figures.delivered_bytes += bytes.saturating_mul(audience as u64);
        figures.wasted_bytes += bytes.saturating_mul(wasted as u64);
    }

    pub(crate) fn count_refused(&self) {
        self.counted().figures.refused_wants += 1;
    }

    pub(crate) fn count_slowed(&self) {
        self.counted().figures.slowed_wants += 1;
    }

    pub(crate) fn set_waves(&self, waves: u64) {
        self.counted().figures.waves = waves;
    }

    pub(crate) fn replace_stuck(&self, stuck: Vec<Stuck>) {
        self.counted().stuck = stuck.into_iter().map(|stuck| (stuck.node.clone(), stuck)).collect();
    }

    /// What was sent so far.
    pub fn figures(&self) -> DeliveryFigures {
        self.counted().figures
    }

    /// What a node asks for again and again in vain, if it does.
    pub fn stuck(&self, node: &NodeId) -> Option<Stuck> {
        self.counted().stuck.get(node).cloned()
    }
}
