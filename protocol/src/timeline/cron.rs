//! Five-field repeating patterns, as crontab(5) reads them.
//!
//! `minute hour day-of-month month day-of-week`, separated by blanks. A field is a comma list of `*`, `n` or `n-m`,
//! each with an optional `/step`; months and days of the week may be three-letter English names; day of the week 0 and
//! 7 are Sunday. When both day fields are restricted (neither begins with `*`), a day matches if *either* does.
//!
//! The search for the next date is the `cron` crate's. It numbers Sunday 1, requires both day fields, and has its own
//! ideas of DST, so it is given plain lists of numbers, one schedule for each day field, and wall time disguised as UTC.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::zone;
use crate::time::UnixMs;

/// Longest pattern, in bytes.
const PATTERN_MAX_BYTES: usize = 256;

/// A repeating pattern that was understood.
#[derive(Clone)]
pub struct CronPattern {
    text: String,
    /// The pattern fires when any of these does.
    alternatives: Vec<cron::Schedule>,
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

    /// The numbers of a field, ascending.
    fn numbers(&self, field: &str) -> Result<Vec<u8>, CronError> {
        let mut numbers = Vec::new();
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
            numbers.extend((first..=last).step_by(step));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

fn list(numbers: impl IntoIterator<Item = u8>) -> String {
    numbers.into_iter().map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

impl CronPattern {
    /// The pattern, its fields separated by one blank.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first start after `after`, on wall time of `zone`. `None` when the pattern never fires again (30 February),
    /// or not before the year 2101.
    pub fn next_after(&self, zone: Tz, after: UnixMs) -> Option<UnixMs> {
        let wall = zone::wall_of(zone, after)?.and_utc();
        let first = |schedule: &cron::Schedule| {
            let instants = schedule.after(&wall).filter_map(|wall| zone::instant_of(zone, wall.naive_utc()));
            // A wall time in the second coming of an hour maps to its first coming, which lies behind.
            instants.into_iter().find(|instant| *instant > after)
        };
        self.alternatives.iter().filter_map(first).min()
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
        let days = DAY.numbers(day)?;
        // The crate counts 1 to 7 from Sunday.
        let mut weekdays: Vec<u8> = WEEKDAY.numbers(weekday)?.into_iter().map(|d| d % 7 + 1).collect();
        weekdays.sort_unstable();
        weekdays.dedup();
        let rest = (list(MINUTE.numbers(minute)?), list(HOUR.numbers(hour)?), list(MONTH.numbers(month)?));
        let schedule = |days: &str, weekdays: &str| {
            let expression = format!("0 {} {} {days} {} {weekdays}", rest.0, rest.1, rest.2);
            cron::Schedule::from_str(&expression).map_err(|_| DAY.error(text))
        };
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let alternatives = if either {
            vec![schedule(&list(days), "*")?, schedule("*", &list(weekdays))?]
        } else {
            vec![schedule(&list(days), &list(weekdays))?]
        };
        Ok(Self { text: fields.join(" "), alternatives })
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
