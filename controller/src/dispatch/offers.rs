//! Which objects a node may fetch: those that its documents name; and what is known of who may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, NodeId, ObjectHash};
use loa_protocol::plan::{AreaPlan, NodeDocument};
use loa_protocol::transfer::{Manifest, WAVE_LINE_MIN_KBIT_S};

use super::bulk::Facts;
use super::compile::Compiled;

/// What a line is taken to carry, in kbit/s, where nobody has said: a 4G modem in a village.
const UNKNOWN_LINE_KBIT_S: u32 = 4_000;
/// Of what a line carries, what audio takes at most: an order finds room beside it.
const AUDIO_QUARTERS: u64 = 3;

/// The offers of the documents in force. Those of plans are replaced whole by the reconciler, those of emergencies by whoever sends
/// them; asked by the transfer.
#[derive(Debug, Default)]
pub struct Offers {
    table: RwLock<Table>,
    revision: AtomicU64,
}

type ByArea = BTreeMap<AreaId, BTreeSet<ObjectHash>>;

#[derive(Debug, Default)]
struct Table {
    by_area: ByArea,
    by_node: BTreeMap<NodeId, Node>,
    /// Of the emergencies in force.
    urgent: ByArea,
    /// How many nodes whose line carries waves stand in each area.
    nodes_in: BTreeMap<AreaId, usize>,
}

#[derive(Debug)]
struct Node {
    path: AreaPath,
    own: BTreeSet<ObjectHash>,
    line_kbit_s: Option<u32>,
}

impl Table {
    fn is_named_in(&self, area: &AreaId, object: &ObjectHash) -> bool {
        let offered = [self.by_area.get(area), self.urgent.get(area)];
        offered.into_iter().flatten().any(|objects| objects.contains(object))
    }

    /// The widest area on a path for which an object is named, by its place on the path.
    fn top(&self, path: &AreaPath, object: &ObjectHash) -> Option<usize> {
        path.areas().iter().position(|area| self.is_named_in(area, object))
    }

    /// How many nodes that hear waves an object is offered to, at most: one that two areas on its path name counts twice.
    fn audience(&self, object: &ObjectHash) -> usize {
        let areas: BTreeSet<&AreaId> = self.by_area.keys().chain(self.urgent.keys()).collect();
        let named = areas.into_iter().filter(|area| self.is_named_in(area, object));
        named.filter_map(|area| self.nodes_in.get(area)).sum()
    }
}

impl Offers {
    /// Offers what the emergencies of these areas name, besides what plans do.
    pub fn replace_alerts(&self, urgent: BTreeMap<AreaId, BTreeSet<ObjectHash>>) {
        self.table.write().unwrap_or_else(PoisonError::into_inner).urgent = urgent;
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Offers what these documents name, and of plans nothing else.
    pub fn replace(&self, compiled: &Compiled) {
        let objects = |objects: &[Manifest]| -> BTreeSet<ObjectHash> {
            objects.iter().map(|manifest| manifest.object).collect()
        };
        let of_plan = |plan: &AreaPlan| {
            let mut offered = objects(&plan.program.objects);
            offered.extend(objects(&plan.prepared));
            (plan.area.clone(), offered)
        };
        let mut nodes_in: BTreeMap<AreaId, usize> = BTreeMap::new();
        let hears_waves =
            |node: &&NodeDocument| node.line_kbit_s.is_none_or(|line| line >= WAVE_LINE_MIN_KBIT_S);
        for area in compiled.nodes.iter().filter(hears_waves).flat_map(|node| node.path.areas()) {
            *nodes_in.entry(area.clone()).or_default() += 1;
        }
        let node = |node: &NodeDocument| {
            let own = objects(&node.program.objects);
            (node.node.clone(), Node { path: node.path.clone(), own, line_kbit_s: node.line_kbit_s })
        };
        let mut kept = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let table = Table {
            urgent: std::mem::take(&mut kept.urgent),
            by_area: compiled.plans.iter().map(of_plan).collect(),
            by_node: compiled.nodes.iter().map(node).collect(),
            nodes_in,
        };
        *kept = table;
        drop(kept);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Changes with each replacement.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Whether the node may have the object.
    pub fn allow(&self, node: &NodeId, object: &ObjectHash) -> bool {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Node { path, own, .. }) = table.by_node.get(node) else { return false };
        own.contains(object) || table.top(path, object).is_some()
    }

    /// What the transfer must know of a node that wants an object; `None` where it may not have it.
    pub fn facts(&self, node: &NodeId, object: &ObjectHash) -> Option<Facts> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let Node { path, own, line_kbit_s } = table.by_node.get(node)?;
        let top = table.top(path, object);
        if top.is_none() && !own.contains(object) {
            return None;
        }
        let kbit_s = u64::from(line_kbit_s.unwrap_or(UNKNOWN_LINE_KBIT_S));
        Some(Facts {
            path: path.clone(),
            // Named by its own document alone: nobody else waits for it.
            top: top.unwrap_or(path.areas().len()),
            audience: table.audience(object).max(1),
            bytes_s: kbit_s * 1_000 / 8 * AUDIO_QUARTERS / 4,
        })
    }
}
