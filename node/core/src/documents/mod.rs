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
//! What was applied stays held until a newer one takes its place, over every boot, and nothing of it begins once it has expired
//! (rule D3): a node without network goes on by its place, its languages and its guards.
//!
//! **Invariants.** What is held verified under the key set that is held. `applied` only rises, and outlives what it
//! guards. A slot has at most one deferred envelope, so both are bounded by the number of slots.

mod deferred;
mod held;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Applied, Freshness, Opened, Recipient, Refusal, open_key_set};
use loa_protocol::ids::{AreaId, Digest, NodeId, ObjectHash, TenantId};
use loa_protocol::keys::KeySet;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{OwnGuards, Watch};
use loa_protocol::transfer::Manifest;

use self::deferred::{Deferred, Wait};
pub(crate) use self::held::{Held, Profile};
use crate::action::Action;
use crate::deadline::{At, Deadlines};
use crate::input::{Identity, Now, Slot, StoredDocument};

/// How often deferred documents are tried again.
const RETRY_MS: u64 = 60_000;

/// What has changed since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// The set of documents in force is another.
    pub(crate) documents: bool,
    /// Refusals to count and report.
    pub(crate) refusals: Vec<(Slot, Refusal)>,
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
    applied: BTreeMap<Slot, Applied>,
    deferred: BTreeMap<Slot, Deferred>,
    retry_at_ms: Option<u64>,
    change: Change,
}

impl Documents {
    /// Verifies what was stored, the key set first, then the node's own document, then the plans.
    pub(crate) fn restore(
        identity: &Identity,
        stored: Vec<(Slot, StoredDocument)>,
        applied: Vec<(Slot, Applied)>,
        now: Now,
    ) -> Self {
        let mut documents = Self {
            tenant: identity.tenant.clone(),
            node_id: identity.node.clone(),
            root: identity.root,
            path: identity.path.clone(),
            keys: None,
            node: None,
            plans: BTreeMap::new(),
            applied: applied.into_iter().collect(),
            deferred: BTreeMap::new(),
            retry_at_ms: None,
            change: Change::default(),
        };
        let stored: BTreeMap<Slot, StoredDocument> = stored.into_iter().collect();
        for (slot, document) in stored {
            let StoredDocument { envelope, applied_at, path, applied, issued_at: _ } = document;
            documents.applied.entry(slot.clone()).or_insert(applied);
            let result = lasting(now.wall, applied_at, |at| {
                documents.restore_one(&slot, &envelope, &path, applied_at, at)
            });
            if let Err(refusal) = result {
                documents.refuse(&slot, envelope, Some((path, applied_at)), refusal, now);
            }
        }
        documents.change.documents = true;
        documents
    }

    /// Holds a document again that was applied before, and was valid at this instant.
    fn restore_one(
        &mut self,
        slot: &Slot,
        envelope: &[u8],
        path: &AreaPath,
        applied_at: UnixMs,
        at: UnixMs,
    ) -> Result<(), Refusal> {
        let applied = self.applied.get(slot).copied();
        match slot {
            Slot::Keys => {
                let opened = open_key_set(envelope, &self.root, &self.tenant, at)?;
                opened.freshness(applied)?;
                self.keys = Some(opened);
            }
            Slot::Node => {
                let recipient = Recipient { tenant: &self.tenant, node: &self.node_id, path };
                let (mut candidate, profile) = held::node(envelope, self.key_set(), recipient, at)?;
                candidate.opened.freshness(applied)?;
                candidate.held.applied_at = applied_at;
                self.path = profile.path.clone();
                self.node = Some((candidate.held, profile));
            }
            Slot::Plan(area) => {
                let mut candidate = held::plan(area, envelope, self.key_set(), self.recipient(), at)?;
                candidate.opened.freshness(applied)?;
                candidate.held.applied_at = applied_at;
                self.plans.insert(area.clone(), candidate.held);
            }
            // Orders are not kept.
            Slot::Command(_) => return Err(Refusal::WrongKind),
        }
        Ok(())
    }

