//! Quiet hours on the wall clock (rule G3): where they begin and end.
//!
//! The clocks change at whole minutes, so minute by minute nothing goes unnoticed. Where they do not change, which is nearly always,
//! the same minute is reckoned instead of walked to.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use super::guards::LocalRange;
use crate::time::UnixMs;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;
const DAY_MS: i64 = DAY_MINUTES * MINUTE_MS;

/// Whether an instant lies in them.
pub(super) fn has(ranges: &[LocalRange], zone: Tz, at: UnixMs) -> bool {
    !ranges.is_empty() && Wall::at(zone, at).is_some_and(|wall| wall.is_in(ranges))
}

/// The first instant from `from` on and before `until` that lies in them.
pub(super) fn first(ranges: &[LocalRange], zone: Tz, from: UnixMs, until: UnixMs) -> Option<UnixMs> {
    if ranges.is_empty() {
        return None;
    }
    let mut at = from;
    while at < until {
        let Some(wall) = Wall::at(zone, at) else {
            at = at + MINUTE_MS;
            continue;
        };
        if wall.is_in(ranges) {
            return Some(at);
        }
        let coming = ranges.iter().map(|range| wall.minutes_to(range.from_minute)).min()?;
        at = wall.go(zone, at, coming, until);
    }
    None
}

/// When the quiet hours at `from` are over; an instant after `limit` when they last longer.
pub(super) fn end(ranges: &[LocalRange], zone: Tz, from: UnixMs, limit: UnixMs) -> UnixMs {
    let mut at = from;
    while at <= limit {
        let Some(wall) = Wall::at(zone, at) else { return at };
        let over = ranges.iter().filter(|range| wall.is_in(&[**range]));
        let Some(over) = over.map(|range| wall.minutes_to(range.until_minute)).max() else { return at };
        at = wall.go(zone, at, over, limit + 1);
    }
    limit + 1
}

/// A minute on the wall clock.
struct Wall {
    minute: i64,
    in_minute_ms: i64,
    offset_ms: i64,
}

impl Wall {
    /// `None` outside the years that the calendar library knows.
    fn at(zone: Tz, at: UnixMs) -> Option<Self> {
        let offset_ms = offset_ms(zone, at)?;
        let in_day_ms = (at + offset_ms).0.rem_euclid(DAY_MS);
        Some(Self { minute: in_day_ms / MINUTE_MS, in_minute_ms: in_day_ms % MINUTE_MS, offset_ms })
    }

    fn is_in(&self, ranges: &[LocalRange]) -> bool {
        ranges.iter().any(|range| range.contains(self.minute))
    }

    /// From its beginning to that of another minute, at least one and at most a day.
    fn minutes_to(&self, minute: u16) -> i64 {
        (i64::from(minute) - self.minute - 1).rem_euclid(DAY_MINUTES) + 1
    }

    /// The beginning of the minute that is so many minutes on, or `until`, where the clocks do not change on the way; else the
    /// beginning of the next minute. No zone changes its clocks there and back within a day.
    fn go(&self, zone: Tz, at: UnixMs, minutes: i64, until: UnixMs) -> UnixMs {
        let beginning = at - self.in_minute_ms;
        let far = (beginning + minutes * MINUTE_MS).min(until);
        let is_steady = offset_ms(zone, far) == Some(self.offset_ms);
        if is_steady { far } else { beginning + MINUTE_MS }
    }
}

fn offset_ms(zone: Tz, at: UnixMs) -> Option<i64> {
    let utc = at.to_utc()?.naive_utc();
    Some(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000)
}

#[cfg(test)]
mod tests {
    use chrono::Timelike as _;
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Minute by minute, as the rule says it.
    fn walked(ranges: &[LocalRange], zone: Tz, from: UnixMs, until: UnixMs, quiet: bool) -> Option<UnixMs> {
        let mut at = from;
        while at < until {
            let wall = super::super::zone::wall_of(zone, at).expect("a year of the calendar");
            let minute = i64::from(wall.num_seconds_from_midnight() / 60);
            if ranges.iter().any(|range| range.contains(minute)) == quiet {
                return Some(at);
            }
            at = at + (MINUTE_MS - i64::from(wall.second()) * 1_000 - at.0.rem_euclid(1_000));
        }
        None
    }

    /// Around the changes of the clocks of zones with all kinds of them, and of one with none.
    fn instants() -> impl Strategy<Value = (Tz, i64)> {
        let changes = select(vec![
            (Asia::Ho_Chi_Minh, 1_790_000_000_i64),
            (Europe::Berlin, 1_774_746_000),
            (Europe::Berlin, 1_792_890_000),
            (America::St_Johns, 1_772_940_600),
            (Australia::Lord_Howe, 1_775_314_800),
            (Pacific::Apia, 1_325_239_200),
            (America::Havana, 1_772_946_000),
        ]);
        (changes, -200_000_000..200_000_000i64).prop_map(|((zone, at), around)| (zone, at * 1_000 + around))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_reckoned_is_what_would_be_walked_to(
            ranges in proptest::collection::vec((0..1_440u16, 0..1_440u16), 1..4),
            (zone, from) in instants(),
            length_ms in 0..200_000_000i64,
        ) {
            let fits = ranges.into_iter().filter(|(from, until)| from != until);
            let ranges: Vec<_> =
                fits.map(|(from_minute, until_minute)| LocalRange { from_minute, until_minute }).collect();
            let (from, until) = (UnixMs(from), UnixMs(from + length_ms));
            prop_assert_eq!(has(&ranges, zone, from), walked(&ranges, zone, from, from + 1, true).is_some());
            prop_assert_eq!(first(&ranges, zone, from, until), walked(&ranges, zone, from, until, true));
            let over = walked(&ranges, zone, from, until + 1, false).unwrap_or(until + 1);
            prop_assert_eq!(end(&ranges, zone, from, until), over);
        }
    }
}
