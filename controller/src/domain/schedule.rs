//! When and where a bulletin sounds, as a person asks for it.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId};
use loa_protocol::plan::START_WITHIN_MAX_MS;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Calendar, CronPattern, Start, Timetable};

use super::calendar::Calendars;
use super::message::{FieldErrors, Message};
use super::schedule_rules::{ScheduleRules, ScheduleRulesDraft, too_far};

/// How late a start may be when nobody says otherwise: five minutes.
pub const START_WITHIN_DEFAULT_MS: u32 = 5 * 60 * 1000;
/// Furthest start that is believed: two years. A typing error in the year must not become a silent schedule.
const HORIZON_MS: i64 = 2 * 366 * 24 * 3600 * 1000;
/// Furthest end of a validity that is believed: ten years.
const VALIDITY_MAX_MS: i64 = 10 * 366 * 24 * 3600 * 1000;
/// Most targets of one schedule.
const TARGETS_MAX: usize = 2_000;

/// The form of a schedule, as typed. Times are on the wall clock of the bulletin's area.
#[derive(Debug, Clone)]
pub struct ScheduleDraft {
    /// The bulletin.
    pub bulletin: BulletinId,
    /// When it starts.
    pub start: StartDraft,
    /// First moment at which a repeating start counts, `2026-11-22T00:00`; empty: at once.
    pub valid_from: String,
    /// Moment from which it counts no more; empty: for ever.
    pub valid_until: String,
    /// How late a start may still be, in seconds; `None`: five minutes.
    pub start_within_s: Option<u32>,
    /// Ids of areas: every node in them, whether connected or not.
    pub areas: Vec<String>,
    /// Ids of single nodes.
    pub nodes: Vec<String>,
    /// On which days it does not sound, and how it sounds beyond that.
    pub rules: ScheduleRulesDraft,
}

/// When it starts, as typed.
#[derive(Debug, Clone)]
pub enum StartDraft {
    /// Once, at a local date and time: `2026-11-22T17:30`, seconds optional.
    Once(String),
    /// Repeatedly, by a five-field pattern: `30 17 * * 1-5`.
    Cron(String),
}

/// A schedule's own values, checked as far as they can be without the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleValues {
    /// When it starts.
    pub start: Start,
    /// The zone in which it was written.
    pub zone: Tz,
    /// No start before this instant.
    pub valid_from: Option<UnixMs>,
    /// No start at or after this instant.
    pub valid_until: Option<UnixMs>,
    /// How late a start may still be, in milliseconds.
    pub start_within_ms: u32,
    /// Target areas, none twice.
    pub areas: Vec<AreaId>,
    /// Target nodes, none twice.
    pub nodes: Vec<NodeId>,
    /// On which days it does not sound, and how it sounds beyond that.
    pub rules: ScheduleRules,
}

/// Where a schedule is written: the area of its bulletin.
#[derive(Debug, Clone, Copy)]
pub struct WrittenAt<'a> {
    /// The area.
    pub place: &'a AreaPath,
    /// The zone of its clocks.
    pub zone: Tz,
    /// All calendars.
    pub calendars: &'a Calendars,
}

/// A schedule as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id, which is the item's id in plans.
    pub id: ItemId,
    /// The bulletin.
    pub bulletin: BulletinId,
    /// The rest.
    pub values: ScheduleValues,
    /// When it was made.
    pub created: UnixMs,
    /// When it was cancelled.
    pub cancelled: Option<UnixMs>,
}

/// A start to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStart {
    /// When.
    pub at: UnixMs,
    /// The zone on whose wall clock it was found.
    pub zone: Tz,
}

/// When a schedule starts on the clocks of its targets: the node's own [`Timetable`] for each zone, for nodes read a repeating
/// time in the zone of the target that they hear it through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starts(Vec<(Tz, Timetable)>);

impl Starts {
    /// The starts of a schedule on these clocks. `calendars` are those that its rules name, written out.
    pub fn new(values: &ScheduleValues, zones: &[Tz], calendars: &[Calendar]) -> Self {
        let rules = values.rules.on_the_wire();
        let timetable = |zone: &Tz| {
            let timetable = Timetable::of(values.start.clone(), &rules, *zone, calendars);
            (*zone, timetable.within(values.valid_from, values.valid_until))
        };
        Self(zones.iter().map(timetable).collect())
    }

