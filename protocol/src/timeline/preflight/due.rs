//! An occurrence on a foreseen board, until it is over.

use super::super::occurrence::Occurrence;
use super::super::session::SessionPlan;
use crate::bulletin::Language;
use crate::ids::OccurrenceId;
use crate::plan::{Item, Program};
use crate::receipt::Reason;
use crate::time::UnixMs;

/// One that has come near.
#[derive(Clone)]
pub(super) struct Due<'a> {
    pub(super) item: &'a Item,
    pub(super) program: &'a Program,
    pub(super) occurrence: Occurrence,
    pub(super) sounds: Vec<(UnixMs, UnixMs)>,
    pub(super) sound_ms: i64,
    /// Why it was interrupted and waits to be taken up again.
    pub(super) interrupted: Option<Reason>,
    pub(super) is_taken_up: bool,
    pub(super) part: u32,
    pub(super) cut_by: Option<OccurrenceId>,
    pub(super) winner: Option<OccurrenceId>,
    pub(super) yielded: bool,
    pub(super) held: Option<(UnixMs, Reason)>,
}

impl<'a> Due<'a> {
    pub(super) fn new(item: &'a Item, program: &'a Program, occurrence: Occurrence) -> Self {
        Self {
            item,
            program,
            occurrence,
            sounds: Vec::new(),
            sound_ms: 0,
            interrupted: None,
            is_taken_up: false,
            part: 0,
            cut_by: None,
            winner: None,
            yielded: false,
            held: None,
        }
    }

    /// When it is to begin: at its nominal start, or when the guards let it.
    pub(super) fn begin_at(&self) -> UnixMs {
        self.held.map_or(self.occurrence.nominal, |(until, _)| until.max(self.occurrence.nominal))
    }

    pub(super) fn is_due(&self, now: UnixMs) -> bool {
        self.occurrence.nominal <= now
    }

    /// Whether the village hears anything of it (rule N2).
    pub(super) fn has_track(&self, languages: &[Language]) -> bool {
        !self.item.heard(languages).is_empty()
    }

    /// Rule R4, on a board that does nothing wrong.
    pub(super) fn late_reason(&self, has_track: bool, is_lacking: bool) -> Reason {
        match self.held {
            _ if !has_track => Reason::NoTrackForLanguage,
            _ if self.yielded => Reason::Yielded,
            Some((_, reason)) => reason,
            None if is_lacking => Reason::AudioIncomplete,
            None => Reason::TooLate,
        }
    }
}

/// What of a session is heard in its first milliseconds, and the part that is on, or next, then.
pub(super) fn heard(plan: &SessionPlan, from: u32, elapsed_ms: i64) -> (i64, u32) {
    let (mut begin, mut sound_ms, mut on) = (0, 0, from);
    for (place, part) in plan.left(from).enumerate() {
        if place > 0 {
            begin += i64::from(part.pause_before_ms);
        }
        on = part.number;
        let duration = i64::from(part.duration_ms);
        if elapsed_ms < begin + duration {
            return (sound_ms + (elapsed_ms - begin).max(0), on);
        }
        (begin, sound_ms) = (begin + duration, sound_ms + duration);
    }
    (sound_ms, on)
}
