//! Makes durable what the core wants durable, also on a disk that is full.
//!
//! ```text
//!            fails                      full: the reserve goes, then audio that is missed least
//! written <──────── tried three times ─────────────────────────────────────────────────────────> written
//!                        │ other trouble                     │ still full
//!                        v                                   v
//!                 the daemon ends          waits, in order, until there is room; nothing new sounds
//! ```
//!
//! # Invariants
//! - Actions become durable in the order in which the core gave them, also those that had to wait.
//! - No session begins whose intent is not on the disk. Since the intent comes after the document in that order, nothing of a
//!   document sounds whose sequence is not on the disk either. An emergency alone does (rule R2 of the timeline): it may then sound again
//!   after each power cut or restart while it is valid, and a storm that nobody hears of is worse.
//! - A write that the system refuses without saying why (a disk quota, or a card that fails) is tried three times, then waits
//!   like one for which there is no room: ending the daemon over and over would help neither.
//! - At most [`WAITING_MAX`] actions wait; beyond, the daemon ends, and what they told is found out anew at the next boot.

use std::collections::VecDeque;
use std::time::Duration;

use loa_node_core::{Action, Ending};
use loa_protocol::ids::OccurrenceId;

use super::{Shell, reserve};
use crate::cache::worker::Job;
use crate::identity::Identity;
use crate::store::{Store, StoreError};

/// How long to wait before an action that failed is tried again.
const RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Most objects that are given up for one action.
const GIVEN_UP_MAX: u32 = 16;

/// Most actions that wait for room.
const WAITING_MAX: usize = 1_000;

/// What waits for room on the disk.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Change>);

/// A change to the store.
#[derive(Debug)]
pub(super) enum Change {
    /// The store becomes this node's.
    Claim(Box<Identity>),
    /// What the core wants.
    Action(Action),
}

impl Waiting {
    /// The first that waits, and why.
    pub(super) fn begin(&mut self, change: Change, error: &StoreError) {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "the disk is full: nothing new sounds until there is room, but for emergencies; make some in the data folder's file system"
        );
        self.push(change);
    }

    pub(super) fn push(&mut self, change: Change) {
        self.0.push_back(change);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Change> {
        std::mem::take(&mut self.0).into_iter()
    }

    /// Whether what is about to sound must not begin while this waits.
    pub(super) fn holds_back(&self, record_of: Option<OccurrenceId>) -> bool {
        self.0.iter().any(|change| match change {
            Change::Action(action) => action.holds_back(record_of),
            Change::Claim(_) => false,
        })
    }
}

impl Shell {
    /// Makes an action durable, or has it wait where the disk is full.
    pub(super) async fn persist(&mut self, action: Action) -> Result<(), StoreError> {
        let change = Change::Action(action);
        if !self.waiting.is_empty() {
            self.waiting.push(change);
            return Ok(());
        }
        let mut retries = RETRIES.into_iter();
        let mut given_up = 0;
        loop {
            let error = match write(&mut self.store, &change).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if error.is_full() && given_up < GIVEN_UP_MAX && self.make_room().await {
                given_up += 1;
                continue;
            }
            if !error.is_full()
                && let Some(wait) = retries.next()
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the database failed; trying again"
                );
                tokio::time::sleep(wait).await;
                continue;
            }
            if !error.may_be_full() {
                return Err(error);
            }
            self.waiting.begin(change, &error);
            let now = self.now();
            self.core.handle_store_full(true, now);
            return Ok(());
        }
    }

    /// Frees something of what the node itself takes. Returns whether there was anything.
    async fn make_room(&mut self) -> bool {
        if reserve::release(&self.data_dir) {
            tracing::warn!("the disk is full: the room that was kept for the database is used");
            return true;
        }
        let now = self.now();
        let Some(object) = self.core.give_up_object(now) else { return false };
        tracing::warn!(%object, "the disk is full: audio that is not needed soon is deleted");
        let (done, is_done) = tokio::sync::oneshot::channel();
        let dropped =
            self.send_job(Job::Drop(object)).await.is_ok() && self.send_job(Job::Reached(done)).await.is_ok();
        dropped && self.answer(is_done).await.is_ok()
    }

    /// Tries again what waits for room, and makes some: each time at most one thing goes.
    pub(super) async fn persist_waiting(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            reserve::keep(&self.data_dir);
            return Ok(());
        }
        let mut has_made_room = false;
        while let Some(change) = self.waiting.0.front() {
            match write(&mut self.store, change).await {
                Ok(()) => {
                    self.waiting.0.pop_front();
                }
                Err(error) if error.may_be_full() && self.waiting.0.len() < WAITING_MAX => {
                    // What is needed within two days changes with the hours.
                    if has_made_room || !self.make_room().await {
                        return Ok(());
                    }
                    has_made_room = true;
                }
                Err(error) => return Err(error),
            }
        }
        tracing::info!("the disk has room again, and everything that waited is on it");
        let now = self.now();
        self.core.handle_store_full(false, now);
        Ok(())
    }
}

