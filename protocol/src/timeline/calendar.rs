//! Days on which items do not start (rule S5): public and lunar holidays, days of mourning, as data.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use minicbor::{Decode, Encode};

use super::rules::ItemRules;
use crate::ids::CalendarId;
use crate::plan::{Item, Program};
use crate::time::UnixMs;
use crate::wire::{WireError, require};

/// Most calendars of a document.
pub const CALENDARS_MAX: usize = 64;
/// Most ranges of a calendar.
const RANGES_MAX: usize = 400;
/// Most calendars that one includes.
const INCLUDES_MAX: usize = 16;
/// Days from the first of year 1 (proleptic Gregorian) to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

/// A date without a zone, as days since 1970-01-01 (negative before).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct LocalDate(#[n(0)] pub i32);

impl From<NaiveDate> for LocalDate {
    fn from(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - EPOCH_FROM_CE)
    }
}

impl LocalDate {
    /// The date in UTC; the far ends saturate.
    pub(super) fn of_utc(at: UnixMs) -> Self {
        let days = at.0.div_euclid(24 * 3600 * 1000);
        Self(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The date as the calendar library has it, `None` outside its years.
    pub fn to_naive(self) -> Option<NaiveDate> {
        NaiveDate::from_num_days_from_ce_opt(self.0.checked_add(EPOCH_FROM_CE)?)
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_naive() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl fmt::Debug for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Dates from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct DateRange {
    /// The first date.
    #[n(0)]
    pub first: LocalDate,
    /// The last date.
    #[n(1)]
    pub last: LocalDate,
}

/// A named set of dates.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Calendar {
    /// Its name in the document.
    #[n(0)]
    pub id: CalendarId,
    /// Its own dates, ascending by first date.
    #[n(1)]
    pub ranges: Vec<DateRange>,
    /// Calendars of the same document whose dates are its too, ascending.
    #[n(2)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub includes: Vec<CalendarId>,
}

/// Why a document's calendars make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// A calendar that the document does not hold.
    #[error("{by} names the calendar {calendar}, which is not in the document")]
    Unknown {
        /// The item or calendar that names it.
        by: String,
        /// The missing calendar.
        calendar: CalendarId,
    },
    /// A calendar that includes itself, by way of others or at once.
    #[error("the calendar {calendar} includes itself: {way}")]
    Loop {
        /// The calendar.
        calendar: CalendarId,
        /// The calendars from it to itself, joined by arrows.
        way: String,
    },
}

/// Whether every calendar that a program names is in it, and none includes itself. To be asked where documents are made; a
/// node does without (rule S5).
///
/// # Errors
/// The first [`CalendarError`] by the order of items and calendars.
pub fn check_calendars(program: &Program) -> Result<(), CalendarError> {
    let calendars = program.calendars.as_slice();
    for Item { id, rules, .. } in &program.items {
        known(calendars, &rules.excluded_calendars, || format!("the item {id}"))?;
    }
    for Calendar { id, includes, .. } in calendars {
        known(calendars, includes, || format!("the calendar {id}"))?;
    }
    calendars.iter().try_for_each(|calendar| no_way_back(calendars, calendar))
}

fn known(calendars: &[Calendar], named: &[CalendarId], by: impl Fn() -> String) -> Result<(), CalendarError> {
    match named.iter().find(|id| find(calendars, id).is_none()) {
        Some(id) => Err(CalendarError::Unknown { by: by(), calendar: id.clone() }),
        None => Ok(()),
    }
}

/// Walks all that `from` includes, each calendar once, with the way on which it was reached.
fn no_way_back(calendars: &[Calendar], from: &Calendar) -> Result<(), CalendarError> {
    let mut reached: Vec<(&Calendar, Option<usize>)> = vec![(from, None)];
    let mut next = 0;
    while let Some((calendar, _)) = reached.get(next).copied() {
        for id in &calendar.includes {
            if *id == from.id {
                let mut way = vec![from.id.as_str()];
                let mut at = Some(next);
                while let Some((calendar, before)) = at.map(|at| reached[at]) {
                    way.push(calendar.id.as_str());
                    at = before;
                }
                way.reverse();
                return Err(CalendarError::Loop { calendar: from.id.clone(), way: way.join(" → ") });
            }
            let is_reached = reached.iter().any(|(calendar, _)| calendar.id == *id);
            if let Some(included) = find(calendars, id).filter(|_| !is_reached) {
                reached.push((included, Some(next)));
            }
        }
        next += 1;
    }
    Ok(())
}

fn find<'a>(calendars: &'a [Calendar], id: &CalendarId) -> Option<&'a Calendar> {
    calendars.iter().find(|calendar| calendar.id == *id)
}