    pub(crate) fn recipient(&self) -> Recipient<'_> {
        Recipient { tenant: &self.tenant, node: &self.node_id, path: &self.path }
    }

    pub(crate) fn key_set(&self) -> Option<&KeySet> {
        self.keys.as_ref().map(|opened| &opened.document)
    }

    /// An envelope came on the slot's topic.
    pub(crate) fn receive(&mut self, slot: &Slot, envelope: &[u8], now: Now, actions: &mut VecDeque<Action>) {
        match self.apply(slot, envelope, None, now.wall, actions) {
            Ok(Freshness::New) => {
                self.deferred.remove(slot);
                self.after_change(slot, now, actions);
            }
            Ok(Freshness::Same) => {}
            Err(refusal) => self.refuse(slot, envelope.to_vec(), None, refusal, now),
        }
    }

    /// Verifies, compares, saves and holds.
    fn apply(
        &mut self,
        slot: &Slot,
        envelope: &[u8],
        stored: Option<&(AreaPath, UnixMs)>,
        now: UnixMs,
        actions: &mut VecDeque<Action>,
    ) -> Result<Freshness, Refusal> {
        let last = self.applied.get(slot).copied();
        let is_held = match slot {
            Slot::Keys => self.keys.is_some(),
            Slot::Node => self.node.is_some(),
            Slot::Plan(area) => self.plans.contains_key(area),
            Slot::Command(_) => return Err(Refusal::WrongKind),
        };
        // The very same bytes under the same sequence are a redelivery (protocol, 4): what is held was verified.
        if is_held && last.is_some_and(|last| last.digest == Digest::of(envelope)) {
            return Ok(Freshness::Same);
        }
        // The document that was applied, but is not held (its key or its area was away meanwhile), is taken up again.
        let skip = |freshness| freshness == Freshness::Same && is_held;
        let applied_at = stored.map_or(now, |(_, applied_at)| *applied_at);
        let (applied, validity) = match slot {
            Slot::Keys => {
                let opened = open_key_set(envelope, &self.root, &self.tenant, now)?;
                if skip(opened.freshness(last)?) {
                    return Ok(Freshness::Same);
                }
                let (applied, validity) = (opened.applied(), opened.claims.validity);
                self.keys = Some(opened);
                (applied, validity)
            }
            Slot::Node => {
                let path = stored.map_or(&self.path, |(path, _)| path);
                let recipient = Recipient { tenant: &self.tenant, node: &self.node_id, path };
                let (mut candidate, profile) = held::node(envelope, self.key_set(), recipient, now)?;
                if skip(candidate.opened.freshness(last)?) {
                    return Ok(Freshness::Same);
                }
                candidate.held.applied_at = applied_at;
                let applied = candidate.held.applied;
                self.path = profile.path.clone();
                self.node = Some((candidate.held, profile));
                (applied, candidate.opened.claims.validity)
            }
            Slot::Plan(area) => {
                let mut candidate = held::plan(area, envelope, self.key_set(), self.recipient(), now)?;
                if skip(candidate.opened.freshness(last)?) {
                    return Ok(Freshness::Same);
                }
                candidate.held.applied_at = applied_at;
                let applied = candidate.held.applied;
                self.plans.insert(area.clone(), candidate.held);
                (applied, candidate.opened.claims.validity)
            }
            Slot::Command(_) => return Err(Refusal::WrongKind),
        };
        self.applied.insert(slot.clone(), applied);
        let document = StoredDocument {
            envelope: envelope.to_vec(),
            applied,
            applied_at,
            path: self.path.clone(),
            // A signer whose clock is ahead must not move the node's.
            issued_at: UnixMs::from_seconds(validity.issued_at_s).min(now),
        };
        actions.push_back(Action::SaveDocument { slot: slot.clone(), document });
        self.change.documents = true;
        Ok(Freshness::New)
    }

    /// What else a document changes once it is held: a key set and a place decide on the other documents.
    fn after_change(&mut self, slot: &Slot, now: Now, actions: &mut VecDeque<Action>) {
        match slot {
            Slot::Keys => {
                self.verify_again(now, true);
                self.retry_deferred(now, actions);
            }
            Slot::Node => {
                let left: Vec<AreaId> =
                    self.plans.keys().filter(|area| !self.path.contains(area)).cloned().collect();
                for area in left {
                    self.plans.remove(&area);
                    actions.push_back(Action::ForgetDocument { slot: Slot::Plan(area) });
                }
                let path = self.path.clone();
                self.deferred.retain(|slot, _| match slot {
                    Slot::Keys | Slot::Node | Slot::Command(_) => true,
                    Slot::Plan(area) => path.contains(area),
                });
                self.verify_again(now, false);
                self.retry_deferred(now, actions);
            }
            Slot::Plan(_) | Slot::Command(_) => {}
        }
    }

    /// Drops what the key set or the place no longer covers.
    fn verify_again(&mut self, now: Now, with_node: bool) {
        let mut dropped = Vec::new();
        if with_node && let Some((held, profile)) = self.node.take() {
            // Seen from where the document put the node: that move was allowed when it was applied.
            let verify = |at| held::node(&held.envelope, self.key_set(), self.recipient(), at);
            match lasting(now.wall, held.applied_at, verify) {
                Ok((candidate, _)) => {
                    let held = Held { expires: candidate.held.expires, ..held };
                    self.node = Some((held, profile));
                }
                Err(refusal) => dropped.push((Slot::Node, held, refusal)),
            }
        }
        for (area, held) in std::mem::take(&mut self.plans) {
            let verify = |at| held::plan(&area, &held.envelope, self.key_set(), self.recipient(), at);
            match lasting(now.wall, held.applied_at, verify) {
                Ok(candidate) => {
                    self.plans.insert(area, Held { expires: candidate.held.expires, ..held });
                }
                Err(refusal) => dropped.push((Slot::Plan(area), held, refusal)),
            }
        }
        self.change.documents = true;
        for (slot, held, refusal) in dropped {
            let stored = Some((self.path.clone(), held.applied_at));
            self.refuse(&slot, held.envelope, stored, refusal, now);
        }
    }

    /// Tries the deferred documents again, for instance because the clock was set.
    pub(crate) fn retry_deferred(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        self.retry_at_ms = None;
        for (slot, deferred) in std::mem::take(&mut self.deferred) {
            let Deferred { envelope, stored, .. } = deferred;
            let valid_at = stored.as_ref().map_or(now.wall, |(_, applied_at)| *applied_at);
            let result =
                lasting(now.wall, valid_at, |at| self.apply(&slot, &envelope, stored.as_ref(), at, actions));
            match result {
                // Ends: a document that was applied here is not deferred any more.
                Ok(Freshness::New) => self.after_change(&slot, now, actions),
                Ok(Freshness::Same) => {}
                Err(refusal) if self.defers(&slot, refusal, stored.is_some()) => {
                    // Reported when it came; a newer one may have been deferred meanwhile.
                    let wait = Wait::after(refusal, &envelope, self.key_set());
                    self.deferred.entry(slot).or_insert(Deferred { envelope, stored, wait });
                    self.retry_at_ms = Some(now.monotonic_ms.saturating_add(RETRY_MS));
                }
                // Overtaken by a newer document meanwhile: nothing is wrong.
                Err(Refusal::Replayed) => {}
                Err(refusal) => self.change.refusals.push((slot, refusal)),
            }
        }
    }

    /// The clock is right now, and earlier than what was applied by it: it was ahead then. What the node's occurrences are (rule
    /// W1) counts from now on, after a boot too, which knows of the time before no more than what is in the store.
    pub(crate) fn correct_application(&mut self, now: UnixMs, actions: &mut VecDeque<Action>) {
        let node = self.node.iter_mut().map(|(held, _)| (Slot::Node, held));
        let plans = self.plans.iter_mut().map(|(area, held)| (Slot::Plan(area.clone()), held));
        for (slot, held) in node.chain(plans) {
            // It verifies as of its application (see `lasting`), so not before its validity.
            let applied_at = now.max(UnixMs::from_seconds(held.validity.not_before_s));
            if applied_at >= held.applied_at {
                continue;
            }
            held.applied_at = applied_at;
            let document = StoredDocument {
                envelope: held.envelope.clone(),
                applied: held.applied,
                applied_at,
                path: self.path.clone(),
                issued_at: UnixMs::from_seconds(held.validity.issued_at_s).min(now),
            };
            actions.push_back(Action::SaveDocument { slot, document });
        }
    }

    /// Counts and reports a refusal.
    pub(crate) fn tell(&mut self, slot: Slot, refusal: Refusal) {
        self.change.refusals.push((slot, refusal));
    }

    fn refuse(
        &mut self,
        slot: &Slot,
        envelope: Vec<u8>,
        stored: Option<(AreaPath, UnixMs)>,
        refusal: Refusal,
        now: Now,
    ) {
        let expected = refusal == Refusal::UnknownKey && self.keys.is_none();
        // What was stored may come again from the broker: it is the same document, applied when it was.
        let same = self.deferred.get(slot).filter(|deferred| deferred.envelope == envelope);
        let stored = stored.or_else(|| same.and_then(|deferred| deferred.stored.clone()));
        if self.defers(slot, refusal, stored.is_some()) {
            let wait = Wait::after(refusal, &envelope, self.key_set());
            self.deferred.insert(slot.clone(), Deferred { envelope, stored, wait });
            self.retry_at_ms.get_or_insert(now.monotonic_ms.saturating_add(RETRY_MS));
        }
        // Retained messages come in any order: a plan before the first key set is no offence.
        if !expected || *slot == Slot::Keys {
            self.change.refusals.push((slot.clone(), refusal));
        }
    }

    /// Whether a refused document may verify later: its key may come (but never another root), the clock may be set right.
    /// While the node's own document waits for that, the node's place is not known, and nothing that a plan was refused
    /// for is the last word.
    fn defers(&self, slot: &Slot, refusal: Refusal, is_stored: bool) -> bool {
        if let Slot::Plan(area) = slot {
            if is_stored && self.deferred.contains_key(&Slot::Node) {
                return true;
            }
            if !self.path.contains(area) {
                return false;
            }
        }
        let awaits_key = refusal == Refusal::UnknownKey && *slot != Slot::Keys;
        awaits_key || refusal == Refusal::NotYetValid || is_stored && refusal == Refusal::Expired
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Now, actions: &mut VecDeque<Action>) {
        if self.retry_at_ms.is_none_or(|at| at > now.monotonic_ms) {
            return;
        }
        if self.deferred.values().any(|deferred| deferred.wait.is_over(now.wall)) {
            self.retry_deferred(now, actions);
        } else {
            self.retry_at_ms = Some(now.monotonic_ms.saturating_add(RETRY_MS));
        }
    }

    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        if let Some(at) = self.retry_at_ms {
            deadlines.add(At::Monotonic(at), "try a deferred document again");
        }
    }

    pub(crate) fn take_change(&mut self) -> Change {
        std::mem::take(&mut self.change)
    }

    /// The areas whose plans are for the node; none while its place is not known.
    pub(crate) fn areas(&self) -> &[AreaId] {
        if self.path.is_unplaced() { &[] } else { self.path.areas() }
    }

    /// What the node's own document says, when it is in force.
    pub(crate) fn profile(&self) -> Option<&Profile> {
        self.node.as_ref().map(|(_, profile)| profile)
    }

    /// The documents in force that have a program: the plans, the widest area's first, each with its area and the place of that on
    /// the path, then the node's own.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (Option<(usize, &AreaId)>, &Held)> {
        let plan = |(place, area)| Some((Some((place, area)), self.plans.get(area)?));
        let plans = self.path.areas().iter().enumerate().filter_map(plan);
        plans.chain(self.node.iter().map(|(held, _)| (None, held)))
    }

    /// The documents in force that have a program, in the same order.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Held> {
        self.placed().map(|(_, held)| held)
    }

    /// Of each area on the path, widest first, whether its plan puts its own priority items first.
    pub(crate) fn own_priority_first(&self) -> Vec<bool> {
        let says = |area: &AreaId| self.plans.get(area).is_some_and(|held| held.own_priority_first);
        self.path.areas().iter().map(says).collect()
    }

    /// The board's own guards and those of all documents in force (rule G1 of the timeline).
    pub(crate) fn watch(&self, own: Option<&OwnGuards>) -> Watch {
        Watch::of_node(own, self.programs().map(|held| (held.guards.clone(), held.zone)))
    }

    /// The manifest of an object, from the first document that has it.
    pub(crate) fn manifest(&self, object: &ObjectHash) -> Option<&Arc<Manifest>> {
        self.programs().find_map(|held| held.manifests.get(object))
    }

    /// What is applied and in force: key set, node document, plans by area, widest first.
    pub(crate) fn in_force(&self) -> (Option<Applied>, Option<Applied>, Vec<(AreaId, Applied)>) {
        let plan = |area: &AreaId| self.plans.get(area).map(|held| (area.clone(), held.applied));
        (
            self.keys.as_ref().map(Opened::applied),
            self.node.as_ref().map(|(held, _)| held.applied),
            self.path.areas().iter().filter_map(plan).collect(),
        )
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
