//! What one document changes for the others: a key set and a place decide on them, and so do the clock and their age.

use std::collections::VecDeque;
use std::sync::Arc;

use loa_protocol::alert::ALERT_LONGEST_MS;
use loa_protocol::time::UnixMs;

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
                let has_left = |slot: &Slot| slot.area().is_some_and(|area| !self.path.contains(area));
                let left: Vec<Slot> = self.slots_of_areas().filter(has_left).collect();
                for slot in left {
                    self.remove(&slot);
                    actions.push_back(Action::ForgetDocument { slot });
                }
                let path = self.path.clone();
                self.deferred.retain(|slot, _| slot.area().is_none_or(|area| path.contains(area)));
                self.verify_again(now, false);
                self.retry_deferred(now, actions);
            }
            Slot::Plan(_) | Slot::Alert(_) | Slot::Command(_) => {}
        }
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

    /// Forgets alerts of which nothing can sound any more: they may be large, and come no more than a day after.
    pub(crate) fn forget_expired(&mut self, now: UnixMs, actions: &mut VecDeque<Action>) {
        for (area, _) in self.alerts.extract_if(.., |_, held| forget_at(held) <= now) {
            let slot = Slot::Alert(area);
            self.change.note(&slot);
            actions.push_back(Action::ForgetDocument { slot });
        }
    }

    /// Deadlines while the clock is known.
    pub(crate) fn expiry_deadlines(&self, deadlines: &mut Deadlines) {
        for held in self.alerts.values() {
            deadlines.add(At::Wall(forget_at(held)), "forget alerts that have expired");
        }
    }
}

fn forget_at(held: &Held) -> UnixMs {
    held.expires + FORGET_AFTER_MS
}
