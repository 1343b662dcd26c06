//! How an item sounds, beyond when and what: optional on the wire, and by default what they meant before there were any.

use minicbor::{Decode, Encode};

use super::calendar::LocalDate;
use crate::bulletin::Class;
use crate::ids::{BulletinId, CalendarId, ObjectHash};
use crate::wire::{WireError, require};

/// Most excluded dates of an item.
const EXCLUDED_DATES_MAX: usize = 400;
/// Most calendars that an item names.
const CALENDARS_MAX: usize = 16;
/// Most bulletins that an emergency updates or cancels.
const REFERENCES_MAX: usize = 16;
/// Most rounds of a session.
const ROUNDS_MAX: u32 = 10;
/// The gap between two rounds, in milliseconds.
const GAP_MS: std::ops::RangeInclusive<u32> = 1_000..=600_000;

/// How an item sounds. The default: once, on all days, without chimes, dropped when it is interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct ItemRules {
    /// Local dates on which it does not start, ascending.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub excluded_dates: Vec<LocalDate>,
    /// Calendars of the same document on whose days it does not start, ascending.
    #[n(1)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub excluded_calendars: Vec<CalendarId>,
    /// How often the tracks sound; `None`: once.
    #[n(2)]
    pub repeats: Option<Repeats>,
    /// What happens after an interruption.
    #[n(3)]
    #[cbor(skip_if = "AfterInterruption::is_drop")]
    pub after_interruption: AfterInterruption,
    /// How severe an emergency is; other classes are [`Severity::Minor`].
    #[n(4)]
    #[cbor(skip_if = "Severity::is_minor")]
    pub severity: Severity,
    /// Bulletins in whose place this emergency comes.
    #[n(5)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub updates: Vec<BulletinId>,
    /// Bulletins that this emergency takes back.
    #[n(6)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub cancels: Vec<BulletinId>,
    /// Sounds before the first track; its manifest is in the same document.
    #[n(7)]
    pub chime_before: Option<ObjectHash>,
    /// Sounds after the last track; its manifest is in the same document.
    #[n(8)]
    pub chime_after: Option<ObjectHash>,
}

/// How often an item's tracks sound in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Repeats {
    /// How many rounds there are, 2 to 10.
    #[n(0)]
    pub rounds: u32,
    /// Silence between two rounds, in milliseconds, 1,000 to 600,000.
    #[n(1)]
    pub gap_ms: u32,
}

/// What happens to an occurrence whose session was interrupted. See section I of the [timeline](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum AfterInterruption {
    /// It has ended.
    #[default]
    #[n(0)]
    Drop,
    /// It goes on with the interrupted part.
    #[n(1)]
    Resume,
    /// It sounds again from its beginning.
    #[n(2)]
    Restart,
}

impl AfterInterruption {
    fn is_drop(&self) -> bool {
        *self == Self::Drop
    }
}

/// How severe an emergency is, in the words of the Common Alerting Protocol (OASIS CAP 1.2, section 3.2.2), least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Severity {
    /// Little or no threat to life or property.
    #[default]
    #[n(0)]
    Minor,
    /// Possible threat.
    #[n(1)]
    Moderate,
    /// Significant threat.
    #[n(2)]
    Severe,
    /// Extraordinary threat.
    #[n(3)]
    Extreme,
}

impl Severity {
    fn is_minor(&self) -> bool {
        *self == Self::Minor
    }
}

impl ItemRules {
    /// Whether they are what an item without rules means.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it updates or cancels anything (rule C3).
    pub fn names_others(&self) -> bool {
        !(self.updates.is_empty() && self.cancels.is_empty())
    }

    /// The chimes, before and after.
    pub fn chimes(&self) -> impl Iterator<Item = &ObjectHash> {
        self.chime_before.iter().chain(&self.chime_after)
    }

    pub(crate) fn check(&self, class: Class) -> Result<(), WireError> {
        let ascends = |dates: &[LocalDate]| dates.is_sorted_by(|a, b| a < b);
        require(
            self.excluded_dates.len() <= EXCLUDED_DATES_MAX,
            "excluded_dates",
            "has at most 400 entries",
        )?;
        require(ascends(&self.excluded_dates), "excluded_dates", "ascends, none twice")?;
        let calendars = &self.excluded_calendars;
        require(calendars.len() <= CALENDARS_MAX, "excluded_calendars", "has at most 16 entries")?;
        require(calendars.is_sorted_by(|a, b| a < b), "excluded_calendars", "ascends, none twice")?;
        if let Some(Repeats { rounds, gap_ms }) = self.repeats {
            require((2..=ROUNDS_MAX).contains(&rounds), "repeats", "has 2 to 10 rounds")?;
            require(GAP_MS.contains(&gap_ms), "repeats", "has a gap of 1 to 600 seconds")?;
        }
        for references in [&self.updates, &self.cancels] {
            require(references.len() <= REFERENCES_MAX, "updates, cancels", "have at most 16 entries")?;
            require(references.is_sorted_by(|a, b| a < b), "updates, cancels", "ascend, none twice")?;
        }
        let ordinary = self.severity.is_minor() && self.updates.is_empty() && self.cancels.is_empty();
        require(
            class == Class::Emergency || ordinary,
            "severity, updates, cancels",
            "are for emergencies alone",
        )
    }
}
