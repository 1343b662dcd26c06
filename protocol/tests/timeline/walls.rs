//! S2: wall times of a pattern, against an independent reader of patterns, the crate `cron`.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use proptest::prelude::*;

/// One field: its text for us, and for the crate, which counts Sunday 1.
fn field(lowest: u8, highest: u8, shift: u8) -> impl Strategy<Value = (String, String)> {
    let list = proptest::collection::btree_set(lowest..=highest, 1..4).prop_map(move |numbers| {
        let text = |shift: u8| numbers.iter().map(|n| (n + shift).to_string()).collect::<Vec<_>>().join(",");
        (text(0), text(shift))
    });
    let range = (lowest..=highest, lowest..=highest).prop_map(move |(a, b)| {
        let (first, last) = (a.min(b), a.max(b));
        (format!("{first}-{last}"), format!("{}-{}", first + shift, last + shift))
    });
    prop_oneof![2 => Just(("*".to_owned(), "*".to_owned())), 3 => list, 1 => range]
}

/// The next start that the crate finds, where wall time is UTC. It wants both day fields to match; where either may, there
/// are two schedules.
fn by_the_crate(schedules: &[String], after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let next = |text: &String| cron::Schedule::from_str(text).unwrap().after(&after).next();
    schedules.iter().filter_map(next).min()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_starts_are_those_that_the_crate_cron_finds(
        minute in field(0, 59, 0),
        hour in field(0, 23, 0),
        day in field(1, 31, 0),
        month in field(1, 12, 0),
        weekday in field(0, 6, 1),
        // Beyond 2038 too, and before 1970 nothing is earlier than 1970.
        after_s in -100_000_000i64..3_900_000_000,
    ) {
        let text = format!("{} {} {} {} {}", minute.0, hour.0, day.0, month.0, weekday.0);
        let start = Start::Cron(text.parse().unwrap());
        let rest = |day: &str, weekday: &str| format!("0 {} {} {day} {} {weekday}", minute.1, hour.1, month.1);
        let schedules = if day.0.starts_with('*') || weekday.0.starts_with('*') {
            vec![rest(&day.1, &weekday.1)]
        } else {
            vec![rest(&day.1, "*"), rest("*", &weekday.1)]
        };
        let mut after = DateTime::from_timestamp(after_s, 0).unwrap();
        for found in start.starts_after(Tz::UTC, UnixMs::from_seconds(after_s)).take(20) {
            let expected = by_the_crate(&schedules, after);
            prop_assert_eq!(Some(found), expected.map(UnixMs::from), "{} after {}", text, after);
            after = found.to_utc().unwrap();
        }
    }

    /// Asked anew from anywhere, the next start is the one that the whole list has.
    #[test]
    fn a_list_and_single_questions_agree(
        minute in field(0, 59, 0),
        hour in field(0, 23, 0),
        after_s in 1_700_000_000i64..2_000_000_000,
        zone in proptest::sample::select(vec![
            chrono_tz::Asia::Ho_Chi_Minh, chrono_tz::Europe::Berlin, chrono_tz::Australia::Lord_Howe, chrono_tz::America::Havana,
        ]),
    ) {
        let start = Start::Cron(format!("{} {} * * *", minute.0, hour.0).parse().unwrap());
        let mut after = UnixMs::from_seconds(after_s);
        for found in start.starts_after(zone, after).take(60) {
            prop_assert!(found > after);
            for from in [after, UnixMs(after.0.midpoint(found.0)), found - 1] {
                prop_assert_eq!(start.next_after(zone, from.max(after)), Some(found));
            }
            after = found;
        }
    }
}

#[test]
fn years_have_bounds() {
    let start = Start::Cron("0 0 29 2 *".parse().unwrap());
    let from = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc().into();
    let next = |after: &str| start.next_after(Tz::UTC, from(after)).map(|at: UnixMs| at.to_string());
    assert_eq!(next("2025-01-01T00:00:00Z").as_deref(), Some("2028-02-29T00:00:00.000Z"));
    assert_eq!(next("2038-01-19T03:14:08Z").as_deref(), Some("2040-02-29T00:00:00.000Z"));
    assert_eq!(
        next("2096-02-29T00:00:00Z"),
        None,
        "2100 has no 29 February, and what comes after 2100 is not looked for"
    );
    assert_eq!(next("0001-01-01T00:00:00Z").as_deref(), Some("1972-02-29T00:00:00.000Z"));
    for far in [i64::MIN, i64::MAX, i64::MAX / 2, -8_334_601_228_800_000, 8_210_266_876_799_999] {
        start.next_after(Tz::UTC, UnixMs(far));
        start.next_after(chrono_tz::Pacific::Kiritimati, UnixMs(far));
    }
    assert_eq!(start.next_after(Tz::UTC, UnixMs(i64::MAX)), None);
}
