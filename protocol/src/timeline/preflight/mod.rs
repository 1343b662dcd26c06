//! What a node will do: the rules, run ahead on a board that does nothing wrong.
//!
//! The board that is foreseen has power, a clock that is right, an amplifier that is warm in time, and sounds as long as their
//! manifests say. What a board that is not so does else is told by its receipts.

mod board;
mod due;

use self::board::Board;
use super::NEAR_MS;
use super::guards::{Aired, OwnGuards};
use super::occurrence::Occurrence;
use crate::bulletin::{Class, Language};
use crate::ids::{ItemId, ObjectHash, OccurrenceId};
use crate::plan::{AreaPlan, Item, NodeDocument};
use crate::receipt::Outcome;
use crate::time::UnixMs;

/// A node, as far as what it will play depends on it.
#[derive(Clone, Copy)]
pub struct Outlook<'a> {
    /// Its own document.
    pub node: &'a NodeDocument,
    /// Plans of areas. Those of other areas than the path's do not count.
    pub plans: &'a [&'a AreaPlan],
    /// Whether an object will be there in time.
    pub has_object: &'a dyn Fn(&ObjectHash) -> bool,
    /// The board's own guards, where they are known.
    pub own_guards: Option<&'a OwnGuards>,
    /// What is over. Budgets count what was heard of it, whatever was planned; what is not told here is foreseen as planned.
    pub past: &'a [Past],
}

/// An occurrence that is over on the node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Past {
    /// Its item.
    pub item: ItemId,
    /// Its planned start.
    pub nominal: UnixMs,
    /// The occurrence.
    pub occurrence: OccurrenceId,
    /// Its class.
    pub class: Class,
    /// What was heard; `None`: nothing.
    pub sounded: Option<Sounded>,
}

/// When and how long something was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sounded {
    /// When its first sample left.
    pub from: UnixMs,
    /// When it was over.
    pub until: UnixMs,
    /// How long it sounded, pauses not counted, in milliseconds; the planned length where that is not known.
    pub sound_ms: i64,
}

impl Past {
    fn aired(&self) -> Option<Aired> {
        let Sounded { from, sound_ms, .. } = self.sounded?;
        Some(Aired { class: self.class, started: from, sound_ms })
    }
}

/// What becomes of an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen<'a> {
    /// Its item.
    pub item: &'a Item,
    /// The occurrence.
    pub occurrence: Occurrence,
    /// From when until when it sounds, pauses included; twice where it is interrupted and taken up again, never where it is missed.
    pub sounds: Vec<(UnixMs, UnixMs)>,
    /// How long it sounds in all, pauses not counted, in milliseconds.
    pub sound_ms: i64,
    /// The languages in which it is heard.
    pub languages: Vec<Language>,
    /// How it ends; its reason is the rule.
    pub outcome: Outcome,
    /// Who sounds instead of it, or cuts it.
    pub winner: Option<OccurrenceId>,
    /// When that is settled.
    pub ended: UnixMs,
}

/// What a node will do with all occurrences planned at `from` or later and before `until`, in the order in which they end.
pub fn preflight<'a>(outlook: Outlook<'a>, from: UnixMs, until: UnixMs) -> Vec<Foreseen<'a>> {
    let mut board = Board::new(outlook, from, until);
    let mut now = from - NEAR_MS;
    while let Some(next) = board.next_event(now) {
        now = next;
        board.settle(now);
    }
    board.foreseen
}