    /// The first start after `after` within the schedule's validity. Of starts at the same instant the first zone's.
    pub fn next_after(&self, after: UnixMs) -> Option<NextStart> {
        let starts = self.0.iter().filter_map(|(zone, timetable)| {
            timetable.next_after(after).map(|at| NextStart { at, zone: *zone })
        });
        starts.min_by_key(|start| start.at)
    }
}

impl ScheduleDraft {
    /// Checks every field at the instant `now`.
    ///
    /// # Errors
    /// All problems at once: a start in the past, a pattern that never fires, no target, ...
    pub fn check(&self, at: WrittenAt<'_>, now: UnixMs) -> Result<ScheduleValues, FieldErrors> {
        let WrittenAt { place, zone, calendars } = at;
        let mut errors = FieldErrors::new();
        let valid_from = errors.keep("valid_from", optional_time(&self.valid_from, zone)).flatten();
        let valid_until = errors.keep("valid_until", optional_time(&self.valid_until, zone)).flatten();
        if let (Some(from), Some(until)) = (valid_from, valid_until)
            && until <= from
        {
            errors.add(
                "valid_until",
                Message::fixed(
                    "valid_until.before_from",
                    "Ngày kết thúc phải sau ngày bắt đầu.",
                    "The end must be after the beginning.",
                ),
            );
        }
        for (field, end) in [("valid_from", valid_from), ("valid_until", valid_until)] {
            if let Some(end) = end.filter(|end| end.since(now) > VALIDITY_MAX_MS) {
                errors.add(field, too_far(local_date(end, zone)));
            }
        }
        let start = errors.keep(self.start_field(), check_start(&self.start, zone, now));
        let start_within_ms = errors.keep("start_within_s", check_tolerance(self.start_within_s));
        let areas = unique_ids(&self.areas, "areas", &mut errors);
        let nodes = unique_ids(&self.nodes, "nodes", &mut errors);
        if self.areas.is_empty() && self.nodes.is_empty() {
            errors.add(
                "areas",
                Message::fixed(
                    "target.none",
                    "Hãy chọn ít nhất một địa bàn hoặc một cụm loa.",
                    "Choose at least one area or loudspeaker.",
                ),
            );
        }
        if self.areas.len() + self.nodes.len() > TARGETS_MAX {
            errors.add(
                "areas",
                Message::written(
                    "target.too_many",
                    format!("Tối đa {TARGETS_MAX} nơi phát; hãy chọn địa bàn cấp trên."),
                    format!("At most {TARGETS_MAX} targets; choose an area above them."),
                ),
            );
        }
        let rules = self.rules.check(calendars, place, local_date(now, zone), &mut errors);
        let values = start.zip(start_within_ms).map(|(start, start_within_ms)| ScheduleValues {
            start,
            zone,
            valid_from,
            valid_until,
            start_within_ms,
            areas,
            nodes,
            rules,
        });
        if let Some(values) = values.as_ref().filter(|_| errors.is_empty())
            && let Some(message) = hardly_ever(values, calendars, now)
        {
            errors.add(self.start_field(), message);
        }
        errors.finish(values)
    }

    fn start_field(&self) -> &'static str {
        match self.start {
            StartDraft::Once(_) => "at",
            StartDraft::Cron(_) => "cron",
        }
    }
}

/// What to say about a schedule that never sounds, or only in the far future.
fn hardly_ever(values: &ScheduleValues, calendars: &Calendars, now: UnixMs) -> Option<Message> {
    let written = calendars.looked_at(&values.rules.on_the_wire().excluded_calendars, now);
    match Starts::new(values, &[values.zone], &written).next_after(now) {
        None => Some(Message::fixed(
            "start.never",
            "Lịch này không bao giờ phát: không có ngày giờ nào sắp tới thỏa mọi điều kiện. Hãy xem lại ngày trong mẫu lặp (chẳng hạn 31/4 không có, 29/02 chỉ có trong năm nhuận), thời hạn và các ngày không phát.",
            "This schedule never sounds: no day and time to come fits all of it. Look again at the days of its pattern (there is no 31 April, and 29 February in leap years only), its validity and the days that are left out.",
        )),
        Some(first) if first.at.since(now) > HORIZON_MS => {
            let day = local_date(first.at, first.zone);
            Some(Message::written(
                "start.rare",
                format!(
                    "Lần phát đầu tiên là ngày {}, hơn hai năm nữa. Hãy kiểm tra lại ngày tháng; ngày 29/02 chỉ có trong năm nhuận.",
                    day.format("%d/%m/%Y")
                ),
                format!(
                    "The first start is on {day}, in more than two years. Check the dates; 29 February comes in leap years only."
                ),
            ))
        }
        Some(_) => None,
    }
}

