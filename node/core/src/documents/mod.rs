//! The signed documents: which are verified and in force, which were applied before, which wait.
//!
//! ```text
//! envelope ──> open ──> freshness ──> SaveDocument ──> held
//!               │           └ refused: Replayed
//!               ├ UnknownKey, NotYetValid (Expired, when it was stored): deferred, tried again when keys, place or
//!               │  clock change, and every minute
//!               └ else refused
//! ```
//!
//! | Module | Idea |
//! |---|---|
//! | `apply` | from an envelope to a document in force |
//! | `held` | what is kept of one |
//! | `follow` | what one changes for the others |
//! | `deferred` | what was refused and may be right later |
//!
//! What was applied stays held until a newer one takes its place, over every boot, and nothing of it begins once it has expired
//! (rule D3): a node without network goes on by its place, its languages and its guards. Alerts alone are forgotten some time after
//! their expiry.
//!
//! **Invariants.** What is held verified under the key set that is held. `applied` only rises, and outlives what it
//! guards. A slot has at most two deferred envelopes, the one of the store and the last that came, so both are bounded by the number of
//! slots.

mod apply;
mod deferred;
mod follow;
mod held;

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use loa_protocol::alert::Verdict;
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Applied, Opened, Recipient, Refusal};
use loa_protocol::ids::{AreaId, ItemId, NodeId, ObjectHash, TenantId};
use loa_protocol::keys::KeySet;
use loa_protocol::plan::Epoch;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{OwnGuards, Watch};
use loa_protocol::transfer::Manifest;

use self::deferred::{Deferred, Origin};
pub(crate) use self::held::{Held, Profile};
use crate::action::InlineSound;
use crate::input::Slot;

/// What has changed since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// The set of documents in force is another.
    pub(crate) documents: bool,
    /// That is so for others than alerts.
    pub(crate) beyond_alerts: bool,
    /// Refusals to count and report.
    pub(crate) refusals: Vec<(Slot, Refusal)>,
    /// What became of alerts, for whoever sent them.
    pub(crate) judged: Vec<Judged>,
}

impl Change {
    /// What is in force in the slot is another.
    fn note(&mut self, slot: &Slot) {
        self.documents = true;
        self.beyond_alerts |= !matches!(slot, Slot::Alert(_));
    }
}

/// What became of an area's alerts.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) area: AreaId,
    pub(crate) epoch: Epoch,
    pub(crate) received: UnixMs,
    pub(crate) verdict: Verdict,
}

/// What is in force: key set, node document, plans and alerts by area, widest first.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) keys: Option<Applied>,
    pub(crate) node: Option<Applied>,
    pub(crate) plans: Vec<(AreaId, Applied)>,
    pub(crate) alerts: Vec<(AreaId, Applied)>,
}

#[derive(Debug)]
pub(crate) struct Documents {
    tenant: TenantId,
    node_id: NodeId,
    root: VerifyingKey,
    path: AreaPath,
    keys: Option<Opened<KeySet>>,
    node: Option<(Held, Profile)>,
    plans: BTreeMap<AreaId, Held>,
    alerts: BTreeMap<AreaId, Held>,
    applied: BTreeMap<Slot, Applied>,
    deferred: BTreeMap<(Slot, Origin), Deferred>,
    retry_at_ms: Option<u64>,
    change: Change,
}

