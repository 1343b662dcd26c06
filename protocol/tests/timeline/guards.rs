//! G: what guards allow, and from when on.

use chrono::{NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::{Asia::Ho_Chi_Minh, Europe::Berlin, Tz};
use loa_protocol::bulletin::Class;
use loa_protocol::receipt::Reason;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Aired, Candidate, Guards, Judgement, LocalRange, QUIET_MARGIN_MS, Watch};
use proptest::prelude::*;
use proptest::sample::select;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn at(zone: Tz, wall: &str) -> UnixMs {
    let naive = NaiveDateTime::parse_from_str(wall, "%Y-%m-%d %H:%M").unwrap();
    zone.from_local_datetime(&naive).earliest().unwrap().to_utc().into()
}

fn quiet(from: (u16, u16), until: (u16, u16)) -> Guards {
    let minute = |(hour, minute): (u16, u16)| hour * 60 + minute;
    let range = LocalRange { from_minute: minute(from), until_minute: minute(until) };
    Guards { quiet_hours: vec![range], ..Guards::default() }
}

fn normal(length_ms: i64) -> Candidate {
    Candidate { class: Class::Normal, length_ms, sound_ms: length_ms, is_taken_up: false }
}

#[test]
fn a_session_ends_before_the_quiet_hours_or_waits_for_their_end() {
    let watch = Watch::new([(quiet((21, 0), (6, 0)), Ho_Chi_Minh)]);
    let vn = |wall| at(Ho_Chi_Minh, wall);
    let judge = |from, within, length| watch.judge(normal(length), vn(from), vn(from) + within, &[]);
    assert_eq!(judge("2026-11-23 20:50", HOUR, 9 * MINUTE), Judgement::Now);
    assert_eq!(
        judge("2026-11-23 20:50", HOUR, 10 * MINUTE),
        Judgement::Never(Reason::QuietHours),
        "the margin"
    );
    assert_eq!(judge("2026-11-23 23:00", HOUR, MINUTE), Judgement::Never(Reason::QuietHours));
    let dawn = vn("2026-11-24 06:00");
    assert_eq!(judge("2026-11-24 05:59", MINUTE, MINUTE), Judgement::NotBefore(dawn, Reason::QuietHours));
    assert_eq!(judge("2026-11-24 06:00", 0, MINUTE), Judgement::Now);
    let emergency = Candidate { class: Class::Emergency, ..normal(HOUR) };
    assert_eq!(watch.judge(emergency, vn("2026-11-23 23:00"), vn("2026-11-23 23:00"), &[]), Judgement::Now);
}

#[test]
fn the_strictest_of_several_documents_decides_each_in_its_zone() {
    let guards = [
        (quiet((22, 0), (5, 0)), Ho_Chi_Minh),
        (quiet((12, 0), (13, 0)), Berlin),
        (Guards { volume_ceiling_percent: Some(70), ..Guards::default() }, Berlin),
        (Guards { volume_ceiling_percent: Some(60), ..Guards::default() }, Berlin),
    ];
    let watch = Watch::new(guards);
    assert_eq!(watch.volume_ceiling_percent(), 60);
    // Noon in Berlin is 18:00 in Vietnam, in winter.
    let (noon, one) = (at(Berlin, "2026-11-23 12:00"), at(Berlin, "2026-11-23 13:00"));
    assert_eq!(
        watch.judge(normal(1), noon, noon + 2 * HOUR, &[]),
        Judgement::NotBefore(one, Reason::QuietHours)
    );
    assert!(watch.is_quiet(Class::Priority, noon) && !watch.is_quiet(Class::Emergency, noon));
    assert_eq!(watch.first_quiet(noon - HOUR, one), Some(noon));
    assert_eq!(watch.first_quiet(noon - HOUR, noon), None);
    assert_eq!(Watch::default().judge(normal(HOUR), noon, noon, &[]), Judgement::Now, "nothing is forbidden");
}

