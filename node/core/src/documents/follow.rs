//! What one document changes for the others: a key set and a place decide on them, and so do the clock and their age.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use loa_protocol::alert::ALERT_LONGEST_MS;
use loa_protocol::time::UnixMs;

use super::deferred::{Deferred, Origin};
use super::{Documents, Held, held, lasting};
use crate::action::Action;
use crate::deadline::{At, Deadlines};
use crate::input::{Now, Slot, StoredDocument};

/// How long after their expiry alerts are held: what began before that, and was interrupted and taken up again, has ended by then
/// (rule I3 of the timeline).
const FORGET_AFTER_MS: i64 = 3 * ALERT_LONGEST_MS;

impl Documents {
    /// What else a document changes once it is held: a key set and a place decide on the other documents.
    pub(super) fn after_change(&mut self, slot: &Slot, now: Now, actions: &mut VecDeque<Action>) {
        match slot {
            Slot::Keys => {
                self.verify_again(now, true);
                self.retry_deferred(now, actions);
            }
            Slot::Node => {
                // What waits for a key again is in the store as what is held.
                let deferred = self.deferred.keys().map(|(slot, _)| slot.clone());
                let all: BTreeSet<Slot> = self.slots_of_areas().chain(deferred).collect();
                for slot in all.into_iter().filter(|slot| self.has_left(slot)).collect::<Vec<_>>() {
                    self.remove(&slot);
                    self.forget_deferred(&slot);
                    actions.push_back(Action::ForgetDocument { slot });
                }
                self.verify_again(now, false);
                self.retry_deferred(now, actions);
            }
            Slot::Plan(_) | Slot::Alert(_) | Slot::Command(_) => {}
        }
    }

    /// Whether it is a document of an area in which the node is not.
    pub(super) fn has_left(&self, slot: &Slot) -> bool {
        slot.area().is_some_and(|area| !self.path.contains(area))
    }

    /// Drops what the key set or the place no longer covers.
    fn verify_again(&mut self, now: Now, with_node: bool) {
        let mut dropped = Vec::new();
        if with_node && let Some((held, profile)) = self.node.take() {
            // Seen from where the document put the node: that move was allowed when it was applied.
            let verify = |at| held::node(&held.envelope, self.key_set(), self.recipient(), at);
            match lasting(now.wall, held.applied_at, verify) {
                Ok((again, _)) => self.node = Some((Held { expires: again.expires, ..held }, profile)),
                Err(refusal) => dropped.push((Slot::Node, held, refusal)),
            }
        }
        let slots: Vec<Slot> = self.slots_of_areas().collect();
        for slot in slots {
            let Some(held) = self.remove(&slot) else { continue };
            let verify = |at| held::of_area(&slot, &held.envelope, self.key_set(), self.recipient(), at);
            match lasting(now.wall, held.applied_at, verify) {
                Ok(again) => self.put(&slot, Held { expires: again.expires, items: again.items, ..held }),
                Err(refusal) => dropped.push((slot, held, refusal)),
            }
        }
        self.change.note(&Slot::Keys);
        for (slot, held, refusal) in dropped {
            let stored = Some((self.path.clone(), held.applied_at));
            self.refuse(&slot, held.envelope, stored, refusal, now);
        }
    }

    /// The clock is right now, and earlier than what was applied by it: it was ahead then. What the node's occurrences are (rule
    /// W1) counts from now on, after a boot too, which knows of the time before no more than what is in the store.
    pub(crate) fn correct_application(&mut self, now: UnixMs, actions: &mut VecDeque<Action>) {
        let node = self.node.iter_mut().map(|(held, _)| (Slot::Node, held));
        let plans = self.plans.iter_mut().map(|(area, held)| (Slot::Plan(area.clone()), held));
        let alerts = self.alerts.iter_mut().map(|(area, held)| (Slot::Alert(area.clone()), held));
        for (slot, held) in node.chain(plans).chain(alerts) {
            // It verifies as of its application (see `lasting`), so not before its validity.
            let applied_at = now.max(UnixMs::from_seconds(held.validity.not_before_s));
            if applied_at >= held.applied_at {
                continue;
            }
            held.applied_at = applied_at;
            let document = StoredDocument {
                envelope: Arc::clone(&held.envelope),
                applied: held.applied,
                applied_at,
                path: self.path.clone(),
                issued_at: UnixMs::from_seconds(held.validity.issued_at_s).min(now),
            };
            actions.push_back(Action::SaveDocument { slot, document });
        }
    }

    /// Forgets alerts of which nothing can sound any more, held or waiting for their key: they may be large, and come no more than a
    /// day after.
    pub(crate) fn forget_expired(&mut self, now: UnixMs, actions: &mut VecDeque<Action>) {
        for (area, _) in self.alerts.extract_if(.., |_, held| held.expires + FORGET_AFTER_MS <= now) {
            let slot = Slot::Alert(area);
            self.change.note(&slot);
            actions.push_back(Action::ForgetDocument { slot });
        }
        let is_over = |_: &_, deferred: &mut Deferred| forget_at(deferred).is_some_and(|at| at <= now);
        for ((slot, origin), _) in self.deferred.extract_if(.., is_over) {
            if origin == Origin::Store {
                actions.push_back(Action::ForgetDocument { slot });
            }
        }
    }

    /// Deadlines while the clock is known.
    pub(crate) fn expiry_deadlines(&self, deadlines: &mut Deadlines) {
        let held = self.alerts.values().map(|held| held.expires + FORGET_AFTER_MS);
        let deferred = self.deferred.values().filter_map(forget_at);
        for at in held.chain(deferred) {
            deadlines.add(At::Wall(at), "forget alerts that have expired");
        }
    }
}

/// When alerts that wait for their key are forgotten. Of what nobody verified that is what it says of itself.
fn forget_at(deferred: &Deferred) -> Option<UnixMs> {
    Some(deferred.expires()? + FORGET_AFTER_MS)
}
