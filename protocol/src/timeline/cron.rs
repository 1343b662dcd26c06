//! Five-field repeating patterns, as crontab(5) reads them.
//!
//! `minute hour day-of-month month day-of-week`, separated by blanks. A field is a comma list of `*`, `n` or `n-m`,
//! each with an optional `/step`; months and days of the week may be three-letter English names; day of the week 0 and
//! 7 are Sunday. When both day fields are restricted (neither begins with `*`), a day matches if *either* does.
//!
//! A pattern is kept as sets of numbers, one bit each; finding the next wall time is calendar arithmetic on them. What an
//! independent implementation finds (the crate `cron`) is compared in the tests.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::zone;
use crate::time::UnixMs;

/// Longest pattern, in bytes.
const PATTERN_MAX_BYTES: usize = 256;
/// The years in which a pattern fires.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2100;

/// A repeating pattern that was understood.
#[derive(Clone)]
pub struct CronPattern {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Bit 0 is Sunday.
    weekdays: u64,
    /// Both day fields are restricted: a day matches if either does.
    is_either_day: bool,
}

/// Why a text is not a repeating pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Not five fields.
    #[error("a pattern has five fields (minute hour day month weekday), this one has {0}")]
    FieldCount(usize),
    /// Longer than 256 bytes.
    #[error("a pattern has at most {PATTERN_MAX_BYTES} characters, this one has {0}")]
    TooLong(usize),
    /// A field that cannot be read.
    #[error(
        "the field {field} cannot be read: {text:?} is not {lowest} to {highest}, a range, a list, or a step"
    )]
    Field {
        /// Which field.
        field: &'static str,
        /// The part that was not understood.
        text: String,
        /// Smallest number of the field.
        lowest: u8,
        /// Largest number of the field.
        highest: u8,
    },
}

struct FieldRule {
    name: &'static str,
    lowest: u8,
    highest: u8,
    names: &'static [&'static str],
}

const MINUTE: FieldRule = FieldRule { name: "minute", lowest: 0, highest: 59, names: &[] };
const HOUR: FieldRule = FieldRule { name: "hour", lowest: 0, highest: 23, names: &[] };
const DAY: FieldRule = FieldRule { name: "day of month", lowest: 1, highest: 31, names: &[] };
const MONTH: FieldRule = FieldRule {
    name: "month",
    lowest: 1,
    highest: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: FieldRule = FieldRule {
    name: "day of week",
    lowest: 0,
    highest: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl FieldRule {
    fn error(&self, text: &str) -> CronError {
        CronError::Field {
            field: self.name,
            text: text.to_owned(),
            lowest: self.lowest,
            highest: self.highest,
        }
    }

    fn number(&self, text: &str) -> Result<u8, CronError> {
        let lower = text.to_ascii_lowercase();
        if let Some(position) = self.names.iter().position(|name| *name == lower) {
            return u8::try_from(position).map(|p| p + self.lowest).map_err(|_| self.error(text));
        }
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.filter(|n| (self.lowest..=self.highest).contains(n)).ok_or_else(|| self.error(text))
    }

    /// The numbers of a field, as bits.
    fn numbers(&self, field: &str) -> Result<u64, CronError> {
        let mut numbers = 0;
        for part in field.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (first, last) = match (range, range.split_once('-')) {
                ("*", _) => (self.lowest, self.highest),
                (_, Some((first, last))) => (self.number(first)?, self.number(last)?),
                (one, None) if step.is_some() => (self.number(one)?, self.highest),
                (one, None) => (self.number(one)?, self.number(one)?),
            };
            let step = match step {
                None => 1,
                Some(text) => {
                    text.parse().ok().filter(|s| (1..=59).contains(s)).ok_or_else(|| self.error(part))?
                }
            };
            if first > last {
                return Err(self.error(part));
            }
            numbers |= (first..=last).step_by(step).fold(0, |bits, number| bits | 1 << number);
        }
        Ok(numbers)
    }
}

/// The smallest number of a set from `least` on.
fn next_in(set: u64, least: u32) -> Option<u32> {
    let left = set.checked_shr(least)?;
    (left != 0).then(|| least + left.trailing_zeros())
}

impl CronPattern {
    /// The pattern, its fields separated by one blank.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first start after `after`, on wall time of `zone`. `None` when the pattern never fires again (30 February),
    /// or not before the year 2101.
    pub fn next_after(&self, zone: Tz, after: UnixMs) -> Option<UnixMs> {
        self.starts_after(zone, after).next()
    }

    /// The starts after `after`, ascending.
    pub(super) fn starts_after(&self, zone: Tz, after: UnixMs) -> impl Iterator<Item = UnixMs> + '_ {
        let walls = zone::wall_of(zone, after).and_then(|wall| self.walls_after(wall));
        let mut last = after;
        let instants = walls.into_iter().flatten().filter_map(move |wall| zone::instant_of(zone, wall));
        // A wall time in the second coming of an hour maps to its first coming, which lies behind; several in one gap map to
        // its end.
        instants.filter(move |instant| {
            let is_later = *instant > last;
            last = last.max(*instant);
            is_later
        })
    }

    /// The wall times after this one, ascending.
    fn walls_after(&self, wall: NaiveDateTime) -> Option<Walls<'_>> {
        let first_year = NaiveDate::from_ymd_opt(*YEARS.start(), 1, 1)?;
        let minute = TimeDelta::minutes(1);
        let next = wall.max(first_year.and_hms_opt(0, 0, 0)? - minute).checked_add_signed(minute)?;
        Some(Walls { pattern: self, date: next.date(), minute: next.num_seconds_from_midnight() / 60 })
    }

    fn has_month(&self, date: NaiveDate) -> bool {
        self.months & (1 << date.month()) != 0
    }

    fn has_day(&self, date: NaiveDate) -> bool {
        let in_month = self.days & (1 << date.day()) != 0;
        let in_week = self.weekdays & (1 << date.weekday().num_days_from_sunday()) != 0;
        if self.is_either_day { in_month || in_week } else { in_month && in_week }
    }

    /// The first minute of the day from this one on, for a day that matches.
    fn next_minute(&self, minute: u32) -> Option<u32> {
        let (hour, minute) = (minute / 60, minute % 60);
        let within = next_in(self.hours, hour).filter(|next| *next == hour);
        if let Some(minute) = within.and_then(|_| next_in(self.minutes, minute)) {
            return Some(hour * 60 + minute);
        }
        Some(next_in(self.hours, hour + 1)? * 60 + next_in(self.minutes, 0)?)
    }
}