#[test]
fn budgets_count_the_local_day() {
    let guards = Guards { normal_minutes_a_day: Some(10), sessions_a_day: Some(3), ..Guards::default() };
    let watch = Watch::new([(guards, Ho_Chi_Minh)]);
    let vn = |wall| at(Ho_Chi_Minh, wall);
    let aired = |class, wall, minutes| Aired { class, started: vn(wall), sound_ms: minutes * MINUTE };
    let six = aired(Class::Normal, "2026-11-23 06:00", 6);
    let judge = |minutes, aired: &[Aired]| {
        let now = vn("2026-11-23 18:00");
        watch.judge(normal(minutes * MINUTE), now, now + 10 * HOUR, aired)
    };
    let midnight = vn("2026-11-24 00:00");
    assert_eq!(judge(4, &[six]), Judgement::Now);
    assert_eq!(judge(5, &[six]), Judgement::NotBefore(midnight, Reason::MinutesSpent));
    assert_eq!(judge(11, &[]), Judgement::Never(Reason::MinutesSpent), "no day has room for it");
    let yesterday = aired(Class::Normal, "2026-11-22 23:59", 9);
    assert_eq!(judge(4, &[six, yesterday]), Judgement::Now);
    let priority = aired(Class::Priority, "2026-11-23 06:00", 9);
    assert_eq!(judge(4, &[six, priority]), Judgement::Now, "each class has its own minutes");
    let storm = aired(Class::Emergency, "2026-11-23 06:00", 90);
    assert_eq!(judge(4, &[six, priority, storm, storm]), Judgement::Now, "emergencies do not count");
    let spent = Judgement::NotBefore(midnight, Reason::SessionsSpent);
    assert_eq!(judge(1, &[six, priority, priority]), spent);
    let taken_up = Candidate { is_taken_up: true, ..normal(MINUTE) };
    let now = vn("2026-11-23 18:00");
    assert_eq!(watch.judge(taken_up, now, now, &[six, priority, priority]), Judgement::Now);
}

#[test]
fn too_long_is_too_long_for_everybody() {
    let guards = Guards { longest_session_ms: Some(60_000), ..Guards::default() };
    let watch = Watch::new([(guards, Berlin)]);
    for class in Class::ALL {
        let session = |length_ms| Candidate { class, ..normal(length_ms) };
        assert_eq!(watch.judge(session(60_000), UnixMs(0), UnixMs(0), &[]), Judgement::Now);
        assert_eq!(
            watch.judge(session(60_001), UnixMs(0), UnixMs(0), &[]),
            Judgement::Never(Reason::TooLong)
        );
    }
}

/// A wall-clock minute of the day, by another way than the code's.
fn wall_minute(zone: Tz, at_ms: i64) -> u16 {
    let text = UnixMs(at_ms).to_utc().unwrap().with_timezone(&zone).format("%H %M").to_string();
    let (hour, minute) = text.split_once(' ').unwrap();
    hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the clocks do: no second of a session that may begin is in quiet hours, and nothing earlier would have done.
    #[test]
    fn what_may_begin_meets_no_quiet_minute(
        ranges in proptest::collection::vec((0..1440u16, 0..1440u16).prop_filter("two minutes", |(a, b)| a != b), 1..4),
        zone in select(vec![Ho_Chi_Minh, Berlin, chrono_tz::Australia::Lord_Howe, chrono_tz::America::Havana]),
        // Around a change of the clocks, or anywhere in 2026.
        day in select(vec![(2026, 3, 28), (2026, 3, 7), (2026, 4, 4), (2026, 10, 3), (2026, 10, 24), (2026, 10, 31), (2026, 7, 1)]),
        offset_s in 0..172_800i64,
        length_s in 1..7_200i64,
        within_s in 0..86_400i64,
    ) {
        let quiet_hours: Vec<LocalRange> =
            ranges.iter().map(|&(from_minute, until_minute)| LocalRange { from_minute, until_minute }).collect();
        let is_quiet = |at_ms| {
            let minute = wall_minute(zone, at_ms);
            ranges.iter().any(|&(from, until)| {
                if from < until { from <= minute && minute < until } else { minute >= from || minute < until }
            })
        };
        let watch = Watch::new([(Guards { quiet_hours, ..Guards::default() }, zone)]);
        let noon = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        let from = UnixMs::from(noon) + offset_s * 1_000;
        let limit = from + within_s * 1_000;
        let length_ms = length_s * 1_000;
        let fits = |begin: i64| (begin..begin + length_ms + QUIET_MARGIN_MS).step_by(1_000).all(|at| !is_quiet(at));
        let begin = match watch.judge(normal(length_ms), from, limit, &[]) {
            Judgement::Now => Some(from),
            Judgement::NotBefore(begin, Reason::QuietHours) => Some(begin),
            Judgement::Never(Reason::QuietHours) => None,
            other @ (Judgement::NotBefore(..) | Judgement::Never(_)) => {
                return Err(TestCaseError::fail(format!("{other:?}")));
            }
        };
        if let Some(begin) = begin {
            prop_assert!(begin >= from && begin <= limit && fits(begin.0));
        }
        // Quiet hours end at whole minutes: no earlier one would have done.
        let until = begin.unwrap_or(limit + 1);
        let first_minute = from.0.div_euclid(MINUTE) * MINUTE + MINUTE;
        let earlier = std::iter::once(from.0).chain((first_minute..until.0).step_by(MINUTE as usize));
        for earlier in earlier.filter(|at| *at < until.0) {
            prop_assert!(!fits(earlier), "{} would have done", UnixMs(earlier));
        }
    }
}
