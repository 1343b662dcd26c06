//! The rules that turn a plan into sound. The node's player and the controller's preflight both call them.
//!
//! # Starts
//! An item starts [at one instant](Start::At) or [repeatedly](Start::Cron). A repeating start is read on local
//! wall-clock time, in the zone of the document that holds it, by this policy:
//!
//! - A wall time that the clocks skip (spring forward) starts at the first instant after the gap. Several such times
//!   are one start.
//! - A wall time that comes twice (fall back) starts at its first coming only.
//!
//! So every day's wall times start once each, in order, on every machine.
//!
//! # Occurrences
//! A planned start of an item is an [`Occurrence`]. Its id is a hash of item, revision and nominal start, so controller
//! and node name the same thing without speaking to each other.
//!
//! # Order
//! One sound at a time. Of several occurrences that are due, [`Occurrence::precedence`] says which goes first: the
//! higher class, then the earlier nominal start, then the smaller occurrence id. There are no ties. An emergency that is
//! due and could start stops a sounding lower class; other classes never cut one another.

mod cron;
mod zone;

use std::cmp::Reverse;

use chrono_tz::Tz;
use minicbor::{Decode, Encode};

pub use self::cron::{CronError, CronPattern};
use crate::bulletin::Class;
use crate::ids::{ItemId, OccurrenceId};
use crate::plan::Item;
use crate::time::UnixMs;
use crate::wire::sha256;

/// When an item starts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Start {
    /// Once, at this instant.
    #[n(0)]
    At(#[n(0)] UnixMs),
    /// Repeatedly, by a five-field pattern on local wall-clock time.
    #[n(1)]
    Cron(#[n(0)] CronPattern),
}

impl Start {
    /// The first start after `after` (not at it), `None` when there is none.
    pub fn next_after(&self, zone: Tz, after: UnixMs) -> Option<UnixMs> {
        match self {
            Self::At(instant) => Some(*instant).filter(|i| *i > after),
            Self::Cron(pattern) => pattern.next_after(zone, after),
        }
    }
}

/// One planned start of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The occurrence's name.
    pub id: OccurrenceId,
    /// The planned instant.
    pub nominal: UnixMs,
    /// Class of the item.
    pub class: Class,
}

/// Sorts occurrences: the greatest goes first.
pub type Precedence = (Class, Reverse<UnixMs>, Reverse<OccurrenceId>);

impl Occurrence {
    fn new(item: &Item, nominal: UnixMs) -> Self {
        Self { id: occurrence_id(&item.id, item.revision, nominal), nominal, class: item.class }
    }

    /// The occurrence's place in the total order; the greatest goes first.
    pub fn precedence(&self) -> Precedence {
        (self.class, Reverse(self.nominal), Reverse(self.id))
    }
}

/// The name of an occurrence: the first 16 bytes of SHA-256 over the ASCII text `loa-occurrence-1`, a zero byte, the
/// item's id, a zero byte, the revision (4 bytes, big-endian) and the nominal start in ms (8 bytes, big-endian).
pub fn occurrence_id(item: &ItemId, revision: u32, nominal: UnixMs) -> OccurrenceId {
    let mut bytes = b"loa-occurrence-1\0".to_vec();
    bytes.extend_from_slice(item.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(&nominal.0.to_be_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&sha256(&bytes)[..16]);
    OccurrenceId(id)
}

/// The item's first occurrence after `after` (not at it), within the item's validity.
pub fn next_occurrence(item: &Item, zone: Tz, after: UnixMs) -> Option<Occurrence> {
    let after = match item.valid_from {
        Some(from) => after.max(from - 1),
        None => after,
    };
    let nominal = item.start.next_after(zone, after)?;
    let valid = item.valid_until.is_none_or(|until| nominal < until);
    valid.then(|| Occurrence::new(item, nominal))
}

/// The item's occurrences after `after`, up to and including `until`, ascending.
pub fn occurrences(
    item: &Item,
    zone: Tz,
    after: UnixMs,
    until: UnixMs,
) -> impl Iterator<Item = Occurrence> + '_ {
    let mut last = after;
    std::iter::from_fn(move || {
        let next = next_occurrence(item, zone, last).filter(|o| o.nominal <= until)?;
        last = next.nominal;
        Some(next)
    })
}
