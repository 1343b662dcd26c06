//! Which objects a node may fetch: those that its documents name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, NodeId, ObjectHash};

use super::compile::Compiled;

/// The offers of the documents in force. Replaced whole by the reconciler, asked by the transfer.
#[derive(Debug, Default)]
pub struct Offers(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    by_area: BTreeMap<AreaId, BTreeSet<ObjectHash>>,
    by_node: BTreeMap<NodeId, (AreaPath, BTreeSet<ObjectHash>)>,
    /// Of the emergencies in force.
    urgent: BTreeMap<AreaId, BTreeSet<ObjectHash>>,
}

impl Offers {
    /// Offers what the emergencies of these areas name, besides what plans do.
    pub fn replace_alerts(&self, urgent: BTreeMap<AreaId, BTreeSet<ObjectHash>>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).urgent = urgent;
    }

    /// Offers what these documents name, and of plans nothing else.
    pub fn replace(&self, compiled: &Compiled) {
        let objects = |objects: &[loa_protocol::transfer::Manifest]| -> BTreeSet<ObjectHash> {
            objects.iter().map(|m| m.object).collect()
        };
        let of_plan = |p: &loa_protocol::plan::AreaPlan| {
            let mut offered = objects(&p.program.objects);
            offered.extend(objects(&p.prepared));
            (p.area.clone(), offered)
        };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let table = Table {
            urgent: std::mem::take(&mut kept.urgent),
            by_area: compiled.plans.iter().map(of_plan).collect(),
            by_node: compiled
                .nodes
                .iter()
                .map(|n| (n.node.clone(), (n.path.clone(), objects(&n.program.objects))))
                .collect(),
        };
        *kept = table;
    }

    /// Whether the node may have the object.
    pub fn allow(&self, node: &NodeId, object: &ObjectHash) -> bool {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some((path, own)) = table.by_node.get(node) else { return false };
        let in_area = |area: &AreaId| {
            let offered = [table.by_area.get(area), table.urgent.get(area)];
            offered.into_iter().flatten().any(|objects| objects.contains(object))
        };
        own.contains(object) || path.areas().iter().any(in_area)
    }
}