impl Documents {
    pub(crate) fn recipient(&self) -> Recipient<'_> {
        Recipient { tenant: &self.tenant, node: &self.node_id, path: &self.path }
    }

    pub(crate) fn key_set(&self) -> Option<&KeySet> {
        self.keys.as_ref().map(|opened| &opened.document)
    }

    /// The document with a program in a slot.
    fn held(&self, slot: &Slot) -> Option<&Held> {
        match slot {
            Slot::Node => self.node.as_ref().map(|(held, _)| held),
            Slot::Plan(area) => self.plans.get(area),
            Slot::Alert(area) => self.alerts.get(area),
            Slot::Keys | Slot::Command(_) => None,
        }
    }

    fn put(&mut self, slot: &Slot, held: Held) {
        match slot {
            Slot::Plan(area) => self.plans.insert(area.clone(), held),
            Slot::Alert(area) => self.alerts.insert(area.clone(), held),
            Slot::Keys | Slot::Node | Slot::Command(_) => None,
        };
    }

    fn remove(&mut self, slot: &Slot) -> Option<Held> {
        match slot {
            Slot::Plan(area) => self.plans.remove(area),
            Slot::Alert(area) => self.alerts.remove(area),
            Slot::Keys | Slot::Node | Slot::Command(_) => None,
        }
    }

    fn slots_of_areas(&self) -> impl Iterator<Item = Slot> {
        let plans = self.plans.keys().cloned().map(Slot::Plan);
        plans.chain(self.alerts.keys().cloned().map(Slot::Alert))
    }

    pub(crate) fn take_change(&mut self) -> Change {
        std::mem::take(&mut self.change)
    }

    /// The areas whose documents are for the node; none while its place is not known.
    pub(crate) fn areas(&self) -> &[AreaId] {
        if self.path.is_unplaced() { &[] } else { self.path.areas() }
    }

    /// What the node's own document says, when it is in force.
    pub(crate) fn profile(&self) -> Option<&Profile> {
        self.node.as_ref().map(|(_, profile)| profile)
    }

    /// The documents in force that have a program, in the order of rule D1: the alerts, the plans, the widest area's first, each with
    /// its area and the place of that on the path, then the node's own.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (Option<(usize, &AreaId)>, &Held)> {
        let areas = || self.path.areas().iter().enumerate();
        let alerts = areas().filter_map(|(place, area)| Some((Some((place, area)), self.alerts.get(area)?)));
        let plans = areas().filter_map(|(place, area)| Some((Some((place, area)), self.plans.get(area)?)));
        alerts.chain(plans).chain(self.node.iter().map(|(held, _)| (None, held)))
    }

    /// The documents in force that have a program, in the same order.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Held> {
        self.placed().map(|(_, held)| held)
    }

    /// The alerts that have an item, with their area.
    pub(crate) fn alerts_with(&self, item: &ItemId, revision: u32) -> Option<(&AreaId, &Held)> {
        let has = |held: &Held| held.items.iter().any(|i| i.id == *item && i.revision == revision);
        let mut in_order = self.path.areas().iter().filter_map(|area| Some((area, self.alerts.get(area)?)));
        in_order.find(|(_, held)| has(held))
    }

    /// Of each area on the path, widest first, whether its plan puts its own priority items first.
    pub(crate) fn own_priority_first(&self) -> Vec<bool> {
        let says = |area: &AreaId| self.plans.get(area).is_some_and(|held| held.own_priority_first);
        self.path.areas().iter().map(says).collect()
    }

    /// The board's own guards and those of all documents in force (rule G1 of the timeline).
    pub(crate) fn watch(&self, own: Option<&OwnGuards>) -> Watch {
        let plans = self.path.areas().iter().filter_map(|area| self.plans.get(area));
        let all = plans.chain(self.node.iter().map(|(held, _)| held));
        Watch::of_node(own, all.map(|held| (held.guards.clone(), held.zone)))
    }

    /// The manifest of an object, from the first document that has it.
    pub(crate) fn manifest(&self, object: &ObjectHash) -> Option<&Arc<Manifest>> {
        let prepared = || self.plans.values().find_map(|held| held.prepared.get(object));
        self.programs().find_map(|held| held.manifests.get(object)).or_else(prepared)
    }

    /// The objects to have for emergencies to come.
    pub(crate) fn prepared(&self) -> impl Iterator<Item = &ObjectHash> {
        self.plans.values().flat_map(|held| held.prepared.keys())
    }

    /// Whether an object came with alerts in force.
    pub(crate) fn has_inline(&self, object: &ObjectHash) -> bool {
        self.alerts.values().any(|held| held.inline.contains_key(object))
    }

    /// An object that came with alerts in force.
    pub(crate) fn inline(&self, object: &ObjectHash) -> Option<InlineSound> {
        self.alerts.values().find_map(|held| {
            let (manifest, bytes) = held.manifests.get(object).zip(held.inline.get(object))?;
            Some(InlineSound { manifest: Arc::clone(manifest), bytes: Arc::clone(bytes) })
        })
    }

    /// What is applied and in force.
    pub(crate) fn in_force(&self) -> InForce {
        let of = |all: &BTreeMap<AreaId, Held>| {
            let applied = |area: &AreaId| all.get(area).map(|held| (area.clone(), held.applied));
            self.path.areas().iter().filter_map(applied).collect()
        };
        InForce {
            keys: self.keys.as_ref().map(Opened::applied),
            node: self.node.as_ref().map(|(held, _)| held.applied),
            plans: of(&self.plans),
            alerts: of(&self.alerts),
        }
    }
}

/// Verifies what was applied before: as of now, or, where it has expired since or the clock has gone back to before it (at a boot
/// it may, by some minutes), as of its application.
fn lasting<T>(
    now: UnixMs,
    applied_at: UnixMs,
    mut verify: impl FnMut(UnixMs) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    match verify(now) {
        Err(Refusal::Expired | Refusal::NotYetValid) => verify(applied_at),
        other => other,
    }
}
