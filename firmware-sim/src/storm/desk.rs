//! The controller's desk for one node: what it does because of what this node says.
//!
//! It acknowledges receipts once they are in its database, serves the blocks that are asked for, and sends a document again
//! where the node reports another than it should have. It may be killed between the database and the acknowledgement, and be
//! restored from a backup that has fewer receipts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use loa_node_core::Slot;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, Digest, NodeId};
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch, Seal, receipt_digests};
use loa_protocol::report::State;
use loa_protocol::transfer::{Block, Want};
use loa_protocol::wire::Wire as _;

use super::SECOND;
use super::office::{Document, File};
use crate::rng::Rng;

/// How long the controller waits before it sends a document again.
const PATIENCE_MS: i64 = 30 * SECOND;

/// What the controller has from one node.
#[derive(Debug)]
pub(crate) struct Desk {
    rng: Rng,
    /// With the instant at which each was stored.
    receipts: BTreeMap<u64, (i64, Receipt)>,
    /// Stored, acknowledged and then lost with the database that was replaced by a backup.
    pub(crate) lost: BTreeSet<u64>,
    sent: BTreeMap<Slot, i64>,
    pub(crate) state: Option<State>,
    /// The bytes of that: most are the same as those before.
    said: Vec<u8>,
    /// The board's key, where it signs its receipts.
    seals_with: Option<VerifyingKey>,
    /// The digests of the receipts as they were sent, over every restored backup: of these too nothing may change.
    digests: BTreeMap<u64, Digest>,
}

/// What the desk answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A message to the node, after so many milliseconds.
    Ack(i64, Vec<u8>),
    /// A block.
    Block(i64, Vec<u8>),
    /// The document is published again.
    Publish(i64, Slot),
}

/// Why a batch of receipts proves nothing, or something else than one before.
#[derive(Debug)]
pub(crate) enum Contradiction {
    /// Two receipts under one number.
    Number(u64),
    /// A receipt does not name the one before it.
    Chain(u64),
    /// The board's signature is not under it.
    Seal,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "the controller was told two different receipts {number}"),
            Self::Chain(number) => write!(f, "receipt {number} does not name the one before it"),
            Self::Seal => write!(f, "a batch of receipts came without the board's signature under it"),
        }
    }
}

impl Desk {
    /// `seals_with`: the key of a board that signs its receipts.
    pub(crate) fn new(rng: Rng, seals_with: Option<VerifyingKey>) -> Self {
        Self {
            rng,
            receipts: BTreeMap::new(),
            lost: BTreeSet::new(),
            sent: BTreeMap::new(),
            state: None,
            said: Vec::new(),
            seals_with,
            digests: BTreeMap::new(),
        }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.receipts.keys().copied()
    }

    /// The database is replaced by a backup.
    pub(crate) fn restore(&mut self, back_to: i64) {
        let lost = self.receipts.extract_if(.., |_, (at, _)| *at > back_to).map(|(number, _)| number);
        self.lost.extend(lost);
    }

    pub(crate) fn take_receipts(
        &mut self,
        t: i64,
        payload: &[u8],
        of: &NodeId,
    ) -> Result<Option<Answer>, Contradiction> {
        let Ok(ReceiptBatch { receipts, seal }) = ReceiptBatch::from_cbor(payload) else {
            return Ok(None);
        };
        self.verify(&receipts, seal.as_ref(), payload, of)?;
        let numbers: Vec<u64> = receipts.iter().map(|receipt| receipt.number).collect();
        for receipt in receipts {
            let number = receipt.number;
            self.lost.remove(&number);
            let kept = &self.receipts.entry(number).or_insert_with(|| (t, receipt.clone())).1;
            if *kept != receipt {
                return Err(Contradiction::Number(number));
            }
        }
        Ok(Some(Answer::Ack(self.rng.range(50, 2_000), ReceiptAck { numbers }.to_cbor())))
    }

