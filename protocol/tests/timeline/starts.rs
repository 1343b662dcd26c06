//! Starts: what crontab(5) says, on wall time, through gaps and folds.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::{America::Havana, Asia::Ho_Chi_Minh, Australia::Lord_Howe, Europe::Berlin, Tz};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CronPattern, Start};
use proptest::prelude::*;

fn at(zone: Tz, wall: &str) -> UnixMs {
    let naive = NaiveDateTime::parse_from_str(wall, "%Y-%m-%d %H:%M").unwrap();
    zone.from_local_datetime(&naive).earliest().unwrap().to_utc().into()
}

fn starts(pattern: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let start = Start::Cron(pattern.parse().unwrap());
    let mut last = at(zone, after);
    let mut found = vec![];
    while found.len() < count {
        let Some(next) = start.next_after(zone, last) else { break };
        last = next;
        found.push(next.to_utc().unwrap().with_timezone(&zone).format("%a %m-%d %H:%M%:z").to_string());
    }
    found
}

#[test]
fn usual_patterns() {
    let vn = |pattern, count| starts(pattern, Ho_Chi_Minh, "2026-11-20 12:00", count);
    assert_eq!(vn("0 17 * * *", 2), ["Fri 11-20 17:00+07:00", "Sat 11-21 17:00+07:00"]);
    assert_eq!(
        vn("30 5,17 * * *", 3),
        ["Fri 11-20 17:30+07:00", "Sat 11-21 05:30+07:00", "Sat 11-21 17:30+07:00"]
    );
    assert_eq!(vn("0 6 * * 0", 1), ["Sun 11-22 06:00+07:00"]);
    assert_eq!(vn("0 6 * * 7", 1), ["Sun 11-22 06:00+07:00"]);
    assert_eq!(vn("0 6 * * 1", 1), ["Mon 11-23 06:00+07:00"]);
    assert_eq!(
        vn("0 6 * * 5-7", 3),
        ["Sat 11-21 06:00+07:00", "Sun 11-22 06:00+07:00", "Fri 11-27 06:00+07:00"]
    );
    assert_eq!(vn("0 6 * * mon,WED", 2), ["Mon 11-23 06:00+07:00", "Wed 11-25 06:00+07:00"]);
    assert_eq!(vn("0 6 * dec *", 1), ["Tue 12-01 06:00+07:00"]);
    assert_eq!(
        vn("*/20 13 * * *", 3),
        ["Fri 11-20 13:00+07:00", "Fri 11-20 13:20+07:00", "Fri 11-20 13:40+07:00"]
    );
    // Both day fields restricted: either one.
    assert_eq!(
        vn("0 6 1 * sun", 3),
        ["Sun 11-22 06:00+07:00", "Sun 11-29 06:00+07:00", "Tue 12-01 06:00+07:00"]
    );
    // One of them begins with a star: both.
    assert_eq!(vn("0 6 */2 * sun", 2), ["Sun 11-29 06:00+07:00", "Sun 12-13 06:00+07:00"]);
    assert_eq!(vn("0 6 29 2 *", 2), ["Tue 02-29 06:00+07:00", "Sun 02-29 06:00+07:00"]);
    assert!(vn("0 6 30 2 *", 1).is_empty(), "30 February never comes");
}

#[test]
fn a_skipped_wall_time_starts_at_the_end_of_the_gap_once() {
    // Berlin skips 02:00 to 03:00 on 2026-03-29.
    assert_eq!(
        starts("15,30 2 * * *", Berlin, "2026-03-28 12:00", 3),
        ["Sun 03-29 03:00+02:00", "Mon 03-30 02:15+02:00", "Mon 03-30 02:30+02:00"]
    );
    // Havana skips midnight itself; Lord Howe skips half an hour.
    assert_eq!(starts("0 0 * * *", Havana, "2026-03-07 12:00", 1), ["Sun 03-08 01:00-04:00"]);
    assert_eq!(starts("10 2 * * *", Lord_Howe, "2026-10-03 12:00", 1), ["Sun 10-04 02:30+11:00"]);
}

#[test]
fn a_wall_time_that_comes_twice_starts_once() {
    // Berlin repeats 02:00 to 03:00 on 2026-10-25.
    assert_eq!(
        starts("30 * * * *", Berlin, "2026-10-25 01:00", 4),
        ["Sun 10-25 01:30+02:00", "Sun 10-25 02:30+02:00", "Sun 10-25 03:30+01:00", "Sun 10-25 04:30+01:00"]
    );
}

#[test]
fn what_is_no_pattern_says_why() {
    for bad in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/99999999999 * * * *",
        "1,,2 * * * *",
        "a * * * *",
        "-1 * * * *",
        "+1 * * * *",
        "1-2-3 * * * *",
        "* * L * *",
        "@daily",
        "é * * * *",
        "1/2/3 * * * *",
    ] {
        assert!(bad.parse::<CronPattern>().is_err(), "{bad:?}");
    }
    let said = "61 * * * *".parse::<CronPattern>().unwrap_err().to_string();
    assert!(said.contains("minute") && said.contains("0 to 59"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn text_never_panics(text in "\\PC{0,60}|[0-9*,/ -]{0,40}") {
        if let Ok(pattern) = text.parse::<CronPattern>() {
            prop_assert_eq!(pattern.as_str().parse::<CronPattern>().unwrap(), pattern);
        }
    }

    /// Every day that matches has each wall time exactly once, ascending, whatever the clocks do.
    #[test]
    fn each_day_has_each_wall_time_once(
        minute in 0u8..60,
        hour in 0u8..24,
        start in 1_767_225_600i64..1_830_297_600,
        zone in proptest::sample::select(vec![Ho_Chi_Minh, Berlin, Havana, Lord_Howe]),
    ) {
        let start_rule = Start::Cron(format!("{minute} {hour} * * *").parse().unwrap());
        let mut last = UnixMs::from_seconds(start);
        let mut dates = vec![];
        for _ in 0..400 {
            let next = start_rule.next_after(zone, last).unwrap();
            prop_assert!(next > last);
            let wall = DateTime::from_timestamp_millis(next.0).unwrap().with_timezone(&zone);
            dates.push(wall.date_naive());
            last = next;
        }
        for pair in dates.windows(2) {
            prop_assert_eq!(pair[0].succ_opt().unwrap(), pair[1]);
        }
    }
}
