//! When and where a bulletin sounds, as a person asks for it.

mod starts;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, BulletinId, ItemId, NodeId};
use loa_protocol::plan::START_WITHIN_MAX_MS;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CronPattern, Start};

pub use self::starts::{NextStart, Starts};
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