pub(crate) fn check_shapes(calendars: &[Calendar]) -> Result<(), WireError> {
    require(calendars.len() <= CALENDARS_MAX, "calendars", "has at most 64 entries")?;
    require(calendars.is_sorted_by(|a, b| a.id < b.id), "calendars", "ascends by id, none twice")?;
    for Calendar { ranges, includes, .. } in calendars {
        require(ranges.len() <= RANGES_MAX, "ranges", "has at most 400 entries")?;
        require(ranges.iter().all(|range| range.first <= range.last), "ranges", "end after they begin")?;
        require(ranges.is_sorted_by(|a, b| a.last < b.first), "ranges", "ascend and do not overlap")?;
        require(includes.len() <= INCLUDES_MAX, "includes", "has at most 16 entries")?;
        require(includes.is_sorted_by(|a, b| a < b), "includes", "ascends, none twice")?;
    }
    Ok(())
}

/// A set of dates, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Days {
    /// Ascending, apart from one another.
    ranges: Vec<DateRange>,
}

impl Days {
    /// The days on which what has these rules does not start.
    pub(super) fn excluded(rules: &ItemRules, calendars: &[Calendar]) -> Self {
        let mut reached: Vec<&Calendar> = Vec::new();
        let mut named: Vec<&CalendarId> = rules.excluded_calendars.iter().collect();
        while let Some(id) = named.pop() {
            let is_reached = reached.iter().any(|calendar| calendar.id == *id);
            if let Some(calendar) = find(calendars, id).filter(|_| !is_reached) {
                reached.push(calendar);
                named.extend(&calendar.includes);
            }
        }
        let dates = rules.excluded_dates.iter().map(|date| DateRange { first: *date, last: *date });
        let mut all: Vec<DateRange> =
            reached.into_iter().flat_map(|calendar| calendar.ranges.iter().copied()).chain(dates).collect();
        all.sort_unstable();
        let mut ranges: Vec<DateRange> = Vec::with_capacity(all.len());
        for range in all {
            match ranges.last_mut().filter(|last| range.first <= last.last) {
                Some(last) => last.last = last.last.max(range.last),
                None => ranges.push(range),
            }
        }
        Self { ranges }
    }

    /// Whether the set has a date that is at most a day away from this one.
    pub(super) fn comes_near(&self, date: LocalDate) -> bool {
        let after = self.ranges.partition_point(|range| range.first.0 <= date.0.saturating_add(1));
        after > 0 && date.0.saturating_sub(1) <= self.ranges[after - 1].last.0
    }

    /// The last day of the range in which a date lies; `None`: it is not in the set.
    pub(super) fn until(&self, date: LocalDate) -> Option<LocalDate> {
        let after = self.ranges.partition_point(|range| range.first <= date);
        let range = self.ranges[..after].last()?;
        (date <= range.last).then_some(range.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CalendarId {
        CalendarId::new(name).unwrap()
    }

    fn date(year: i32, month: u32, day: u32) -> LocalDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap().into()
    }

    fn calendar(name: &str, days: &[LocalDate], includes: &[&str]) -> Calendar {
        let range = |day: &LocalDate| DateRange { first: *day, last: *day };
        Calendar {
            id: id(name),
            ranges: days.iter().map(range).collect(),
            includes: includes.iter().map(|name| id(name)).collect(),
        }
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(date(1970, 1, 1), LocalDate(0));
        assert_eq!(date(2026, 11, 23).to_naive(), NaiveDate::from_ymd_opt(2026, 11, 23));
        assert_eq!(LocalDate(i32::MAX).to_naive(), None);
        assert_eq!(date(2038, 1, 19).to_string(), "2038-01-19");
    }

    #[test]
    fn a_loop_and_an_unknown_calendar_are_named() {
        let loops = Program {
            calendars: vec![
                calendar("a", &[], &["b"]),
                calendar("b", &[], &["c"]),
                calendar("c", &[], &["b"]),
            ],
            ..Program::default()
        };
        let said = check_calendars(&loops).unwrap_err().to_string();
        assert_eq!(said, "the calendar b includes itself: b → c → b");
        let unknown = Program { calendars: vec![calendar("a", &[], &["tet"])], ..Program::default() };
        let said = check_calendars(&unknown).unwrap_err().to_string();
        assert_eq!(said, "the calendar a names the calendar tet, which is not in the document");
        let diamond = Program {
            calendars: vec![
                calendar("a", &[], &["b", "c"]),
                calendar("b", &[], &["d"]),
                calendar("c", &[], &["d"]),
                calendar("d", &[], &[]),
            ],
            ..Program::default()
        };
        assert_eq!(check_calendars(&diamond), Ok(()), "two ways to one calendar are no loop");
    }
}
