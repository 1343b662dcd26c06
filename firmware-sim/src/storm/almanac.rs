//! When items start, found by looking at every minute of every day.
//!
//! Worked out from the protocol's section 5 and crontab(5), and from none of the product's code: the calendar of `chrono-tz`,
//! sets of numbers, and patience. A day of a pattern is worked out once for all nodes of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Datelike as _, TimeZone as _, Timelike as _};
use chrono_tz::Tz;
use loa_protocol::ids::CalendarId;
use loa_protocol::plan::Item;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, DateRange, LocalRange, Start};

use super::facts::InForce;
use super::{DAY, MINUTE};

const MINUTES_A_DAY: i64 = DAY / MINUTE;

/// The starts of each pattern on each day (since 1970, by UTC).
type Days = BTreeMap<String, BTreeMap<i64, Arc<[UnixMs]>>>;

/// The quiet hours of each set of ranges on each day.
type Quiet = BTreeMap<(Vec<(u16, u16)>, i64), Arc<[(UnixMs, UnixMs)]>>;

/// Knows when patterns start in one zone.
#[derive(Debug)]
pub(crate) struct Almanac {
    zone: Tz,
    days: Mutex<Days>,
    quiet: Mutex<Quiet>,
    /// When each local date ends.
    dates: Mutex<BTreeMap<chrono::NaiveDate, UnixMs>>,
}

impl Almanac {
    pub(crate) fn new(zone: Tz) -> Self {
        Self { zone, days: Mutex::default(), quiet: Mutex::default(), dates: Mutex::default() }
    }

    /// The nominal starts of an item after `from`, up to and including `to`; of a pattern, at most two years of them.
    pub(crate) fn starts(&self, item: &Item, from: UnixMs, to: UnixMs) -> Vec<UnixMs> {
        if to <= from {
            return Vec::new();
        }
        match &item.start {
            Start::At(at) => Some(*at).filter(|at| from < *at && *at <= to).into_iter().collect(),
            Start::Cron(pattern) => {
                let first = from.0.div_euclid(DAY);
                let last = to.0.div_euclid(DAY).min(first + 730);
                let days = (first..=last).map(|day| self.day(pattern.as_str(), day));
                let all: Vec<UnixMs> = days.flat_map(|day| day.to_vec()).collect();
                all.into_iter().filter(|at| from < *at && *at <= to).collect()
            }
        }
    }

    /// Whether a document says that an item does not start on the local date of an instant.
    pub(crate) fn is_excluded(&self, planned: &InForce<'_>, at: UnixMs) -> bool {
        let rules = &planned.item.rules;
        if rules.excluded_dates.is_empty() && rules.excluded_calendars.is_empty() {
            return false;
        }
        let Some(wall) = wall_of(self.zone, at.0.div_euclid(MINUTE)) else { return false };
        let date = wall.date().signed_duration_since(chrono::NaiveDate::default()).num_days();
        // By widening: what is named, and what that includes, until nothing is added.
        let mut named: BTreeSet<&CalendarId> = rules.excluded_calendars.iter().collect();
        loop {
            let known = planned.program.calendars.iter().filter(|calendar| named.contains(&calendar.id));
            let wider: BTreeSet<&CalendarId> = known.flat_map(|calendar| &calendar.includes).collect();
            let count = named.len();
            named.extend(wider);
            if named.len() == count {
                break;
            }
        }
        let is_in = |calendar: &Calendar| {
            let has = |range: &DateRange| i64::from(range.first.0) <= date && date <= i64::from(range.last.0);
            named.contains(&calendar.id) && calendar.ranges.iter().any(has)
        };
        rules.excluded_dates.iter().any(|excluded| i64::from(excluded.0) == date)
            || planned.program.calendars.iter().any(is_in)
    }

    /// The quiet hours of a day (since 1970, by UTC), as instants: from, until.
    pub(crate) fn quiet(&self, ranges: &[LocalRange], day: i64) -> Arc<[(UnixMs, UnixMs)]> {
        let key: Vec<(u16, u16)> =
            ranges.iter().map(|range| (range.from_minute, range.until_minute)).collect();
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = quiet.get(&(key.clone(), day)) {
            return Arc::clone(known);
        }
        let mut found: Vec<(UnixMs, UnixMs)> = Vec::new();
        for minute in day * MINUTES_A_DAY..(day + 1) * MINUTES_A_DAY {
            let Some(wall) = wall_of(self.zone, minute) else { continue };
            let of_day = (wall.hour() * 60 + wall.minute()) as u16;
            let is_in = |(from, until): &(u16, u16)| match from < until {
                true => *from <= of_day && of_day < *until,
                false => *from <= of_day || of_day < *until,
            };
            if !key.iter().any(is_in) {
                continue;
            }
            let (from, until) = (UnixMs(minute * MINUTE), UnixMs((minute + 1) * MINUTE));
            match found.last_mut().filter(|(_, last)| *last == from) {
                Some((_, last)) => *last = until,
                None => found.push((from, until)),
            }
        }
        let found: Arc<[(UnixMs, UnixMs)]> = found.into();
        quiet.insert((key, day), Arc::clone(&found));
        found
    }