    /// Each receipt names the one before it as that was sent, and the signature is the board's (protocol, 7).
    fn verify(
        &mut self,
        receipts: &[Receipt],
        seal: Option<&Seal>,
        payload: &[u8],
        of: &NodeId,
    ) -> Result<(), Contradiction> {
        let digests = receipt_digests(payload).map_err(|_| Contradiction::Seal)?;
        for (receipt, digest) in receipts.iter().zip(&digests) {
            let is_another = self.digests.insert(receipt.number, *digest).is_some_and(|old| old != *digest);
            let before = receipt.number.checked_sub(1).and_then(|before| self.digests.get(&before));
            if is_another {
                return Err(Contradiction::Number(receipt.number));
            } else if before.is_some_and(|before| receipt.previous != Some(*before)) {
                return Err(Contradiction::Chain(receipt.number));
            }
        }
        let Some(key) = &self.seals_with else { return Ok(()) };
        let signature = seal.and_then(|seal| Signature::from_slice(&seal.signature).ok());
        let is_right = |signature| key.verify_strict(&Seal::head(of, &digests), &signature).is_ok();
        if signature.is_some_and(is_right) { Ok(()) } else { Err(Contradiction::Seal) }
    }

    pub(crate) fn take_want(&mut self, payload: &[u8], file: &File<'_>) -> Vec<Answer> {
        let Ok(want) = Want::from_cbor(payload) else { return Vec::new() };
        let Some(object) = file.object(&want.object) else { return Vec::new() };
        let mut delay_ms = 0;
        let blocks = want.blocks().into_iter().take(usize::from(want.window)).filter_map(|index| {
            let (offset, length) = object.manifest.block_range(index)?;
            let bytes = object.bytes.get(offset as usize..(offset + length) as usize)?.to_vec();
            delay_ms += self.rng.range(5, 300);
            Some(Answer::Block(delay_ms, Block { object: want.object, index, bytes }.to_cbor()))
        });
        blocks.collect()
    }

    /// Compares what the node has with what it should have.
    pub(crate) fn take_state(&mut self, t: i64, payload: &[u8], file: &File<'_>) -> Vec<Answer> {
        let known = self.state.take().filter(|_| self.said == payload);
        let Some(state) = known.or_else(|| State::from_cbor(payload).ok()) else { return Vec::new() };
        payload.clone_into(&mut self.said);
        let has = |slot: &Slot| -> Option<Applied> {
            match slot {
                Slot::Keys => state.keys,
                Slot::Node => state.desired,
                // Orders are not kept, and no state tells which were valid.
                Slot::Command(_) => None,
                Slot::Alert(area) => {
                    state.alerts.iter().find(|alerts| alerts.area == *area).map(|alerts| alerts.applied)
                }
                Slot::Plan(area) => {
                    state.plans.iter().find(|plan| plan.area == *area).map(|plan| plan.applied)
                }
            }
        };
        let mut answers = Vec::new();
        for slot in wanted(file, t) {
            let should = file.current(&slot, t).map(|publication| publication.applied);
            let is_fresh = self.sent.get(&slot).is_some_and(|sent| t - sent < PATIENCE_MS);
            if has(&slot) != should && !is_fresh {
                self.sent.insert(slot.clone(), t);
                answers.push(Answer::Publish(self.rng.range(20, 1_500), slot));
            }
        }
        self.state = Some(state);
        answers
    }
}

/// The documents that a node should have at an instant: keys, its own, the plans of the areas in which it stands, and their
/// alerts while those are valid.
pub(crate) fn wanted(file: &File<'_>, t: i64) -> Vec<Slot> {
    let stands: Vec<AreaId> = match file.current(&Slot::Node, t).map(|publication| &publication.document) {
        Some(Document::Node(node)) => node.path.areas().to_vec(),
        Some(Document::Keys(_) | Document::Plan(_) | Document::Order(_) | Document::Alerts(_)) | None => {
            Vec::new()
        }
    };
    let is_valid = |slot: &Slot| file.current(slot, t).is_some_and(|alerts| t < alerts.expires.0);
    let alerts = stands.iter().cloned().map(Slot::Alert).filter(is_valid).collect::<Vec<_>>();
    let plans = stands.into_iter().map(Slot::Plan);
    [Slot::Keys, Slot::Node].into_iter().chain(plans).chain(alerts).collect()
}
