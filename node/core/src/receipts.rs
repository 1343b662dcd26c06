//! Receipts on their way to the controller.
//!
//! ```text
//! RecordReceipts ─> waiting ── ReadReceipts ─> reading ── Publish ─> sent ── ack ─> DeleteReceipts
//!                      ^                                              │ no ack in time: the next numbers, later
//!                      └──────────────────────────────────────────────┘
//! ```
//!
//! **Invariants.** Numbers rise by one and are never given twice. Each receipt names the digest of the one before it, so a
//! hole or a change shows. A receipt leaves the store only by an acknowledgement
//! of the application; a PUBACK proves nothing. One batch is under way at a time.

use std::collections::{BTreeSet, VecDeque};

use loa_protocol::ids::Digest;
use loa_protocol::receipt::{Receipt, ReceiptAck};
use loa_protocol::report::ClockTrust;

use crate::action::Action;
use crate::deadline::{At, Deadlines};
use crate::input::Now;
use crate::player::Ended;

/// Most receipts in one message; some 20 KB.
const BATCH: usize = 64;
/// First wait for an acknowledgement.
const ACK_WAIT_MS: u64 = 20_000;
/// Longest wait for an acknowledgement.
const ACK_WAIT_MAX_MS: u64 = 15 * 60_000;

#[derive(Debug)]
enum Sending {
    /// Nothing is under way.
    Idle,
    /// The shell reads the batch.
    Reading { until_ms: u64 },
    /// The batch was published.
    Sent { until_ms: u64 },
}

/// Numbers receipts and gets them acknowledged.
#[derive(Debug)]
pub(crate) struct Receipts {
    next_number: u64,
    /// Digest of the newest receipt.
    last: Option<Digest>,
    unacknowledged: BTreeSet<u64>,
    /// Where the next batch begins. It passes over a batch that is not acknowledged, so that one receipt which
    /// the controller cannot store does not hold up the others.
    cursor: u64,
    sending: Sending,
    ack_wait_ms: u64,
}

impl Receipts {
    pub(crate) fn restore(next_number: u64, last: Option<Digest>, unacknowledged: Vec<u64>) -> Self {
        let unacknowledged: BTreeSet<u64> = unacknowledged.into_iter().collect();
        let above = unacknowledged.last().map_or(1, |last| last.saturating_add(1));
        Self {
            next_number: next_number.max(above),
            last,
            unacknowledged,
            cursor: 0,
            sending: Sending::Idle,
            ack_wait_ms: ACK_WAIT_MS,
        }
    }

    /// Gives the receipt of an occurrence its number.
    pub(crate) fn write(&mut self, ended: &Ended, clock: ClockTrust, now: Now) -> Receipt {
        let Ended { intent, outcome, sound, winner, aired: _ } = ended;
        let number = self.next_number;
        self.next_number += 1;
        self.unacknowledged.insert(number);
        let receipt = Receipt {
            number,
            occurrence: intent.occurrence,
            item: intent.item.clone(),
            revision: intent.revision,
            bulletin: intent.bulletin.clone(),
            nominal: intent.nominal,
            outcome: *outcome,
            sound: *sound,
            clock,
            written: now.wall,
            winner: *winner,
            previous: self.last,
        };
        self.last = Some(receipt.digest());
        receipt
    }

    pub(crate) fn waiting(&self) -> u32 {
        u32::try_from(self.unacknowledged.len()).unwrap_or(u32::MAX)
    }

    /// A connection is there: begin anew.
    pub(crate) fn handle_up(&mut self) {
        self.sending = Sending::Idle;
        self.cursor = 0;
        self.ack_wait_ms = ACK_WAIT_MS;
    }

    /// The shell read a batch. Returns what to publish.
    pub(crate) fn handle_read(&mut self, mut receipts: Vec<Receipt>, now: Now) -> Vec<Receipt> {
        let Sending::Reading { .. } = self.sending else { return Vec::new() };
        receipts.retain(|receipt| self.unacknowledged.contains(&receipt.number));
        receipts.sort_by_key(|receipt| receipt.number);
        receipts.dedup_by_key(|receipt| receipt.number);
        receipts.truncate(BATCH);
        self.sending = Sending::Sent { until_ms: now.monotonic_ms.saturating_add(self.ack_wait_ms) };
        receipts
    }

    /// The controller has stored these.
    pub(crate) fn handle_ack(&mut self, ack: &ReceiptAck, actions: &mut VecDeque<Action>) {
        let mut numbers: Vec<u64> =
            ack.numbers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        numbers.retain(|number| self.unacknowledged.remove(number));
        if numbers.is_empty() {
            return;
        }
        actions.push_back(Action::DeleteReceipts { numbers });
        self.ack_wait_ms = ACK_WAIT_MS;
        self.sending = Sending::Idle;
    }

    /// Begins the next batch, when there is one and nothing is under way.
    pub(crate) fn step(&mut self, is_up: bool, now: Now, actions: &mut VecDeque<Action>) {
        match self.sending {
            Sending::Reading { until_ms } | Sending::Sent { until_ms } if until_ms <= now.monotonic_ms => {
                self.ack_wait_ms = (self.ack_wait_ms * 2).min(ACK_WAIT_MAX_MS);
                self.sending = Sending::Idle;
            }
            Sending::Idle | Sending::Reading { .. } | Sending::Sent { .. } => {}
        }
        if !is_up || !matches!(self.sending, Sending::Idle) || self.unacknowledged.is_empty() {
            return;
        }
        let mut numbers: Vec<u64> = self.unacknowledged.range(self.cursor..).take(BATCH).copied().collect();
        if numbers.is_empty() {
            numbers = self.unacknowledged.iter().take(BATCH).copied().collect();
        }
        self.cursor = numbers.last().map_or(0, |last| last + 1);
        self.sending = Sending::Reading { until_ms: now.monotonic_ms.saturating_add(self.ack_wait_ms) };
        actions.push_back(Action::ReadReceipts { numbers });
    }

    /// Deadlines while the control link is up.
    pub(crate) fn deadlines(&self, deadlines: &mut Deadlines) {
        match self.sending {
            Sending::Reading { until_ms } | Sending::Sent { until_ms } => {
                deadlines.add(At::Monotonic(until_ms), "receipts are not acknowledged");
            }
            Sending::Idle => {}
        }
    }
}
