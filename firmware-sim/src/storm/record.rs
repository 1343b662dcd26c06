//! What a board keeps in its database: made durable, or waiting for room on a full disk; and the receipts as they become durable.

use loa_node_core::{Action, Ending};
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::time::UnixMs;

use super::SECOND;
use super::board::Board;
use super::facts::Session;
use super::invariants;

impl Board<'_> {
    /// Makes an action durable, or has it wait where the disk is full.
    pub(super) fn persist(&mut self, action: Action) {
        if !self.disk.has_room() && !self.disk.waits() {
            self.make_room();
        }
        if self.disk.has_room() {
            self.commit(&action);
            return;
        }
        if !self.disk.waits() {
            self.look_soon();
        }
        self.disk.wait(action);
        self.tell(|core, now| core.handle_store_full(true, now));
    }

    fn make_room(&mut self) -> bool {
        let now = self.now();
        let given_up = self.running.as_mut().and_then(|running| running.core.give_up_object(now));
        let Some(object) = given_up else { return false };
        self.facts.is_gone(&object, now.wall);
        self.disk.free(&object);
        true
    }

    /// Tries again what waits for room.
    pub(super) fn persist_waiting(&mut self) {
        if !self.disk.waits() {
            return;
        }
        let mut has_made_room = false;
        loop {
            while let Some(action) = self.disk.next_waiting() {
                self.commit(&action);
            }
            if !self.disk.waits() {
                break;
            }
            if has_made_room || !self.make_room() {
                return;
            }
            has_made_room = true;
        }
        self.with_core(|core, now| core.handle_store_full(false, now));
    }

    /// It is durable from here on.
    pub(super) fn commit(&mut self, action: &Action) {
        if let Action::SaveDocument { slot, document } = action {
            let verdict = invariants::epochs_never_go_back(&mut self.applied, slot, document.applied);
            self.demand("epochs never go back", verdict);
        }
        if let Action::RecordReceipts(endings) = action {
            for Ending { receipt, .. } in endings {
                self.receipt_written(receipt);
            }
        }
        if let Action::RecordIntent(intent) = action {
            self.unrecorded.remove(&(intent.item.clone(), intent.nominal));
        }
        self.disk.commit(action);
    }

    /// The program has ended: of what waited for room nothing is known any more, so that an emergency may sound again (rule R2).
    pub(super) fn forget_what_waits(&mut self) {
        self.settled.clear();
        for (start, before) in std::mem::take(&mut self.unrecorded) {
            match before {
                Some(before) => self.sounded.insert(start, before),
                None => self.sounded.remove(&start),
            };
        }
    }

    fn receipt_written(&mut self, receipt: &Receipt) {
        let verdict = invariants::receipts_form_a_chain(&self.facts.receipts, receipt);
        self.demand("receipts form a chain without a hole", verdict);
        // On a full disk it waits, and the clock may go back meanwhile.
        let steps_back = self.decided.remove(&receipt.number).unwrap_or(self.steps_back);
        let verdict = invariants::one_receipt_for_each_occurrence(&mut self.ended, receipt, steps_back);
        self.demand("each occurrence has one receipt", verdict);
        self.facts.receipts.push(receipt.clone());
        self.session_ended(receipt);
    }

    /// What its receipt tells of a session.
    fn session_ended(&mut self, receipt: &Receipt) {
        let was_cut_off = self.cut_off.remove(&receipt.occurrence);
        let class = self.classes.remove(&receipt.occurrence);
        let Some((class, sound)) = class.zip(receipt.sound) else { return };
        let is_told = match receipt.outcome {
            Outcome::Played => true,
            Outcome::Partial(reason) => matches!(
                reason,
                Reason::Yielded
                    | Reason::Withdrawn
                    | Reason::Stopped
                    | Reason::Superseded
                    | Reason::QuietHours
            ),
            Outcome::Missed(_) => false,
        };
        self.facts.sessions.push(Session {
            key: (receipt.item.clone(), receipt.revision, receipt.nominal),
            class,
            started: sound.started,
            sound_ms: i64::from(sound.played_ms),
            told: UnixMs(self.t),
            is_exact: is_told && !was_cut_off && sound.started.0 <= self.t + SECOND,
        });
    }
}
