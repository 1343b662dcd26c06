//! What a node does not do, whatever is signed (section G of the [timeline](super)).

use chrono::NaiveDate;
use chrono_tz::Tz;
use minicbor::{Decode, Encode};

use super::{quiet, zone};
use crate::bulletin::Class;
use crate::plan::Zone;
use crate::receipt::Reason;
use crate::time::UnixMs;
use crate::wire::{WireError, require};

/// Minutes of a day on a wall clock.
const DAY_MINUTES: u16 = 24 * 60;
/// How long before quiet hours a session is over, in milliseconds: a board is not exact to the sample.
pub const QUIET_MARGIN_MS: i64 = 2_000;
/// Most ranges of quiet hours of a document.
const QUIET_MAX: usize = 8;

/// The guards that a document states. What is absent forbids nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Guards {
    /// When nothing but emergencies may sound, at most 8 ranges.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub quiet_hours: Vec<LocalRange>,
    /// How many minutes of the normal class may sound on one day.
    #[n(1)]
    pub normal_minutes_a_day: Option<u16>,
    /// How many minutes of the priority class may sound on one day.
    #[n(2)]
    pub priority_minutes_a_day: Option<u16>,
    /// How many sessions may begin on one day, emergencies not counted.
    #[n(3)]
    pub sessions_a_day: Option<u16>,
    /// How long a session may last, pauses included, in milliseconds.
    #[n(4)]
    pub longest_session_ms: Option<u32>,
    /// How loud it may be, 0 to 100.
    #[n(5)]
    pub volume_ceiling_percent: Option<u8>,
}

/// A part of every day on a local wall clock: from one minute on, up to another. Over midnight when that one is smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LocalRange {
    /// The first minute of the day that belongs to it, 0 to 1,439.
    #[n(0)]
    pub from_minute: u16,
    /// The first minute of the day that no longer belongs to it, 0 to 1,439, not equal to `from_minute`.
    #[n(1)]
    pub until_minute: u16,
}

impl LocalRange {
    pub(super) fn contains(self, minute: i64) -> bool {
        let (from, until) = (i64::from(self.from_minute), i64::from(self.until_minute));
        if from < until { (from..until).contains(&minute) } else { from <= minute || minute < until }
    }
}

impl Guards {
    /// Whether they forbid nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self) -> Result<(), WireError> {
        require(self.quiet_hours.len() <= QUIET_MAX, "quiet_hours", "has at most 8 entries")?;
        let fits = |range: &LocalRange| {
            range.from_minute.max(range.until_minute) < DAY_MINUTES && range.from_minute != range.until_minute
        };
        require(self.quiet_hours.iter().all(fits), "quiet_hours", "are two different minutes of a day")?;
        let ceiling = self.volume_ceiling_percent;
        require(ceiling.is_none_or(|percent| percent <= 100), "volume_ceiling_percent", "is at most 100")
    }

    fn minutes_a_day(&self, class: Class) -> Option<u16> {
        match class {
            Class::Normal => self.normal_minutes_a_day,
            Class::Priority => self.priority_minutes_a_day,
            Class::Emergency => None,
        }
    }
}

/// Guards that whoever set a board up has chosen, out of reach of every signer (rule G1).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OwnGuards {
    /// The guards.
    #[n(0)]
    pub guards: Guards,
    /// The zone in which their hours and days are read.
    #[n(1)]
    pub zone: Zone,
}

/// A session that is over, or is interrupted: what counts towards the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Aired {
    /// Its class.
    #[n(0)]
    pub class: Class,
    /// When it began.
    #[n(1)]
    pub started: UnixMs,
    /// How long it sounded, pauses not counted, in milliseconds; the planned length where that is not known.
    #[n(2)]
    pub sound_ms: i64,
}

/// A session that would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its class.
    pub class: Class,
    /// How long it will last, pauses included, in milliseconds.
    pub length_ms: i64,
    /// How long it will sound, pauses not counted, in milliseconds.
    pub sound_ms: i64,
    /// Whether it was begun before and is taken up again: it counts as a session already.
    pub is_taken_up: bool,
}

/// What the guards say of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may begin at the instant that was asked for.
    Now,
    /// It may not begin before this instant.
    NotBefore(UnixMs, Reason),
    /// It may not begin by its limit.
    Never(Reason),
}

/// All guards that hold on a node, each in the zone of the document that states it (rule G1).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Watch(Vec<(Guards, Tz)>);

impl Watch {
    /// The guards of these documents.
    pub fn new(guards: impl IntoIterator<Item = (Guards, Tz)>) -> Self {
        Self(guards.into_iter().filter(|(guards, _)| !guards.is_empty()).collect())
    }

    /// The guards that hold on a node: the board's own and those of its documents, each with its zone.
    pub fn of_node(own: Option<&OwnGuards>, documents: impl IntoIterator<Item = (Guards, Tz)>) -> Self {
        let own = own.map(|own| (own.guards.clone(), own.zone.0));
        Self::new(own.into_iter().chain(documents))
    }

