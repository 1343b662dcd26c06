//! The board's store that is not there: what survives a power cut.

use std::collections::BTreeMap;

use loa_node_core::{
    Action, Ending, Intent, LedgerEntry, PartialObject, Restored, Slot, StoredDocument, WholeObject,
};
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{ObjectHash, OccurrenceId};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Manifest};

#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) documents: BTreeMap<Slot, StoredDocument>,
    pub(crate) applied: BTreeMap<Slot, Applied>,
    pub(crate) intents: BTreeMap<OccurrenceId, Intent>,
    /// Every receipt that was ever written, by number.
    pub(crate) receipts: BTreeMap<u64, Receipt>,
    pub(crate) unacknowledged: Vec<u64>,
    pub(crate) ledger: Vec<LedgerEntry>,
    pub(crate) whole: BTreeMap<ObjectHash, u32>,
    pub(crate) partial: BTreeMap<ObjectHash, PartialFile>,
    /// Whether the wall clock was ever ahead, as far as the rig knows.
    pub(crate) clock_went_back: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct PartialFile {
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) have: Bitmap,
}

impl Store {
    /// Does a persistent action; any other is left alone.
    pub(crate) fn carry_out(&mut self, action: &Action) {
        if let Action::SaveDocument { slot, document } = action {
            if let Some(last) = self.applied.insert(slot.clone(), document.applied) {
                assert!(last.sequence <= document.applied.sequence, "a sequence went back");
            }
            self.documents.insert(slot.clone(), document.clone());
        }
        if let Action::ForgetDocument { slot } = action {
            self.documents.remove(slot);
        }
        if let Action::RecordIntent(intent) = action {
            self.intents.insert(intent.occurrence, intent.clone());
        }
        if let Action::RecordReceipts(endings) = action {
            for ending in endings {
                self.record(ending);
            }
        }
        if let Action::DeleteReceipts { numbers } = action {
            self.unacknowledged.retain(|number| !numbers.contains(number));
        }
        if let Action::BeginObject { manifest } = action {
            let file = PartialFile {
                manifest: (**manifest).clone(),
                bytes: vec![0; manifest.size_bytes as usize],
                have: Bitmap::empty(manifest.block_count()),
            };
            assert!(self.partial.insert(manifest.object, file).is_none(), "a partial file was begun twice");
        }
    }

    fn record(&mut self, ending: &Ending) {
        let receipt = &ending.receipt;
        let newest = self.receipts.last_key_value().map(|(_, newest)| newest.digest());
        assert_eq!(receipt.previous, newest, "receipts are a chain");
        self.ledger.push(ending.ledger_entry());
        let next = self.receipts.last_key_value().map_or(1, |(last, _)| last + 1);
        assert_eq!(receipt.number, next, "receipts are numbered without a hole");
        // One that a clock far ahead called missed, and that was still to come, ends anew.
        let is_final = |r: &Receipt| r.sound.is_some() || !self.clock_went_back;
        let twice = self.receipts.values().any(|r| r.occurrence == receipt.occurrence && is_final(r));
        assert!(!twice, "an occurrence has two receipts: {receipt:?}");
        self.intents.remove(&receipt.occurrence);
        self.unacknowledged.push(receipt.number);
        self.receipts.insert(receipt.number, receipt.clone());
    }

    /// Writes a block into its file.
    pub(crate) fn write(&mut self, object: &ObjectHash, index: u32, offset: u32, bytes: &[u8]) {
        let file = self.partial.get_mut(object).unwrap();
        assert!(!file.have.contains(index), "block {index} was stored twice");
        assert!(file.manifest.block_matches(index, bytes), "a wrong block was stored");
        file.bytes[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        file.have.insert(index);
    }

    /// Finishes an object: whether its hash is right.
    pub(crate) fn finish(&mut self, object: &ObjectHash) -> bool {
        let file = self.partial.remove(object).unwrap();
        let is_right = ObjectHash::of(&file.bytes) == *object;
        if is_right {
            self.whole.insert(*object, file.manifest.size_bytes);
        }
        is_right
    }

    pub(crate) fn restored(&self) -> Restored {
        let whole = |(object, size_bytes): (&ObjectHash, &u32)| WholeObject {
            object: *object,
            size_bytes: *size_bytes,
            last_used: UnixMs(0),
        };
        let partial =
            |file: &PartialFile| PartialObject { manifest: file.manifest.clone(), have: file.have.clone() };
        Restored {
            documents: self.documents.clone().into_iter().collect(),
            applied: self.applied.clone().into_iter().collect(),
            ledger: self.ledger.clone(),
            intents: self.intents.values().cloned().collect(),
            next_receipt: self.receipts.last_key_value().map_or(1, |(last, _)| last + 1),
            last_receipt: self.receipts.last_key_value().map(|(_, newest)| newest.digest()),
            unacknowledged: self.unacknowledged.clone(),
            objects: self.whole.iter().map(whole).collect(),
            partial: self.partial.values().map(partial).collect(),
        }
    }
}
