//! What a board has on its disk: the database and the audio, under the promises of the daemon's store and cache.
//!
//! - A change to the database is one transaction. A power cut in its midst leaves it done or not done, never half.
//! - Blocks are synced every few; of those that were not, a power cut leaves some, and some torn, which the next boot finds
//!   out by hashing. An object gets its name only when all of it is on the disk.
//! - On a full disk, changes to the database wait in memory, in order, and a power cut takes what waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node::clock::trust::Kept;
use loa_node_core::{Action, Backlog, Identity, Intent, Restored, Slot, StoreEvent};
use loa_protocol::ids::{ObjectHash, OccurrenceId};
use loa_protocol::time::UnixMs;

use crate::board_sim::cache::{Cache, Disk as Medium};
use crate::board_sim::store::Store;
use crate::rng::Rng;

/// How many changes have room where an object was given up for them.
const FREED_BY_AN_OBJECT: u32 = 20;

/// One board's disk.
#[derive(Debug)]
pub(crate) struct Disk {
    store: Store,
    pub(crate) cache: Cache,
    pub(crate) kept_clock: Option<Kept>,
    /// Changes for which there is room although the disk is full.
    room: u32,
    /// What waits for room.
    waiting: Backlog,
    /// Issue times of the documents, which the clock may not be earlier than.
    issued: BTreeMap<Slot, UnixMs>,
}

impl Disk {
    /// The disk of a board that was just enrolled.
    pub(crate) fn new() -> Self {
        Self {
            store: Store::new(Arc::default()),
            cache: Cache::new(Arc::default()),
            kept_clock: None,
            room: 0,
            waiting: Backlog::default(),
            issued: BTreeMap::new(),
        }
    }

    /// Takes over the key set of the enrolment, as the daemon does at each start.
    pub(crate) fn adopt(&mut self, keys: &[u8], of: &Identity, now: UnixMs) {
        // A set that has expired is passed over: the current one comes with the first connection.
        let _ = self.store.adopt_key_set(keys, of, now);
    }

    pub(crate) fn known_instants(&self) -> impl Iterator<Item = UnixMs> + '_ {
        self.issued.values().copied()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.cache.disk == Medium::Full
    }

    /// Whether a change can be made durable now.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.is_empty() && (!self.is_full() || self.room > 0)
    }

    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// An object was given up.
    pub(crate) fn free(&mut self, object: &ObjectHash) {
        self.cache.drop_object(object);
        self.room += FREED_BY_AN_OBJECT;
    }

    pub(crate) fn wait(&mut self, action: Action) {
        self.waiting.push(action);
    }

    /// The first change that waits, once there is room.
    pub(crate) fn next_waiting(&mut self) -> Option<Action> {
        if self.is_full() && self.room == 0 { None } else { self.waiting.pop() }
    }

    /// Whether a sound must not begin while something waits, as the daemon asks.
    pub(crate) fn holds_back(&self, record_of: Option<OccurrenceId>) -> bool {
        self.waiting.holds_back(record_of)
    }

    /// The intent of an occurrence that is durable.
    pub(crate) fn intent(&self, occurrence: &OccurrenceId) -> Option<&Intent> {
        self.store.intent(occurrence)
    }

    /// Makes a persistent action durable; any other is left alone.
    pub(crate) fn commit(&mut self, action: &Action) {
        if self.is_full() {
            self.room = self.room.saturating_sub(1);
        }
        if let Action::SaveDocument { slot, document } = action {
            self.issued.insert(slot.clone(), document.issued_at.min(document.applied_at));
            self.store.save_document(slot.clone(), document.clone());
        }
        if let Action::ForgetDocument { slot } = action {
            self.issued.remove(slot);
            self.store.forget_document(slot);
        }
        if let Action::RecordIntent(intent) = action {
            self.store.record_intent(intent.clone());
        }
        if let Action::RecordReceipts(endings) = action {
            self.store.record_receipts(endings.clone());
        }
        if let Action::DeleteReceipts { numbers } = action {
            self.store.delete_receipts(numbers);
        }
    }

    pub(crate) fn read_receipts(&self, numbers: &[u64]) -> Vec<loa_protocol::receipt::Receipt> {
        self.store.read_receipts(numbers)
    }

    /// The power goes.
    pub(crate) fn lose_power(&mut self, rng: &mut Rng) {
        self.waiting.clear();
        self.room = 0;
        self.cache.lose_power_by(|_| rng.percent(40));
    }

    /// The daemon ends in good order: what is written is synced, and what waits for room is found out anew.
    pub(crate) fn end_in_good_order(&mut self) {
        self.waiting.clear();
        self.cache.lose_power_by(|_| true);
    }

    pub(crate) fn unacknowledged(&self) -> usize {
        self.store.restored().unacknowledged.len()
    }

    /// What a boot finds.
    pub(crate) fn found(&mut self) -> Restored {
        let (objects, partial) = self.cache.found();
        Restored { objects, partial, ..self.store.restored() }
    }

    /// Works on the audio as the cache thread does; `None` where nothing is answered.
    pub(crate) fn work(&mut self, job: Action, now: UnixMs) -> Option<StoreEvent> {
        if let Action::BeginObject { manifest } = &job {
            return self.cache.begin(manifest);
        }
        if let Action::StoreBlock { object, index, bytes, .. } = job {
            // Beginning it failed, of which the answer told.
            self.cache.progress(&object)?;
            return Some(self.cache.store_block(object, index, bytes));
        }
        if let Action::FinishObject { object } = job {
            return Some(self.cache.finish(object, now));
        }
        if let Action::DropObject { object } = job {
            self.cache.drop_object(&object);
        }
        None
    }
}
