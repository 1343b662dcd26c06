//! When and where a bulletin sounds, as a person asks for it.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId};
use loa_protocol::plan::START_WITHIN_MAX_MS;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CronPattern, Start};

use super::message::{FieldErrors, Message};

/// How late a start may be when nobody says otherwise: five minutes.
pub const START_WITHIN_DEFAULT_MS: u32 = 5 * 60 * 1000;
/// Furthest start that is believed: two years. A typing error in the year must not become a silent schedule.
const HORIZON_MS: i64 = 2 * 366 * 24 * 3600 * 1000;
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

impl ScheduleValues {
    /// The first start after `after` within its validity, on the wall clocks of `zones`: nodes read a repeating time in
    /// the zone of the target that they hear it through. Of starts at the same instant the first zone's.
    pub fn next_after(&self, zones: &[Tz], after: UnixMs) -> Option<NextStart> {
        let after = self.valid_from.map_or(after, |from| after.max(from - 1));
        let starts = zones
            .iter()
            .filter_map(|zone| self.start.next_after(*zone, after).map(|at| NextStart { at, zone: *zone }));
        let next = starts.min_by_key(|start| start.at)?;
        self.valid_until.is_none_or(|until| next.at < until).then_some(next)
    }
}

impl ScheduleDraft {
    /// Checks every field at the instant `now`, with local times in `zone`.
    ///
    /// # Errors
    /// All problems at once: a start in the past, a pattern that never fires, no target, ...
    pub fn check(&self, zone: Tz, now: UnixMs) -> Result<ScheduleValues, FieldErrors> {
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
        let values = start.zip(start_within_ms).map(|(start, start_within_ms)| ScheduleValues {
            start,
            zone,
            valid_from,
            valid_until,
            start_within_ms,
            areas,
            nodes,
        });
        if let Some(values) = &values
            && errors.is_empty()
            && values.next_after(&[zone], now).is_none()
        {
            errors.add(
                self.start_field(),
                Message::fixed(
                    "start.never",
                    "Lịch này không bao giờ phát: không có thời điểm nào trong tương lai thỏa điều kiện.",
                    "This schedule never sounds: no instant in the future fits it.",
                ),
            );
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
        }
    }

    #[test]
    fn local_times_are_those_of_the_area() {
        let values = draft(StartDraft::Once("2026-11-22T17:30".to_owned())).check(ZONE, now()).unwrap();
        assert_eq!(values.start, Start::At(UnixMs(1_795_343_400_000)));
        assert_eq!(values.start_within_ms, START_WITHIN_DEFAULT_MS);
        let values = draft(StartDraft::Cron("30 17 * * *".to_owned())).check(ZONE, now()).unwrap();
        let next = values.next_after(&[ZONE], now()).unwrap();
        assert_eq!(next, NextStart { at: UnixMs(1_795_343_400_000), zone: ZONE });
    }

    #[test]
    fn a_repeating_time_is_read_on_the_clock_of_each_target() {
        let values = draft(StartDraft::Cron("30 17 * * *".to_owned())).check(ZONE, now()).unwrap();
        let tokyo = Tz::Asia__Tokyo;
        let first = values.next_after(&[ZONE, tokyo], now()).unwrap();
        assert_eq!(first, NextStart { at: UnixMs(1_795_336_200_000), zone: tokyo });
        let second = values.next_after(&[ZONE, tokyo], first.at).unwrap();
        assert_eq!(second, NextStart { at: UnixMs(1_795_343_400_000), zone: ZONE });
        let once = draft(StartDraft::Once("2026-11-22T17:30".to_owned())).check(ZONE, now()).unwrap();
        assert_eq!(
            once.next_after(&[tokyo, ZONE], now()).map(|next| next.at),
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
            assert_eq!(draft.check(ZONE, now()).unwrap_err().to_string(), expected);
        }
    }
}
