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
//! - Actions become durable in the order in which the core gave them, also those that had to wait, but for documents (see [`Backlog`]).
//! - No session begins whose intent is not on the disk. Since the intent comes after the document in that order, nothing of a
//!   document sounds whose sequence is not on the disk either. An emergency alone does (rule R2 of the timeline): it may then sound again
//!   after each power cut or restart while it is valid, and a storm that nobody hears of is worse.
//! - A write that the system refuses without saying why (a disk quota, or a card that fails) is tried three times, then waits
//!   like one for which there is no room: ending the daemon over and over would help neither.
//! - At most [`WAITING_MAX`] actions wait, with one document a slot; beyond, the daemon ends, and what they told is found out anew at the
//!   next boot.

use std::time::Duration;

use loa_node_core::{Action, Backlog, Ending};
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
pub(super) struct Waiting {
    /// The store is to become this node's, before anything else.
    claim: Option<Box<Identity>>,
    /// What the core wants.
    backlog: Backlog,
}

impl Waiting {
    /// The store is to become this node's, and has no room for that.
    pub(super) fn begin_with_claim(&mut self, of: Identity, error: &StoreError) {
        tell(error);
        self.claim = Some(Box::new(of));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.claim.is_none() && self.backlog.is_empty()
    }

    /// Whether what is about to sound must not begin while this waits.
    pub(super) fn holds_back(&self, record_of: Option<OccurrenceId>) -> bool {
        self.backlog.holds_back(record_of)
    }

    /// Makes the next one durable, and takes it out then.
    pub(super) async fn write_next(&mut self, store: &mut Store) -> Result<(), StoreError> {
        if let Some(identity) = &self.claim {
            store.claim(identity).await?;
            self.claim = None;
        } else if let Some(action) = self.backlog.front() {
            write(store, action).await?;
            self.backlog.pop();
        }
        Ok(())
    }
}

fn tell(error: &StoreError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the disk is full: nothing new sounds until there is room, but for emergencies; make some in the data folder's file system"
    );
}

impl Shell {
    /// Makes an action durable, or has it wait where the disk is full.
    pub(super) async fn persist(&mut self, action: Action) -> Result<(), StoreError> {
        if !self.waiting.is_empty() {
            self.waiting.backlog.push(action);
            return Ok(());
        }
        let mut retries = RETRIES.into_iter();
        let mut given_up = 0;
        loop {
            let error = match write(&mut self.store, &action).await {
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
            tell(&error);
            self.waiting.backlog.push(action);
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
        while !self.waiting.is_empty() {
            match self.waiting.write_next(&mut self.store).await {
                Ok(()) => {}
                Err(error) if error.may_be_full() && self.waiting.backlog.len() < WAITING_MAX => {
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

async fn write(store: &mut Store, action: &Action) -> Result<(), StoreError> {
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
