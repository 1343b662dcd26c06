//! A wave on its way.

use std::collections::{BTreeMap, VecDeque};

use loa_protocol::ids::{AreaId, ObjectHash};
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Bitmap;

use super::bucket::Bucket;
use super::roster::Seat;
use super::waves::Wave;

/// Waves are ordered by the deadline of what they carry, then by when they were planned.
pub(super) type PassId = (UnixMs, u64);

/// One pass over an object's blocks, for all who wait in an area.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) object: ObjectHash,
    /// The area, with those that contain it.
    pub(super) place: Vec<AreaId>,
    /// Who hears it, with the number of blocks that had gone when it last asked.
    members: BTreeMap<Seat, usize>,
    /// What is still to go, each with the number of members that have it already.
    blocks: VecDeque<(u32, usize)>,
    gone: Vec<u32>,
    pub(super) pace: Bucket,
}

/// One block of a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) index: u32,
    /// How many hear it.
    pub(super) audience: usize,
    /// How many of them have it already.
    pub(super) wasted: usize,
}

impl Pass {
    /// A wave that begins.
    pub(super) fn new(object: ObjectHash, wave: Wave, pace: Bucket) -> Self {
        let members = wave.members.into_iter().map(|seat| (seat, 0)).collect();
        Self { object, place: wave.place, members, blocks: wave.blocks.into(), gone: Vec::new(), pace }
    }

    /// The area on whose topic it goes.
    pub(super) fn area(&self) -> Option<&AreaId> {
        self.place.last()
    }

    /// Whether a node that stands there hears it.
    pub(super) fn reaches(&self, path: &[AreaId]) -> bool {
        path.starts_with(&self.place)
    }

    /// Whether somebody might hear both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.place.starts_with(&other.place) || other.place.starts_with(&self.place)
    }

    /// A node asks while it passes: it hears what is still to come.
    pub(super) fn join(&mut self, seat: Seat, lacking: &Bitmap) {
        if self.members.insert(seat, self.gone.len()).is_none() {
            for (_, wasted) in self.blocks.iter_mut().filter(|(index, _)| !lacking.contains(*index)) {
                *wasted += 1;
            }
        }
    }

    /// A node does not hear it any more.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.members.remove(&seat);
    }

    /// Whether it is of no more use.
    pub(super) fn is_over(&self) -> bool {
        self.blocks.is_empty() || self.members.is_empty()
    }

    /// The next block.
    pub(super) fn take(&mut self) -> Option<Portion> {
        let (index, wasted) = self.blocks.pop_front()?;
        self.gone.push(index);
        let audience = self.members.len();
        Some(Portion { index, audience, wasted: wasted.min(audience) })
    }

    /// Who hears it.
    pub(super) fn members(&self) -> impl Iterator<Item = Seat> + '_ {
        self.members.keys().copied()
    }

    /// Who heard it, each with what went since it last asked.
    pub(super) fn heard(&self) -> impl Iterator<Item = (Seat, &[u32])> {
        self.members.iter().map(|(seat, since)| (*seat, self.gone.get(*since..).unwrap_or_default()))
    }
}
