//! Who goes first (section O of the [timeline](super)), and who stops whom (section C).

use std::cmp::Reverse;

use super::occurrence::Occurrence;
use super::rules::Severity;
use crate::bulletin::Class;
use crate::ids::{BulletinId, OccurrenceId};
use crate::plan::Item;
use crate::time::UnixMs;

/// The authority of an item on one node (rule O2): whose document it is in. The greater goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Authority(Reverse<u8>);

impl Authority {
    /// The authority of an item of this class in the plan of the area at `place` on the node's path (0 is the widest), or in
    /// the node's own document (`None`).
    ///
    /// `own_priority_first` says of each area on the path, widest first, whether its plan says so. Among *priority* items such an
    /// area goes before all wider ones: those that say so come first, the narrowest of them first of all, then the others.
    pub fn new(class: Class, place: Option<usize>, own_priority_first: &[bool]) -> Self {
        let count = own_priority_first.len();
        let rank = match place.filter(|place| *place < count) {
            None => count,
            Some(place) if class != Class::Priority => place,
            Some(place) => {
                let narrower_first = own_priority_first[place + 1..].iter().filter(|first| **first).count();
                if own_priority_first[place] { narrower_first } else { narrower_first + place }
            }
        };
        Self(Reverse(u8::try_from(rank).unwrap_or(u8::MAX)))
    }
}

/// Sorts occurrences (rules O1 to O5): the greatest goes first.
pub type Precedence = (Class, Authority, Severity, Reverse<UnixMs>, Reverse<OccurrenceId>);

impl Occurrence {
    /// The occurrence's place in the total order; the greatest goes first.
    pub fn precedence(&self) -> Precedence {
        (self.class, self.authority, self.severity, Reverse(self.nominal), Reverse(self.id))
    }

    /// Whether this one, being due and able to start, stops a session of the other (rules C1 and C2).
    pub fn cuts(&self, other: &Self) -> bool {
        let emergency = self.class == Class::Emergency;
        emergency
            && (other.class < Class::Emergency
                || self.severity > other.severity && self.precedence() > other.precedence())
    }
}

/// How one emergency takes the place of another (rule C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supersession {
    /// It takes the other back: the other ends when this one is due.
    Cancels,
    /// It says something else instead: the other ends when this one is due and could start.
    Updates,
}

/// Whether and how the occurrence of an item supersedes another one, of this bulletin (rule C3).
pub fn supersedes(
    (item, occurrence): (&Item, &Occurrence),
    (bulletin, other): (&BulletinId, &Occurrence),
) -> Option<Supersession> {
    let emergencies = occurrence.class == Class::Emergency && other.class == Class::Emergency;
    let may = emergencies
        && occurrence.id != other.id
        && occurrence.authority >= other.authority
        && occurrence.nominal >= other.nominal;
    if !may {
        None
    } else if item.rules.cancels.contains(bulletin) {
        Some(Supersession::Cancels)
    } else {
        item.rules.updates.contains(bulletin).then_some(Supersession::Updates)
    }
}
