//! How audio gets to nodes: what was sent, and who asks for the same for ever. Counted by the transfer since the controller began;
//! not stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use loa_protocol::ids::NodeId;

use crate::dispatch::bulk::Stuck;

/// What was sent so far. Cheap to clone; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Deliveries(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    single_blocks: AtomicU64,
    wave_blocks: AtomicU64,
    waves: AtomicU64,
    published_bytes: AtomicU64,
    delivered_bytes: AtomicU64,
    wasted_bytes: AtomicU64,
    refused_wants: AtomicU64,
    slowed_wants: AtomicU64,
    stuck: RwLock<BTreeMap<NodeId, Stuck>>,
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
    pub(crate) fn count_sent(&self, by_wave: bool, bytes: u64, audience: usize, wasted: usize) {
        let Counts { single_blocks, wave_blocks, published_bytes, delivered_bytes, wasted_bytes, .. } =
            &*self.0;
        let blocks = if by_wave { wave_blocks } else { single_blocks };
        blocks.fetch_add(1, Ordering::Relaxed);
        published_bytes.fetch_add(bytes, Ordering::Relaxed);
        delivered_bytes.fetch_add(bytes.saturating_mul(audience as u64), Ordering::Relaxed);
        wasted_bytes.fetch_add(bytes.saturating_mul(wasted as u64), Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.0.refused_wants.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_slowed(&self) {
        self.0.slowed_wants.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_waves(&self, waves: u64) {
        self.0.waves.store(waves, Ordering::Relaxed);
    }

    pub(crate) fn replace_stuck(&self, stuck: Vec<Stuck>) {
        let stuck = stuck.into_iter().map(|stuck| (stuck.node.clone(), stuck)).collect();
        *self.0.stuck.write().unwrap_or_else(PoisonError::into_inner) = stuck;
    }

    /// What was sent so far.
    pub fn figures(&self) -> DeliveryFigures {
        let Counts {
            single_blocks,
            wave_blocks,
            waves,
            published_bytes,
            delivered_bytes,
            wasted_bytes,
            refused_wants,
            slowed_wants,
            stuck: _,
        } = &*self.0;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        DeliveryFigures {
            single_blocks: read(single_blocks),
            wave_blocks: read(wave_blocks),
            waves: read(waves),
            published_bytes: read(published_bytes),
            delivered_bytes: read(delivered_bytes),
            wasted_bytes: read(wasted_bytes),
            refused_wants: read(refused_wants),
            slowed_wants: read(slowed_wants),
        }
    }

    /// What a node asks for again and again in vain, if it does.
    pub fn stuck(&self, node: &NodeId) -> Option<Stuck> {
        self.0.stuck.read().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }
}