/// The wall times of a pattern, from a minute of a date on.
struct Walls<'a> {
    pattern: &'a CronPattern,
    date: NaiveDate,
    minute: u32,
}

impl Walls<'_> {
    fn next_date(&self) -> Option<NaiveDate> {
        if self.pattern.has_month(self.date) {
            return self.date.succ_opt();
        }
        let (year, month) = (self.date.year(), self.date.month());
        if month == 12 {
            NaiveDate::from_ymd_opt(year + 1, 1, 1)
        } else {
            NaiveDate::from_ymd_opt(year, month + 1, 1)
        }
    }
}

impl Iterator for Walls<'_> {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        while YEARS.contains(&self.date.year()) {
            let matches = self.pattern.has_month(self.date) && self.pattern.has_day(self.date);
            if let Some(minute) = self.pattern.next_minute(self.minute).filter(|_| matches) {
                self.minute = minute + 1;
                return self.date.and_hms_opt(minute / 60, minute % 60, 0);
            }
            self.date = self.next_date()?;
            self.minute = 0;
        }
        None
    }
}

impl FromStr for CronPattern {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.len() > PATTERN_MAX_BYTES {
            return Err(CronError::TooLong(text.len()));
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(CronError::FieldCount(fields.len()));
        };
        let weekdays = WEEKDAY.numbers(weekday)?;
        Ok(Self {
            text: fields.join(" "),
            minutes: MINUTE.numbers(minute)?,
            hours: HOUR.numbers(hour)?,
            days: DAY.numbers(day)?,
            months: MONTH.numbers(month)?,
            // 7 is Sunday too.
            weekdays: (weekdays | weekdays >> 7) & 0b111_1111,
            is_either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }
}

impl PartialEq for CronPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronPattern {}

impl fmt::Debug for CronPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CronPattern({})", self.text)
    }
}

impl fmt::Display for CronPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<C> Encode<C> for CronPattern {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.text)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CronPattern {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(|e: CronError| minicbor::decode::Error::message(e.to_string()))
    }
}
