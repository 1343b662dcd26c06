//! What the core wants done.

use std::sync::Arc;

use loa_protocol::clock::Estimate;
use loa_protocol::ids::{ObjectHash, OccurrenceId};
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Aired;
use loa_protocol::transfer::Manifest;

use crate::input::{Intent, LedgerEntry, Link, Slot, StoredDocument, Token};

/// MQTT quality of service; the protocol uses no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// 0.
    AtMostOnce,
    /// 1.
    AtLeastOnce,
}

/// How an occurrence ended: its receipt, and what the ledger keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The receipt.
    pub receipt: Receipt,
    /// What of it counts towards the budgets of its day.
    pub aired: Option<Aired>,
}

impl Ending {
    /// What the ledger keeps.
    pub fn ledger_entry(&self) -> LedgerEntry {
        let Receipt { nominal, item, revision, outcome, sound, .. } = &self.receipt;
        LedgerEntry {
            nominal: *nominal,
            item: item.clone(),
            revision: *revision,
            // What was ordered when the power went may have been heard: a clock that goes back does not bring it again.
            sounded: sound.is_some() || *outcome == Outcome::Missed(Reason::Interrupted),
            aired: self.aired,
        }
    }
}

/// An object that came with alerts: its hash is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineSound {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// All of its bytes.
    pub bytes: Arc<[u8]>,
}

/// What the shell does for the core, strictly in the order of [`Core::poll_action`](crate::Core::poll_action).
///
/// *Persistent* actions are durable before the next action begins: a sequence is on the disk before anything that
/// follows from its document happens. When one fails the shell tries again, and ends the program if that does not help;
/// it never skips one. On a full disk alone it may go on and make them durable later, in their order: it then tells
/// [`Core::handle_store_full`](crate::Core::handle_store_full), and refuses each `Play` that those that wait hold back
/// ([`Backlog`](crate::Backlog), rule R2 of the timeline). All others may be carried out in the background once begun, in order for each object
/// and link.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Persistent, one transaction: keep the document in its slot in place of the previous one, and remember its
    /// `applied` for the slot for ever.
    SaveDocument {
        /// The slot.
        slot: Slot,
        /// The document.
        document: StoredDocument,
    },
    /// Persistent: delete the slot's document, keep what was last applied in the slot.
    ForgetDocument {
        /// The slot.
        slot: Slot,
    },
    /// Persistent: keep the intent; an intent of the same occurrence is replaced.
    RecordIntent(Intent),
    /// Persistent, one transaction: keep the receipts for sending, enter their occurrences into the ledger, delete their
    /// intents, raise the receipt counter above them, and remember the last one's digest. Ascending by number, not empty.
    RecordReceipts(Vec<Ending>),
    /// Persistent: the controller has these receipts. Their ledger entries stay.
    DeleteReceipts {
        /// Their numbers, ascending.
        numbers: Vec<u64>,
    },
    /// Read these receipts and answer with [`Core::handle_receipts`](crate::Core::handle_receipts), which has the batch signed.
    ReadReceipts {
        /// Their numbers, ascending, at most [`loa_protocol::receipt::BATCH_MAX`].
        numbers: Vec<u64>,
    },

    /// Subscribe at QoS 1 in one packet. Comes after each `ControlUp` and `BulkUp`, when the node's areas change, and on the
    /// bulk link before an object is asked for whose waves the node hears.
    Subscribe {
        /// The connection.
        link: Link,
        /// The topic filters.
        filters: Vec<String>,
    },
    /// Unsubscribe.
    Unsubscribe {
        /// The connection.
        link: Link,
        /// The topic filters.
        filters: Vec<String>,
    },
    /// Publish without waiting. A message that is lost is not lost for good: the core repeats what matters.
    Publish {
        /// The connection.
        link: Link,
        /// The topic.
        topic: String,
        /// The payload.
        payload: Vec<u8>,
        /// Quality of service.
        qos: Qos,
        /// Whether the broker keeps it.
        retain: bool,
    },
    /// Connect the bulk link, again after every loss, until `CloseBulk`.
    OpenBulk,
    /// Disconnect the bulk link. No `BulkDown` needs to follow.
    CloseBulk,

    /// Make a partial file of the manifest's size and durably keep the manifest beside it. Answered by nothing, or by
    /// `Full` or `Failing`.
    BeginObject {
        /// The object's manifest.
        manifest: Arc<Manifest>,
    },
    /// Write a block into the partial file. Answered by `BlockStored`, `Full` or `Failing`.
    StoreBlock {
        /// The object.
        object: ObjectHash,
        /// Number of the block.
        index: u32,
        /// Where it lies in the object, in bytes.
        offset_bytes: u32,
        /// The block.
        bytes: Vec<u8>,
    },
    /// Hash the whole partial file, sync it, rename it to its final name, sync the folder. Answered by `ObjectReady`,
    /// `ObjectCorrupt`, `Full` or `Failing`.
    FinishObject {
        /// The object.
        object: ObjectHash,
    },
    /// Delete the object, whole or partial, with its manifest.
    DropObject {
        /// The object.
        object: ObjectHash,
    },

    /// Set the loudness of everything that sounds.
    SetVolume {
        /// 0 (silent) to 100.
        volume_percent: u8,
    },
    /// Switch the amplifier on and open the sound device, without waiting for the warm-up. May come again while they
    /// are on.
    PrepareSpeaker {
        /// When the first sound is planned.
        by: UnixMs,
    },
    /// Play an object. Only ever one at a time.
    Play {
        /// Names the sound.
        token: Token,
        /// The occurrence whose intents, which were given before, must be on the disk first: else it would sound too often after power
        /// cuts. `None`: an emergency's, which sounds at any rate, or of a session of which something was heard.
        record_of: Option<OccurrenceId>,
        /// The object, whole in the cache unless its bytes are here.
        object: ObjectHash,
        /// The sound itself, where it came with alerts: neither the cache nor the disk is asked for it.
        inline: Option<InlineSound>,
        /// When the first sample is to be heard, on the node's clock; never earlier than the warm-up allows.
        start_at: UnixMs,
        /// After this instant it must not begin: answer with [`SpeakerFailure::Late`](crate::SpeakerFailure::Late).
        latest: UnixMs,
    },
    /// End a sound, or forget it if it has not begun. Answered by `Stopped` (or by the end that came first).
    StopSound {
        /// The sound.
        token: Token,
    },
    /// Close the device and switch the amplifier off.
    ReleaseSpeaker,

    /// The exchange with the controller found the time: at the estimate's instant of [`Now::monotonic_ms`](crate::Now). Judge the clock
    /// anew by it and tell [`Core::handle_clock`](crate::Core::handle_clock). Comes only where
    /// [`Settings::time_secret`](crate::Settings::time_secret) is given.
    TakeTime(Estimate),

    /// Measure the board and answer with [`Core::handle_health`](crate::Core::handle_health).
    MeasureHealth,
}
