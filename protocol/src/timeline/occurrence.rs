//! The planned starts of an item (sections D, S of the [timeline](super)).

use std::iter;

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::calendar::{Calendar, Days, LocalDate};
use super::order::Authority;
use super::rules::{ItemRules, Severity};
use super::start::Start;
use super::zone;
use crate::bulletin::Class;
use crate::ids::{ItemId, OccurrenceId};
use crate::plan::Item;
use crate::time::UnixMs;
use crate::wire::sha256;

/// One planned start of one item, on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The occurrence's name.
    pub id: OccurrenceId,
    /// The planned instant.
    pub nominal: UnixMs,
    /// Class of the item.
    pub class: Class,
    /// Authority of the item on this node.
    pub authority: Authority,
    /// Severity of the item.
    pub severity: Severity,
}

impl Occurrence {
    /// The occurrence of an item at this nominal start.
    pub fn new(item: &Item, authority: Authority, nominal: UnixMs) -> Self {
        Self {
            id: occurrence_id(&item.id, item.revision, nominal),
            nominal,
            class: item.class,
            authority,
            severity: item.rules.severity,
        }
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

/// The nominal starts of an item in its document, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    start: Start,
    zone: Tz,
    valid_from: Option<UnixMs>,
    valid_until: Option<UnixMs>,
    excluded: Days,
}

impl Timetable {
    /// The starts of an item in a document of this zone with these calendars.
    pub fn new(item: &Item, zone: Tz, calendars: &[Calendar]) -> Self {
        Self {
            valid_from: item.valid_from,
            valid_until: item.valid_until,
            ..Self::of(item.start.clone(), &item.rules, zone, calendars)
        }
    }

    /// The starts, at any time, of what starts so and has these rules: those of an item before there is one.
    pub fn of(start: Start, rules: &ItemRules, zone: Tz, calendars: &[Calendar]) -> Self {
        let excluded = Days::excluded(rules, calendars);
        Self { start, zone, valid_from: None, valid_until: None, excluded }
    }

    /// The same, with nothing before `valid_from` and nothing at or after `valid_until`.
    #[must_use]
    pub fn within(self, valid_from: Option<UnixMs>, valid_until: Option<UnixMs>) -> Self {
        Self { valid_from, valid_until, ..self }
    }

    /// The same, with nothing at or after `expires` (rule D3).
    #[must_use]
    pub fn until(mut self, expires: UnixMs) -> Self {
        self.valid_until = Some(self.valid_until.map_or(expires, |until| until.min(expires)));
        self
    }

    /// The starts after `after` (not at it), ascending.
    pub fn starts_after(&self, after: UnixMs) -> impl Iterator<Item = UnixMs> + '_ {
        let after = self.valid_from.map_or(after, |from| after.max(from - 1));
        let mut starts = self.start.starts_after(self.zone, after);
        iter::from_fn(move || {
            loop {
                let nominal = starts.next().filter(|at| self.valid_until.is_none_or(|until| *at < until))?;
                let Some(last) = self.excluded_until(nominal) else { return Some(nominal) };
                // Excluded days are passed over at once: there may be years of them, with a start each minute.
                let next_day = last.0.checked_add(1).and_then(|day| LocalDate(day).to_naive())?;
                let morning = zone::instant_of(self.zone, next_day.and_time(NaiveTime::MIN))?;
                starts = self.start.starts_after(self.zone, (morning - 1).max(nominal));
            }
        })
    }

    /// The first start after `after` (not at it).
    pub fn next_after(&self, after: UnixMs) -> Option<UnixMs> {
        self.starts_after(after).next()
    }

    /// The last of the excluded days one after another, where a start falls on one of them.
    fn excluded_until(&self, nominal: UnixMs) -> Option<LocalDate> {
        // No wall clock is a day away from UTC; most starts are far from any excluded date.
        if !self.excluded.comes_near(LocalDate::of_utc(nominal)) {
            return None;
        }
        self.excluded.until(zone::wall_of(self.zone, nominal)?.date().into())
    }
}