    /// The local date of an instant, and when it ends.
    pub(crate) fn date(&self, at: UnixMs) -> (chrono::NaiveDate, UnixMs) {
        let minute = at.0.div_euclid(MINUTE);
        let date = |minute| wall_of(self.zone, minute).map(|wall| wall.date()).unwrap_or_default();
        let today = date(minute);
        let mut dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
        // Clocks change by whole minutes, and no day is longer than this.
        let end = *dates.entry(today).or_insert_with(|| {
            let end = (minute + 1..minute + 2 * MINUTES_A_DAY).find(|minute| date(*minute) != today);
            UnixMs(end.unwrap_or(minute) * MINUTE)
        });
        (today, end)
    }

    fn day(&self, pattern: &str, day: i64) -> Arc<[UnixMs]> {
        // What a panicking holder leaves is whole: each change is one insertion.
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = days.get(pattern).and_then(|of| of.get(&day)) {
            return Arc::clone(known);
        }
        let fields = Fields::of(pattern);
        let minutes = day * MINUTES_A_DAY..(day + 1) * MINUTES_A_DAY;
        let found: Arc<[UnixMs]> = minutes
            .filter(|minute| fields.starts_at(self.zone, *minute))
            .map(|m| UnixMs(m * MINUTE))
            .collect();
        days.entry(pattern.to_owned()).or_default().insert(day, Arc::clone(&found));
        found
    }
}

/// The five fields of a pattern, each as the set of its numbers.
struct Fields {
    minute: BTreeSet<u32>,
    hour: BTreeSet<u32>,
    day: BTreeSet<u32>,
    month: BTreeSet<u32>,
    weekday: BTreeSet<u32>,
    either_day: bool,
}

impl Fields {
    fn of(pattern: &str) -> Self {
        let fields: Vec<&str> = pattern.split(' ').collect();
        let field = |n: usize, low, high| numbers(fields.get(n).copied().unwrap_or("*"), low, high);
        let is_free = |n: usize| fields.get(n).is_some_and(|text| text.starts_with('*'));
        Self {
            minute: field(0, 0, 59),
            hour: field(1, 0, 23),
            day: field(2, 1, 31),
            month: field(3, 1, 12),
            weekday: field(4, 0, 7).into_iter().map(|day| day % 7).collect(),
            either_day: !is_free(2) && !is_free(4),
        }
    }

    fn matches(&self, wall: &chrono::NaiveDateTime) -> bool {
        let (day, weekday) =
            (self.day.contains(&wall.day()), self.weekday.contains(&wall.weekday().num_days_from_sunday()));
        let is_day = if self.either_day { day || weekday } else { day && weekday };
        self.minute.contains(&wall.minute())
            && self.hour.contains(&wall.hour())
            && self.month.contains(&wall.month())
            && is_day
    }

    /// Whether a start lies at this minute since 1970: its wall time matches and has not come before, or it ends a gap in
    /// which a wall time lies that does.
    fn starts_at(&self, zone: Tz, minute: i64) -> bool {
        let Some(wall) = wall_of(zone, minute) else { return false };
        if self.matches(&wall) {
            // Of a wall time that comes twice, only the first coming counts.
            let first = zone.from_local_datetime(&wall).earliest();
            return first.is_some_and(|first| first.timestamp().div_euclid(60) == minute);
        }
        let Some(before) = wall_of(zone, minute - 1) else { return false };
        let skipped = (wall - before).num_minutes();
        (1..skipped).any(|n| self.matches(&(before + chrono::TimeDelta::minutes(n))))
    }
}

fn wall_of(zone: Tz, minute: i64) -> Option<chrono::NaiveDateTime> {
    Some(zone.timestamp_opt(minute * 60, 0).single()?.naive_local())
}

/// `*`, `n`, `n-m`, lists and steps; days of the week by name.
fn numbers(field: &str, low: u32, high: u32) -> BTreeSet<u32> {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let number = |text: &str| match DAYS.iter().position(|day| *day == text) {
        Some(day) => day as u32,
        None => text.parse().unwrap_or(low),
    };
    let mut all = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, 1), |(range, step)| (range, number(step)));
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (low, high),
            (_, Some((first, last))) => (number(first), number(last)),
            (one, None) => (number(one), number(one)),
        };
        all.extend((first..=last).step_by(step.max(1) as usize));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, zone: Tz, day: &str) -> Vec<String> {
        let day = format!("{day}T00:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let almanac = Almanac::new(zone);
        let starts = almanac.day(pattern, day.timestamp() / 86_400);
        starts.iter().map(|at| at.to_string()[11..16].to_owned()).collect()
    }

    #[test]
    fn a_wall_time_that_is_skipped_starts_once_after_the_gap_and_one_that_comes_twice_at_its_first_coming() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(found("10,40 2 * * *", berlin, "2026-03-28"), ["01:10", "01:40"]);
        assert_eq!(found("10,40 2 * * *", berlin, "2026-03-29"), ["01:00"]);
        assert_eq!(found("10,40 2 * * *", berlin, "2026-10-25"), ["00:10", "00:40"]);
    }

    #[test]
    fn either_day_field_suffices_where_both_are_given() {
        let saigon = chrono_tz::Asia::Ho_Chi_Minh;
        // A Friday, the 13th of a month that is no Friday, and neither.
        assert_eq!(found("0 9 13 * fri", saigon, "2026-11-20"), ["02:00"]);
        assert_eq!(found("0 9 13 * fri", saigon, "2026-12-13"), ["02:00"]);
        assert!(found("0 9 13 * fri", saigon, "2026-12-14").is_empty());
    }
}
