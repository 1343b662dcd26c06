//! What became of an occurrence: the proof of play.
//!
//! A node writes one [`Receipt`] for each occurrence into its own store and keeps it until a [`ReceiptAck`] says that
//! the controller's database has it. Receipts are numbered by the node without a hole, so that sending one twice is
//! harmless and a missing one shows. Each names the digest of the one before it, and each batch carries the board's signature
//! ([`Seal`]): a hole or a change shows.

mod reason;
mod seal;

use minicbor::{Decode, Encode};

pub use self::reason::Reason;
pub use self::seal::{Seal, receipt_digests};

use crate::ids::{BulletinId, Digest, ItemId, OccurrenceId};
use crate::report::ClockTrust;
use crate::time::UnixMs;
use crate::wire::{Wire, WireError, require};

/// Most receipts in one batch.
pub const BATCH_MAX: usize = 256;

/// How an occurrence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Outcome {
    /// It sounded from beginning to end.
    #[n(0)]
    Played,
    /// It sounded, but not wholly.
    #[n(1)]
    Partial(#[n(0)] Reason),
    /// It did not sound.
    #[n(2)]
    Missed(#[n(0)] Reason),
}

impl Outcome {
    /// The outcome's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Partial(_) => "partial",
            Self::Missed(_) => "missed",
        }
    }

    /// Why it did not sound wholly.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Played => None,
            Self::Partial(reason) | Self::Missed(reason) => Some(reason),
        }
    }
}

/// When and how long an occurrence sounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sound {
    /// When the first sample left for the device, on the node's clock.
    #[n(0)]
    pub started: UnixMs,
    /// Milliseconds of sound, pauses between tracks not counted.
    #[n(1)]
    pub played_ms: u32,
}

/// What became of one occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The node's own number, from 1 without a hole.
    #[n(0)]
    pub number: u64,
    /// The occurrence.
    #[n(1)]
    pub occurrence: OccurrenceId,
    /// Its item.
    #[n(2)]
    pub item: ItemId,
    /// The item's revision.
    #[n(3)]
    pub revision: u32,
    /// The item's bulletin.
    #[n(4)]
    pub bulletin: BulletinId,
    /// When it was planned.
    #[n(5)]
    pub nominal: UnixMs,
    /// How it ended.
    #[n(6)]
    pub outcome: Outcome,
    /// What sounded, if anything.
    #[n(7)]
    pub sound: Option<Sound>,
    /// How far the node trusted its clock.
    #[n(8)]
    pub clock: ClockTrust,
    /// When the receipt was written, on the node's clock.
    #[n(9)]
    pub written: UnixMs,
    /// The occurrence that sounded instead of it, or cut it, if one did.
    #[n(10)]
    pub winner: Option<OccurrenceId>,
    /// Digest of the receipt before it, as [`Receipt::digest`] has it; absent in the first one, and where that is not known.
    #[n(11)]
    pub previous: Option<Digest>,
}

impl Receipt {
    /// What the next receipt names it by: the first 16 bytes of SHA-256 of its CBOR.
    pub fn digest(&self) -> Digest {
        match minicbor::to_vec(self) {
            Ok(bytes) => Digest::of(&bytes),
            Err(never) => unreachable!("a Vec accepts every write: {never}"),
        }
    }
}

/// Receipts on their way to the controller. Topic `u/{node}/receipt`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReceiptBatch {
    /// The receipts, ascending by number.
    #[n(0)]
    pub receipts: Vec<Receipt>,
    /// The board's signature; absent from a board that has no key for it.
    #[n(1)]
    pub seal: Option<Seal>,
}

impl Wire for ReceiptBatch {
    fn check(&self) -> Result<(), WireError> {
        if let Some(seal) = &self.seal {
            seal.check()?;
        }
        require((1..=BATCH_MAX).contains(&self.receipts.len()), "receipts", "has 1 to 256 entries")?;
        require(self.receipts.is_sorted_by(|a, b| a.number < b.number), "receipts", "ascends by number")?;
        require(self.receipts.iter().all(|r| r.number > 0), "number", "counts from 1")
    }
}

/// The controller's word that it has stored these receipts. Topic `d/{node}/ack`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReceiptAck {
    /// The receipts' numbers.
    #[n(0)]
    pub numbers: Vec<u64>,
}

impl Wire for ReceiptAck {
    fn check(&self) -> Result<(), WireError> {
        require((1..=BATCH_MAX).contains(&self.numbers.len()), "numbers", "has 1 to 256 entries")
    }
}
