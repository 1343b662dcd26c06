//! What sounded where: receipts, by occurrence and by village.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{BulletinId, ItemId, NodeId, OccurrenceId};
use loa_protocol::time::UnixMs;

use super::bulletins::load as load_bulletin;
use super::{Ground, ServiceError};
use crate::domain::role::{Action, Principal, Scope};
use crate::store::receipts::{ReceiptFilter, ReceiptRecord};
use crate::store::schedules::ScheduleFilter;
use crate::store::{nodes, receipts, schedules};

/// Most receipts that one call reads.
const RECEIPTS_MAX: u32 = 5_000;

/// What sounded where. Cheap to clone.
#[derive(Clone)]
pub struct Heard(pub(super) Arc<Ground>);

/// One planned start, and what became of it on every node that has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccurrenceHeard {
    /// The occurrence.
    pub occurrence: OccurrenceId,
    /// The schedule.
    pub item: ItemId,
    /// The bulletin.
    pub bulletin: BulletinId,
    /// The bulletin's title, if the bulletin is still kept.
    pub title: Option<String>,
    /// When it was planned.
    pub nominal: UnixMs,
    /// The receipts, by place; of two of one node, the first holds.
    pub receipts: Vec<ReceiptRecord>,
}

impl OccurrenceHeard {
    /// On how many nodes it ended so: `played`, `partial` or `missed`.
    pub fn count(&self, outcome: &str) -> usize {
        let holding = self.receipts.chunk_by(|a, b| a.node == b.node).filter_map(<[ReceiptRecord]>::first);
        holding.filter(|receipt| receipt.outcome == outcome).count()
    }
}

/// One node at which a bulletin is aimed, and the last that became of it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VillageHeard {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub node_name: String,
    /// Where it stands.
    pub path: AreaPath,
    /// Whether it is connected.
    pub online: bool,
    /// The receipt of the latest planned start; `None`: nothing was heard of it yet.
    pub last: Option<ReceiptRecord>,
}

/// Who was to hear a bulletin, and who did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Every node that a schedule of the bulletin targets, by place.
    pub villages: Vec<VillageHeard>,
}

impl Coverage {
    /// At how many nodes it sounded wholly, the last time.
    pub fn played(&self) -> usize {
        self.villages.iter().filter(|v| v.last.as_ref().is_some_and(|r| r.outcome == "played")).count()
    }
}

impl Heard {
    /// Receipts of nodes that the person may see, the latest planned first; at most 5,000.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn receipts(
        &self,
        who: &Principal,
        filter: &ReceiptFilter,
    ) -> Result<Vec<ReceiptRecord>, ServiceError> {
        let filter = ReceiptFilter { limit: filter.limit.clamp(1, RECEIPTS_MAX), ..filter.clone() };
        let mut tx = self.0.store.read().await?;
        Ok(receipts::list(&mut tx, &who.scopes(Action::Read), &filter).await?)
    }

    /// The same, gathered by planned start, the latest first.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn occurrences(
        &self,
        who: &Principal,
        filter: &ReceiptFilter,
    ) -> Result<Vec<OccurrenceHeard>, ServiceError> {
        let mut gathered: Vec<OccurrenceHeard> = Vec::new();
        for receipt in self.receipts(who, filter).await? {
            match gathered.last_mut() {
                Some(last) if last.occurrence == receipt.occurrence => last.receipts.push(receipt),
                _ => gathered.push(OccurrenceHeard {
                    occurrence: receipt.occurrence,
                    item: receipt.item.clone(),
                    bulletin: receipt.bulletin.clone(),
                    title: receipt.title.clone(),
                    nominal: receipt.nominal,
                    receipts: vec![receipt],
                }),
            }
        }
        Ok(gathered)
    }

    /// Who was to hear a bulletin, and who did.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Forbidden`].
    pub async fn coverage(&self, who: &Principal, id: &BulletinId) -> Result<Coverage, ServiceError> {
        let mut tx = self.0.store.read().await?;
        let bulletin = load_bulletin(&mut tx, id).await?.bulletin;
        who.require(Action::Read, &bulletin.path)?;
        let scope = [Scope::Area(bulletin.path)];
        let filter = ScheduleFilter {
            bulletin: Some(id.clone()),
            with_past: true,
            since: self.0.now(),
            before: None,
            limit: RECEIPTS_MAX,
        };
        let schedules = schedules::list(&mut tx, &scope, &filter).await?;
        let filter =
            ReceiptFilter { bulletin: Some(id.clone()), limit: RECEIPTS_MAX, ..ReceiptFilter::default() };
        let mut last: BTreeMap<NodeId, ReceiptRecord> = BTreeMap::new();
        for receipt in receipts::list(&mut tx, &scope, &filter).await? {
            // The latest planned comes first; of several for the same start, the latest receipt holds.
            let known = last.entry(receipt.node.clone()).or_insert_with(|| receipt.clone());
            if known.nominal == receipt.nominal
                && (receipt.received, receipt.number) > (known.received, known.number)
            {
                *known = receipt;
            }
        }
        let active: Vec<_> = schedules.into_iter().filter(|s| s.cancelled.is_none()).collect();
        let mut villages = Vec::new();
        for (node, status) in nodes::list(&mut tx, &scope).await? {
            let last = last.remove(&node.id);
            let targeted = active.iter().any(|s| {
                s.values.nodes.contains(&node.id) || s.values.areas.iter().any(|a| node.path.contains(a))
            });
            if targeted || last.is_some() {
                let (node, node_name, path) = (node.id, node.name, node.path);
                villages.push(VillageHeard { node, node_name, path, online: status.online, last });
            }
        }
        // Nodes that have been removed, or stand elsewhere now, have heard it all the same.
        villages.extend(last.into_values().map(|receipt| VillageHeard {
            node: receipt.node.clone(),
            node_name: receipt.node_name.clone(),
            path: receipt.path.clone(),
            online: false,
            last: Some(receipt),
        }));
        Ok(Coverage { villages })
    }
}