    /// How loud it may be (rule G6), 0 to 100.
    pub fn volume_ceiling_percent(&self) -> u8 {
        self.0.iter().filter_map(|(guards, _)| guards.volume_ceiling_percent).min().unwrap_or(100)
    }

    /// Whether what has sounded before matters to it (rules G4 and G5).
    pub fn has_budgets(&self) -> bool {
        let has = |guards: &Guards| {
            guards.normal_minutes_a_day.or(guards.priority_minutes_a_day).or(guards.sessions_a_day).is_some()
        };
        self.0.iter().any(|(guards, _)| has(guards))
    }

    /// Whether a session of this class may not sound now (rule G3).
    pub fn is_quiet(&self, class: Class, now: UnixMs) -> bool {
        class < Class::Emergency
            && self.0.iter().any(|(guards, zone)| quiet::has(&guards.quiet_hours, *zone, now))
    }

    /// The first instant from `from` on and before `until` that lies in quiet hours.
    pub fn first_quiet(&self, from: UnixMs, until: UnixMs) -> Option<UnixMs> {
        self.0.iter().filter_map(|(guards, zone)| quiet::first(&guards.quiet_hours, *zone, from, until)).min()
    }

    /// When a session may begin, at `at` or later, but not after `limit` (rule G8). `aired` is what began on the local days
    /// from that of `at` to that of `limit`; more does no harm.
    pub fn judge(&self, session: Candidate, at: UnixMs, limit: UnixMs, aired: &[Aired]) -> Judgement {
        let is_too_long = |longest: u32| session.length_ms > i64::from(longest);
        if self.0.iter().filter_map(|(guards, _)| guards.longest_session_ms).any(is_too_long) {
            return Judgement::Never(Reason::TooLong);
        }
        if session.class == Class::Emergency {
            return Judgement::Now;
        }
        let mut begin = at;
        let mut first_reason = None;
        while let Some((reason, over)) = self.forbids(session, begin, limit, aired) {
            let reason = *first_reason.get_or_insert(reason);
            // Time goes on with each turn, so this ends.
            begin = over.max(begin + 1);
            if begin > limit {
                return Judgement::Never(reason);
            }
        }
        match first_reason {
            None => Judgement::Now,
            Some(reason) => Judgement::NotBefore(begin, reason),
        }
    }

    /// The first rule that forbids a session to begin at an instant, and when what stands in its way is over.
    fn forbids(
        &self,
        session: Candidate,
        begin: UnixMs,
        limit: UnixMs,
        aired: &[Aired],
    ) -> Option<(Reason, UnixMs)> {
        let quiet = |(guards, zone): &(Guards, Tz)| {
            let over = begin + session.length_ms + QUIET_MARGIN_MS;
            let quiet = quiet::first(&guards.quiet_hours, *zone, begin, over)?;
            Some((Reason::QuietHours, quiet::end(&guards.quiet_hours, *zone, quiet, limit)))
        };
        let day = |zone: Tz| Day::of(zone, begin);
        let minutes = |(guards, zone): &(Guards, Tz)| {
            let allowed_ms = i64::from(guards.minutes_a_day(session.class)?) * 60_000;
            let day = day(*zone)?;
            let same = aired.iter().filter(|aired| aired.class == session.class && day.has(aired.started));
            let spent_ms: i64 = same.map(|aired| aired.sound_ms).sum();
            (spent_ms + session.sound_ms > allowed_ms).then(|| (Reason::MinutesSpent, day.end()))
        };
        let sessions = |(guards, zone): &(Guards, Tz)| {
            let allowed = usize::from(guards.sessions_a_day.filter(|_| !session.is_taken_up)?);
            let day = day(*zone)?;
            let counts = |aired: &&Aired| aired.class < Class::Emergency && day.has(aired.started);
            (aired.iter().filter(counts).count() >= allowed).then(|| (Reason::SessionsSpent, day.end()))
        };
        let all = self.0.as_slice();
        all.iter()
            .find_map(quiet)
            .or_else(|| all.iter().find_map(minutes))
            .or_else(|| all.iter().find_map(sessions))
    }
}

/// Nothing further from an instant than this, in milliseconds, is of the same local day, whatever the clocks do.
const DAY_LONGEST_MS: u64 = 49 * 3_600_000;

/// A local day.
struct Day {
    zone: Tz,
    date: NaiveDate,
    /// An instant of it.
    instant: UnixMs,
}

impl Day {
    fn of(zone: Tz, at: UnixMs) -> Option<Self> {
        Some(Self { zone, date: zone::wall_of(zone, at)?.date(), instant: at })
    }

    fn has(&self, at: UnixMs) -> bool {
        at.since(self.instant).unsigned_abs() < DAY_LONGEST_MS
            && zone::wall_of(self.zone, at).is_some_and(|wall| wall.date() == self.date)
    }

    /// Its end: the next day's first instant.
    fn end(&self) -> UnixMs {
        let midnight = self.date.succ_opt().and_then(|date| date.and_hms_opt(0, 0, 0));
        midnight.and_then(|wall| zone::instant_of(self.zone, wall)).unwrap_or(UnixMs(i64::MAX))
    }
}