/// The local date of an instant.
pub fn local_date(at: UnixMs, zone: Tz) -> NaiveDate {
    at.to_utc().unwrap_or(DateTime::UNIX_EPOCH).with_timezone(&zone).date_naive()
}

/// A local date and time as an instant: the first coming of a time that comes twice.
///
/// # Errors
/// What is wrong.
pub fn local_time(text: &str, zone: Tz) -> Result<UnixMs, Message> {
    let text = text.trim();
    let wall = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .ok_or_else(|| {
            Message::written(
                "time.unreadable",
                format!("“{text}” không phải ngày giờ. Ví dụ đúng: 2026-11-22T17:30."),
                format!("“{text}” is no date and time. A right one: 2026-11-22T17:30."),
            )
        })?;
    wall.and_local_timezone(zone).earliest().map(|instant| UnixMs(instant.timestamp_millis())).ok_or_else(
        || {
            Message::written(
                "time.skipped",
                format!("Múi giờ {zone} không có thời điểm này (đồng hồ nhảy qua)."),
                format!("There is no such time in {zone}: the clocks skip it."),
            )
        },
    )
}

fn optional_time(text: &str, zone: Tz) -> Result<Option<UnixMs>, Message> {
    if text.trim().is_empty() { Ok(None) } else { local_time(text, zone).map(Some) }
}

fn check_start(start: &StartDraft, zone: Tz, now: UnixMs) -> Result<Start, Message> {
    match start {
        StartDraft::Once(text) => {
            let at = local_time(text, zone)?;
            if at <= now {
                return Err(Message::fixed(
                    "start.past",
                    "Giờ phát đã qua. Hãy chọn thời điểm trong tương lai.",
                    "The start is in the past. Choose a time to come.",
                ));
            }
            if at.since(now) > HORIZON_MS {
                return Err(Message::fixed(
                    "start.too_far",
                    "Giờ phát cách đây hơn hai năm. Hãy kiểm tra lại năm.",
                    "The start is more than two years away. Check the year.",
                ));
            }
            Ok(Start::At(at))
        }
        StartDraft::Cron(text) => text.parse::<CronPattern>().map(Start::Cron).map_err(|e| {
            Message::written(
                "cron.unreadable",
                format!("Không hiểu mẫu lặp “{text}”. Cần 5 trường: phút giờ ngày tháng thứ. Ví dụ: 30 17 * * 1-5."),
                format!("The pattern “{text}” was not understood: {e}. An example: 30 17 * * 1-5."),
            )
        }),
    }
}

fn check_tolerance(seconds: Option<u32>) -> Result<u32, Message> {
    let Some(seconds) = seconds else { return Ok(START_WITHIN_DEFAULT_MS) };
    seconds.checked_mul(1000).filter(|ms| (1..=START_WITHIN_MAX_MS).contains(ms)).ok_or_else(|| {
        Message::fixed(
            "start_within_s.out_of_range",
            "Thời gian cho phép phát muộn phải từ 1 giây đến 24 giờ.",
            "A start may be late by 1 second to 24 hours.",
        )
    })
}

fn unique_ids<T: std::str::FromStr + PartialEq>(
    texts: &[String],
    field: &str,
    errors: &mut FieldErrors,
) -> Vec<T> {
    let mut ids = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        match text.trim().parse::<T>() {
            Ok(id) if !ids.contains(&id) => ids.push(id),
            Ok(_) => {}
            Err(_) => errors.add(format!("{field}[{i}]"), unknown_target(text)),
        }
    }
    ids
}

/// What to say about a target that does not exist.
pub fn unknown_target(id: &str) -> Message {
    Message::written(
        "target.unknown",
        format!("Không có địa bàn hoặc cụm loa “{id}”."),
        format!("There is no area or loudspeaker “{id}”."),
    )
}

#[cfg(test)]
mod tests {
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
            (
                ScheduleDraft { areas: vec!["Đà Lạt".to_owned()], ..cron("0 6 * * *") },
                "areas[0]: target.unknown",
            ),
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
}