pub(super) async fn write(store: &mut Store, change: &Change) -> Result<(), StoreError> {
    let action = match change {
        Change::Claim(identity) => return store.claim(identity).await.map(drop),
        Change::Action(action) => action,
    };
    match action {
        Action::SaveDocument { slot, document } => {
            tracing::info!(?slot, sequence = document.applied.sequence, "a document is applied");
            store.save_document(slot, document).await
        }
        Action::ForgetDocument { slot } => store.forget_document(slot).await,
        Action::RecordIntent(intent) => store.record_intent(intent).await,
        Action::RecordReceipts(endings) => {
            for Ending { receipt, .. } in endings {
                tracing::info!(
                    number = receipt.number, item = %receipt.item, nominal = %receipt.nominal,
                    outcome = receipt.outcome.as_str(), reason = receipt.outcome.reason().map(tracing::field::display),
                    "an occurrence has ended"
                );
            }
            store.record_receipts(endings).await
        }
        Action::DeleteReceipts { numbers } => store.delete_receipts(numbers).await,
        Action::ReadReceipts { .. }
        | Action::Subscribe { .. }
        | Action::Unsubscribe { .. }
        | Action::Publish { .. }
        | Action::OpenBulk
        | Action::CloseBulk
        | Action::BeginObject { .. }
        | Action::StoreBlock { .. }
        | Action::FinishObject { .. }
        | Action::DropObject { .. }
        | Action::SetVolume { .. }
        | Action::PrepareSpeaker { .. }
        | Action::Play { .. }
        | Action::StopSound { .. }
        | Action::ReleaseSpeaker
        | Action::TakeTime(_)
        | Action::MeasureHealth => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use loa_node_core::{Intent, Progress};
    use loa_protocol::bulletin::Class;
    use loa_protocol::ids::{BulletinId, ItemId};
    use loa_protocol::time::UnixMs;

    use super::*;

    #[test]
    fn what_waits_for_room_holds_back_its_own_occurrence_first_or_taken_up_again() {
        let intent = |number, started| Intent {
            occurrence: OccurrenceId([number; 16]),
            item: ItemId::new("i").unwrap(),
            revision: 1,
            bulletin: BulletinId::new("b").unwrap(),
            nominal: UnixMs(0),
            class: Class::Normal,
            started,
            progress: Progress::default(),
        };
        let mut waiting = Waiting::default();
        waiting.push(Change::Action(Action::RecordIntent(intent(1, None))));
        waiting.push(Change::Action(Action::RecordIntent(intent(2, Some(UnixMs(1))))));
        let holds_back = |number| waiting.holds_back(Some(OccurrenceId([number; 16])));
        assert!(holds_back(1) && holds_back(2));
        assert!(!holds_back(3), "its intent is on the disk");
        assert!(!waiting.holds_back(None), "an emergency, or what was heard");
    }
}
