//! Who lacks what of one object.

use std::collections::{BTreeMap, VecDeque};

use loa_protocol::area::AreaPath;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, OBJECT_MAX_BYTES, Want};

use super::roster::Seat;
use super::waves::Waiting;
use crate::dispatch::reconcile::BLOCK_SIZE_BYTES;

/// Most blocks of an object.
const BLOCKS_MAX: u32 = OBJECT_MAX_BYTES / BLOCK_SIZE_BYTES;
/// Whoever has not asked for so long waits for nothing.
pub(super) const ASKED_LATELY_US: u64 = 30_000_000;
/// So many wants for the same, with nothing gained though it was sent, and a node is slowed.
const IN_VAIN_MAX: u32 = 5;
/// How long it is not answered then; doubles with each further want, up to the longest.
const SLOWED_US: u64 = 60_000_000;
const SLOWED_MAX_US: u64 = 600_000_000;

/// How a node is being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Not at all, as yet.
    New,
    /// It waits for the decision on a wave, since then.
    Held { since_us: u64 },
    /// By a wave that passes, or is about to.
    ByWave,
    /// By itself.
    Single,
}

/// A node that asked.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) path: AreaPath,
    pub(super) top: usize,
    /// What it lacks, as far as is known: what was sent since it last asked is presumed to have come.
    pub(super) lacking: Bitmap,
    pub(super) deadline: UnixMs,
    pub(super) window: usize,
    pub(super) hears_waves: bool,
    pub(super) asked_us: u64,
    pub(super) mode: Mode,
    /// What it lacked when it last asked.
    asked_for: Bitmap,
    /// Whether anything was sent since.
    was_sent: bool,
    /// How often it asked for the same in a row although it was sent.
    pub(super) in_vain: u32,
    pub(super) slowed_until_us: u64,
}

/// What becomes of a want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is answered.
    Taken,
    /// It asks for no block that there can be.
    Nothing,
    /// Its node asks for the same for ever, and is not answered for a while.
    Slowed,
}

/// Those who asked for an object.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) askers: BTreeMap<Seat, Asker>,
    /// When the decision on waves is due.
    pub(super) plan_at_us: Option<u64>,
    /// How many nodes that hear waves it is offered to, at most.
    pub(super) audience: usize,
    /// When it was last decided on waves, or one had passed.
    pub(super) decided_us: Option<u64>,
}

impl Asker {
    /// A node that asks for the first time.
    pub(super) fn new(path: AreaPath, top: usize) -> Self {
        Self {
            path,
            top,
            lacking: Bitmap::default(),
            deadline: UnixMs(0),
            window: 0,
            hears_waves: false,
            asked_us: 0,
            mode: Mode::New,
            asked_for: Bitmap::default(),
            was_sent: false,
            in_vain: 0,
            slowed_until_us: 0,
        }
    }

    /// It asks.
    pub(super) fn note(&mut self, want: &Want, now_us: u64) -> Noted {
        let lacking = blocks_of(want);
        if lacking.is_empty() {
            return Noted::Nothing;
        }
        if now_us.saturating_sub(self.asked_us) > ASKED_LATELY_US && self.mode == Mode::Single {
            self.mode = Mode::New;
        }
        if self.asked_for != lacking {
            self.in_vain = 0;
            self.slowed_until_us = 0;
        } else if self.was_sent {
            self.in_vain = self.in_vain.saturating_add(1);
        }
        self.asked_us = now_us;
        self.lacking.clone_from(&lacking);
        self.asked_for = lacking;
        self.deadline = want.deadline;
        self.window = usize::from(want.window);
        self.hears_waves = want.hears_waves;
        if now_us < self.slowed_until_us {
            return Noted::Slowed;
        }
        self.was_sent = false;
        if self.is_in_vain() {
            // This one is answered; the next ones are not, for a while.
            let longer = SLOWED_US << (self.in_vain - IN_VAIN_MAX).min(8);
            self.slowed_until_us = now_us.saturating_add(longer.min(SLOWED_MAX_US));
        }
        Noted::Taken
    }

    /// Whether it asks for the same for ever.
    pub(super) fn is_in_vain(&self) -> bool {
        self.in_vain >= IN_VAIN_MAX
    }

    /// A block was sent to it.
    pub(super) fn note_sent(&mut self, index: u32) {
        self.lacking.remove(index);
        self.was_sent = true;
    }

    /// Whether it is sent anything by a wave that is planned now.
    fn waits(&self, now_us: u64) -> bool {
        let is_here = match self.mode {
            Mode::Held { .. } => true,
            Mode::New | Mode::Single => now_us.saturating_sub(self.asked_us) <= ASKED_LATELY_US,
            Mode::ByWave => false,
        };
        // Who asks in vain is no reason for a wave.
        is_here && self.hears_waves && !self.is_in_vain() && !self.lacking.is_empty()
    }

    /// The blocks that answer its last want.
    pub(super) fn window(&self) -> VecDeque<u32> {
        self.lacking.iter().take(self.window).collect()
    }
}

impl Book {
    /// Those who wait for a wave.
    pub(super) fn waiting(&self, now_us: u64) -> Vec<Waiting<'_>> {
        let waits = self.askers.iter().filter(|(_, asker)| asker.waits(now_us));
        waits
            .map(|(seat, asker)| Waiting {
                seat: *seat,
                path: asker.path.areas(),
                top: asker.top,
                lacking: &asker.lacking,
            })
            .collect()
    }

    /// How many are held.
    pub(super) fn held(&self) -> usize {
        self.askers.values().filter(|asker| matches!(asker.mode, Mode::Held { .. })).count()
    }
}

/// The blocks that a want says are lacking, those alone that an object can have.
fn blocks_of(want: &Want) -> Bitmap {
    let mut blocks = Bitmap::empty(BLOCKS_MAX);
    let named = Bitmap::from_bytes(want.lacking.clone());
    named.iter().filter_map(|bit| want.base.checked_add(bit)).for_each(|index| blocks.insert(index));
    blocks
}
