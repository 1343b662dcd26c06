//! What a schedule's form accepts, and when it starts.

use super::*;

const ZONE: Tz = Tz::Asia__Ho_Chi_Minh;

fn now() -> UnixMs {
    local_time("2026-11-22T08:00", ZONE).unwrap()
}

fn draft(start: StartDraft) -> ScheduleDraft {
    ScheduleDraft {
        bulletin: BulletinId::new("b").unwrap(),
        start,
        valid_from: String::new(),
        valid_until: String::new(),
        start_within_s: None,
        areas: vec!["xa".to_owned()],
        nodes: Vec::new(),
        rules: ScheduleRulesDraft::default(),
    }
}

fn check(draft: &ScheduleDraft, now: UnixMs) -> Result<ScheduleValues, FieldErrors> {
    let place = AreaPath::new(vec![AreaId::new("xa").unwrap()]).unwrap();
    draft.check(WrittenAt { place: &place, zone: ZONE, calendars: &Calendars::built_in() }, now)
}

fn starts(values: &ScheduleValues, zones: &[Tz]) -> Starts {
    let named = values.rules.on_the_wire().excluded_calendars;
    Starts::new(values, zones, &Calendars::built_in().looked_at(&named, now()))
}

/// The days of the first starts after [`now`].
fn days(draft: &ScheduleDraft, count: usize) -> Vec<String> {
    let starts = starts(&check(draft, now()).unwrap(), &[ZONE]);
    let all = std::iter::successors(starts.next_after(now()), |last| starts.next_after(last.at));
    all.take(count).map(|start| local_date(start.at, ZONE).to_string()).collect()
}

#[test]
fn days_that_are_left_out_are_passed_over() {
    let mut daily = draft(StartDraft::Cron("30 17 * * *".to_owned()));
    daily.rules.excluded_dates = "22/11/2026, 23/11/2026".to_owned();
    assert_eq!(days(&daily, 2), ["2026-11-24", "2026-11-25"]);
    daily.rules.only_on = "vn-lunar-1-15".to_owned();
    // The 15th of the tenth month is the 23rd of November, and left out.
    assert_eq!(days(&daily, 2), ["2026-12-09", "2026-12-23"]);
    let mut new_year = draft(StartDraft::Cron("0 6 1-3 1 *".to_owned()));
    new_year.rules.not_on = vec!["vn-public-holidays".to_owned()];
    assert_eq!(days(&new_year, 3), ["2027-01-02", "2027-01-03", "2028-01-02"]);
}

#[test]
fn a_schedule_whose_days_are_all_left_out_is_refused_soon_even_if_it_comes_each_minute() {
    let mut tet = draft(StartDraft::Once("2027-02-06T06:00".to_owned()));
    tet.rules.not_on = vec!["vn-public-holidays".to_owned()];
    assert_eq!(check(&tet, now()).unwrap_err().to_string(), "at: start.never");
    let mut both = draft(StartDraft::Cron("* * * * *".to_owned()));
    both.rules.not_on = vec!["vn-lunar-1-15".to_owned()];
    both.rules.only_on = "vn-lunar-1-15".to_owned();
    assert_eq!(check(&both, now()).unwrap_err().to_string(), "cron: start.never");
}

#[test]
fn a_leap_day_is_believed_where_it_comes_soon() {
    let leap = draft(StartDraft::Cron("0 6 29 2 *".to_owned()));
    assert_eq!(days(&leap, 1), ["2028-02-29"]);
    let after_leap = local_time("2028-03-01T00:00", ZONE).unwrap();
    assert_eq!(check(&leap, after_leap).unwrap_err().to_string(), "cron: start.rare");
    let before = ScheduleDraft { valid_until: "2028-02-29T00:00".to_owned(), ..leap };
    assert_eq!(check(&before, now()).unwrap_err().to_string(), "cron: start.never");
}

#[test]
fn local_times_are_those_of_the_area() {
    let values = check(&draft(StartDraft::Once("2026-11-22T17:30".to_owned())), now()).unwrap();
    assert_eq!(values.start, Start::At(UnixMs(1_795_343_400_000)));
    assert_eq!(values.start_within_ms, START_WITHIN_DEFAULT_MS);
    let values = check(&draft(StartDraft::Cron("30 17 * * *".to_owned())), now()).unwrap();
    let next = starts(&values, &[ZONE]).next_after(now()).unwrap();
    assert_eq!(next, NextStart { at: UnixMs(1_795_343_400_000), zone: ZONE });
}

#[test]
fn a_repeating_time_is_read_on_the_clock_of_each_target() {
    let values = check(&draft(StartDraft::Cron("30 17 * * *".to_owned())), now()).unwrap();
    let tokyo = Tz::Asia__Tokyo;
    let both = starts(&values, &[ZONE, tokyo]);
    let first = both.next_after(now()).unwrap();
    assert_eq!(first, NextStart { at: UnixMs(1_795_336_200_000), zone: tokyo });
    let second = both.next_after(first.at).unwrap();
    assert_eq!(second, NextStart { at: UnixMs(1_795_343_400_000), zone: ZONE });
    let once = check(&draft(StartDraft::Once("2026-11-22T17:30".to_owned())), now()).unwrap();
    assert_eq!(
        starts(&once, &[tokyo, ZONE]).next_after(now()).map(|next| next.at),
        Some(second.at),
        "one instant"
    );
}

#[test]
fn what_can_never_sound_is_refused() {
    let once = |t: &str| draft(StartDraft::Once(t.to_owned()));
    let cron = |t: &str| draft(StartDraft::Cron(t.to_owned()));
    for (draft, expected) in [
        (once("2026-11-22T08:00"), "at: start.past"),
        (once("2036-11-22T08:00"), "at: start.too_far"),
        (once("mai"), "at: time.unreadable"),
        (cron("0 0 30 2 *"), "cron: start.never"),
        (cron("0 6 31 4 *"), "cron: start.never"),
        (
            ScheduleDraft { valid_until: "2038-01-20T00:00".to_owned(), ..cron("0 6 * * *") },
            "valid_until: date.too_far",
        ),
        (
            ScheduleDraft { valid_from: "2106-02-07T00:00".to_owned(), ..cron("0 6 * * *") },
            "valid_from: date.too_far",
        ),
        (
            ScheduleDraft { valid_from: "2029-01-01T00:00".to_owned(), ..cron("0 6 * * *") },
            "cron: start.rare",
        ),
        (cron("0 0 * *"), "cron: cron.unreadable"),
        (
            ScheduleDraft { valid_until: "2026-11-21T00:00".to_owned(), ..cron("0 6 * * *") },
            "cron: start.never",
        ),
        (
            ScheduleDraft {
                valid_from: "2026-12-02T00:00".to_owned(),
                valid_until: "2026-12-01T00:00".to_owned(),
                ..cron("0 6 * * *")
            },
            "valid_until: valid_until.before_from",
        ),
        (ScheduleDraft { areas: vec![], ..cron("0 6 * * *") }, "areas: target.none"),
        (ScheduleDraft { areas: vec!["Đà Lạt".to_owned()], ..cron("0 6 * * *") }, "areas[0]: target.unknown"),
        (
            ScheduleDraft { start_within_s: Some(90_000), ..cron("0 6 * * *") },
            "start_within_s: start_within_s.out_of_range",
        ),
        (
            ScheduleDraft { start_within_s: Some(u32::MAX), ..cron("0 6 * * *") },
            "start_within_s: start_within_s.out_of_range",
        ),
    ] {
        assert_eq!(check(&draft, now()).unwrap_err().to_string(), expected);
    }
}
