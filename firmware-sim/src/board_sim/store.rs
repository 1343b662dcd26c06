//! What a board has in its database, held in memory: it survives a scripted power cut, and ends with the program.

use std::collections::BTreeMap;
use std::sync::Arc;

use loa_node_core::{Ending, Identity, Intent, LEDGER_MAX, LedgerEntry, Restored, Slot, StoredDocument};
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::{Applied, Refusal, open_key_set};
use loa_protocol::ids::{Digest, ItemId, OccurrenceId};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;

use super::pool::Pool;

/// One board's database.
#[derive(Debug)]
pub struct Store {
    pool: Arc<Pool>,
    documents: BTreeMap<Slot, Document>,
    applied: BTreeMap<Slot, Applied>,
    ledger: BTreeMap<(UnixMs, ItemId, u32), LedgerEntry>,
    intents: BTreeMap<OccurrenceId, Intent>,
    unacknowledged: BTreeMap<u64, Receipt>,
    next_receipt: u64,
    last_receipt: Option<Digest>,
}

#[derive(Debug)]
struct Document {
    envelope: Arc<[u8]>,
    applied: Applied,
    applied_at: UnixMs,
    path: AreaPath,
    issued_at: UnixMs,
}

impl Store {
    /// The database of a board that was just enrolled.
    #[must_use]
    pub fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            documents: BTreeMap::new(),
            applied: BTreeMap::new(),
            ledger: BTreeMap::new(),
            intents: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            next_receipt: 1,
            last_receipt: None,
        }
    }

    /// Takes over the key set that came with the enrolment, unless there is one.
    ///
    /// # Errors
    /// [`Refusal`] where it does not hold, most likely because it has expired; the current one comes with the first
    /// connection.
    pub fn adopt_key_set(&mut self, envelope: &[u8], of: &Identity, now: UnixMs) -> Result<(), Refusal> {
        if self.applied.contains_key(&Slot::Keys) {
            return Ok(());
        }
        let opened = open_key_set(envelope, &of.root, &of.tenant, now)?;
        let document = StoredDocument {
            envelope: envelope.into(),
            applied: opened.applied(),
            applied_at: now,
            path: of.path.clone(),
            // A signer whose clock is ahead must not move the board's.
            issued_at: UnixMs::from_seconds(opened.claims.validity.issued_at_s).min(now),
        };
        self.save_document(Slot::Keys, document);
        Ok(())
    }

    /// Keeps a document in its slot, and what was applied with it.
    pub fn save_document(&mut self, slot: Slot, document: StoredDocument) {
        let StoredDocument { envelope, applied, applied_at, path, issued_at } = document;
        let envelope = self.pool.document(applied.digest, envelope);
        self.applied.insert(slot.clone(), applied);
        self.documents.insert(slot, Document { envelope, applied, applied_at, path, issued_at });
    }

    /// Deletes a slot's document, and keeps what was applied.
    pub fn forget_document(&mut self, slot: &Slot) {
        self.documents.remove(slot);
    }

    /// The intent of an occurrence.
    #[must_use]
    pub fn intent(&self, occurrence: &OccurrenceId) -> Option<&Intent> {
        self.intents.get(occurrence)
    }

    /// Keeps an intent.
    pub fn record_intent(&mut self, intent: Intent) {
        self.intents.insert(intent.occurrence, intent);
    }

    /// Keeps receipts for sending, enters them into the ledger and deletes their intents.
    pub fn record_receipts(&mut self, endings: Vec<Ending>) {
        for ending in endings {
            let entry = ending.ledger_entry();
            let receipt = ending.receipt;
            self.last_receipt = Some(receipt.digest());
            self.next_receipt = self.next_receipt.max(receipt.number + 1);
            self.intents.remove(&receipt.occurrence);
            let key = (receipt.nominal, receipt.item.clone(), receipt.revision);
            self.ledger.insert(key, entry);
            if self.ledger.len() > LEDGER_MAX {
                self.ledger.pop_first();
            }
            self.unacknowledged.insert(receipt.number, receipt);
        }
    }

    /// The controller has these receipts.
    pub fn delete_receipts(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.unacknowledged.remove(number);
        }
    }

    /// Those of these receipts that are there.
    #[must_use]
    pub fn read_receipts(&self, numbers: &[u64]) -> Vec<Receipt> {
        numbers.iter().filter_map(|number| self.unacknowledged.get(number).cloned()).collect()
    }

    /// What a boot finds, audio not included.
    #[must_use]
    pub fn restored(&self) -> Restored {
        let document = |(slot, document): (&Slot, &Document)| {
            let Document { envelope, applied, applied_at, path, issued_at } = document;
            let stored = StoredDocument {
                envelope: Arc::clone(envelope),
                applied: *applied,
                applied_at: *applied_at,
                path: path.clone(),
                issued_at: *issued_at,
            };
            (slot.clone(), stored)
        };
        Restored {
            documents: self.documents.iter().map(document).collect(),
            applied: self.applied.iter().map(|(slot, applied)| (slot.clone(), *applied)).collect(),
            ledger: self.ledger.values().cloned().collect(),
            intents: self.intents.values().cloned().collect(),
            next_receipt: self.next_receipt,
            last_receipt: self.last_receipt,
            unacknowledged: self.unacknowledged.keys().copied().collect(),
            objects: Vec::new(),
            partial: Vec::new(),
        }
    }
}
