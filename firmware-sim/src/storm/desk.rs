//! The controller's desk for one node: what it does because of what this node says.
//!
//! It acknowledges receipts once they are in its database, serves the blocks that are asked for, and sends a document again
//! where the node reports another than it should have. It may be killed between the database and the acknowledgement, and be
//! restored from a backup that has fewer receipts.

use std::collections::{BTreeMap, BTreeSet};

use loa_node_core::Slot;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::AreaId;
use loa_protocol::receipt::{Receipt, ReceiptAck, ReceiptBatch};
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

/// Two receipts under one number.
#[derive(Debug)]
pub(crate) struct Contradiction(pub(crate) u64);

impl Desk {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, receipts: BTreeMap::new(), lost: BTreeSet::new(), sent: BTreeMap::new(), state: None }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.receipts.keys().copied()
    }

    /// The database is replaced by a backup.
    pub(crate) fn restore(&mut self, back_to: i64) {
        let lost = self.receipts.extract_if(.., |_, (at, _)| *at > back_to).map(|(number, _)| number);
        self.lost.extend(lost);
    }

    pub(crate) fn take_receipts(&mut self, t: i64, payload: &[u8]) -> Result<Option<Answer>, Contradiction> {
        let Ok(ReceiptBatch { receipts, seal: _ }) = ReceiptBatch::from_cbor(payload) else {
            return Ok(None);
        };
        let numbers: Vec<u64> = receipts.iter().map(|receipt| receipt.number).collect();
        for receipt in receipts {
            let number = receipt.number;
            self.lost.remove(&number);
            let kept = &self.receipts.entry(number).or_insert_with(|| (t, receipt.clone())).1;
            if *kept != receipt {
                return Err(Contradiction(number));
            }
        }
        Ok(Some(Answer::Ack(self.rng.range(50, 2_000), ReceiptAck { numbers }.to_cbor())))
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
        let Ok(state) = State::from_cbor(payload) else { return Vec::new() };
        let has = |slot: &Slot| -> Option<Applied> {
            match slot {
                Slot::Keys => state.keys,
                Slot::Node => state.desired,
                // Orders are not kept, and no state tells of them. No alerts come in a storm.
                Slot::Command(_) | Slot::Alert(_) => None,
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

/// The documents that a node should have at an instant: keys, its own, the plans of the areas in which it stands.
pub(crate) fn wanted(file: &File<'_>, t: i64) -> Vec<Slot> {
    let stands: Vec<AreaId> = match file.current(&Slot::Node, t).map(|publication| &publication.document) {
        Some(Document::Node(node)) => node.path.areas().to_vec(),
        Some(Document::Keys(_) | Document::Plan(_) | Document::Order(_)) | None => Vec::new(),
    };
    [Slot::Keys, Slot::Node].into_iter().chain(stands.into_iter().map(Slot::Plan)).collect()
}
