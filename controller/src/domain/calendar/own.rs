//! The calendars that areas keep themselves: days of mourning, festivals, holidays as they were decided for a year.

use chrono::{Months, NaiveDate};
use loa_protocol::area::AreaPath;
use loa_protocol::ids::CalendarId;
use loa_protocol::time::UnixMs;

use crate::domain::area::check_name;
use crate::domain::bulletin::text;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::schedule_rules::{date, too_far};

/// Most calendars of one area.
pub const CALENDARS_MAX: usize = 20;
/// Most entries of one calendar.
const ENTRIES_MAX: usize = 100;
/// Most calendars whose days one takes over.
const INCLUDES_MAX: usize = 8;
/// Longest reason, in characters.
const REASON_MAX_CHARS: usize = 120;
/// Furthest day that is believed.
const DATE_WITHIN: Months = Months::new(120);

/// A calendar of an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCalendar {
    /// Its id, in schedules and plans.
    pub id: CalendarId,
    /// The area that keeps it: for bulletins of this area and those in it.
    pub area: AreaPath,
    /// What it says.
    pub values: OwnValues,
    /// Who edited it last: a user's id, or `operator`.
    pub edited_by: String,
    /// When.
    pub edited: UnixMs,
}

/// What a calendar of an area says, checked as far as it can be without the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnValues {
    /// Its name.
    pub name: String,
    /// Its days, ascending, apart from one another.
    pub days: Vec<OwnDays>,
    /// Calendars whose days are its too, ascending.
    pub includes: Vec<CalendarId>,
}

/// Days one after another, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDays {
    /// The first local date.
    pub first: NaiveDate,
    /// The last local date.
    pub last: NaiveDate,
    /// Why.
    pub reason: String,
}

/// A calendar of an area as a person types it.
#[derive(Debug, Clone, Default)]
pub struct OwnCalendarDraft {
    /// Its name.
    pub name: String,
    /// Its days.
    pub days: Vec<OwnDaysDraft>,
    /// Ids of calendars whose days are its too.
    pub includes: Vec<String>,
}

/// Days as a person types them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnDaysDraft {
    /// `2026-12-25` or `25/12/2026`.
    pub first: String,
    /// The same; empty: one day.
    pub last: String,
    /// Why.
    pub reason: String,
}

impl OwnCalendarDraft {
    /// Checks every field on a day. Whether the included calendars are there is for who knows the others.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self, today: NaiveDate) -> Result<OwnValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        let name = errors.keep("name", check_name(&self.name));
        let mut days: Vec<OwnDays> = Vec::new();
        for (number, typed) in self.days.iter().enumerate() {
            days.extend(errors.keep(format!("days[{number}]"), typed.check(today)));
        }
        days.sort_by_key(|days| (days.first, days.last));
        if let Some(pair) = days.windows(2).find(|pair| pair[1].first <= pair[0].last) {
            errors.add("days", overlap(pair[1].first));
        }
        let mut includes = Vec::new();
        for (number, id) in self.includes.iter().enumerate() {
            let id = id.trim();
            includes.extend(
                errors.keep(
                    format!("includes[{number}]"),
                    CalendarId::new(id).map_err(|_| unknown_included(id)),
                ),
            );
        }
        includes.sort();
        includes.dedup();
        if days.len() > ENTRIES_MAX || includes.len() > INCLUDES_MAX {
            errors.add("days", too_many());
        }
        if self.days.is_empty() && self.includes.is_empty() {
            errors.add("days", without_days());
        }
        errors.finish(name.map(|name| OwnValues { name, days, includes }))
    }

    /// The days of a text with one entry a line: `25/12/2026: Lễ hội`, `25/12/2026 - 27/12/2026: Quốc tang`.
    pub fn days_of(text: &str) -> Vec<OwnDaysDraft> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(OwnDaysDraft::of_line).collect()
    }

    /// The text from which [`Self::days_of`] reads these days.
    pub fn text_of(days: &[OwnDays]) -> String {
        days.iter().map(|days| format!("{}: {}\n", days.dates(), days.reason)).collect()
    }
}

impl OwnDays {
    /// Its dates as people read them: `25/12/2026 - 27/12/2026`.
    pub fn dates(&self) -> String {
        let date = |date: NaiveDate| date.format("%d/%m/%Y").to_string();
        if self.first == self.last {
            date(self.first)
        } else {
            format!("{} - {}", date(self.first), date(self.last))
        }
    }
}

impl OwnDaysDraft {
    fn of_line(line: &str) -> Self {
        let (dates, reason) = line.split_once(':').unwrap_or((line, ""));
        // A date may have hyphens of its own (2026-12-25): then those between two dates have blanks around them.
        let between = if dates.contains('/') { "-" } else { " - " };
        let dates = dates.replace(['–', '—'], " - ").replace(" đến ", " - ");
        let (first, last) = dates.split_once(between).unwrap_or((&dates, ""));
        let text = |text: &str| text.trim().to_owned();
        Self { first: text(first), last: text(last), reason: text(reason) }
    }

    fn check(&self, today: NaiveDate) -> Result<OwnDays, Message> {
        let first = date(self.first.trim())?;
        let last = if self.last.trim().is_empty() { first } else { date(self.last.trim())? };
        if last < first {
            return Err(backwards(first, last));
        }
        if today.checked_add_months(DATE_WITHIN).is_some_and(|end| last > end) {
            return Err(too_far(last));
        }
        let reason = text::line(&self.reason);
        if reason.is_empty() {
            return Err(without_reason(first));
        }
        if reason.chars().count() > REASON_MAX_CHARS || reason.chars().any(char::is_control) {
            return Err(reason_too_long());
        }
        Ok(OwnDays { first, last, reason })
    }
}

fn overlap(date: NaiveDate) -> Message {
    Message::written(
        "days.overlap",
        format!("Ngày {} được ghi hai lần. Mỗi ngày chỉ ghi một lần.", date.format("%d/%m/%Y")),
        format!("{date} is given twice. Give each day once."),
    )
}

fn too_many() -> Message {
    Message::written(
        "days.too_many",
        format!("Một lịch ngày có tối đa {ENTRIES_MAX} dòng và gồm tối đa {INCLUDES_MAX} lịch ngày khác."),
        format!("A calendar has at most {ENTRIES_MAX} entries, and includes at most {INCLUDES_MAX} others."),
    )
}

fn without_days() -> Message {
    Message::fixed("days.none", "Hãy nhập ít nhất một ngày.", "Enter at least one day.")
}

fn backwards(first: NaiveDate, last: NaiveDate) -> Message {
    Message::written(
        "days.backwards",
        format!("Ngày cuối {} trước ngày đầu {}.", last.format("%d/%m/%Y"), first.format("%d/%m/%Y")),
        format!("The last day {last} is before the first, {first}."),
    )
}

fn without_reason(first: NaiveDate) -> Message {
    Message::written(
        "days.without_reason",
        format!(
            "Ngày {} chưa có lý do. Ví dụ đúng: 25/12/2026: Lễ hội cồng chiêng.",
            first.format("%d/%m/%Y")
        ),
        format!("{first} has no reason. A right example: 25/12/2026: Gong festival."),
    )
}

fn reason_too_long() -> Message {
    Message::written(
        "days.reason_too_long",
        format!("Lý do dài tối đa {REASON_MAX_CHARS} ký tự, trên một dòng."),
        format!("A reason has at most {REASON_MAX_CHARS} characters, on one line."),
    )
}

/// What to say about an included calendar that is not there.
pub(super) fn unknown_included(id: &str) -> Message {
    Message::written(
        "calendar.unknown",
        format!("Không có lịch ngày “{id}” cho địa bàn này."),
        format!("There is no calendar “{id}” for this area."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    fn check(text: &str) -> Result<OwnValues, FieldErrors> {
        let draft = OwnCalendarDraft {
            name: " Ngày lễ của xã ".to_owned(),
            days: OwnCalendarDraft::days_of(text),
            ..OwnCalendarDraft::default()
        };
        draft.check(today())
    }

    #[test]
    fn days_are_read_as_people_write_them_and_read_back() {
        let typed = "27/12/2026–28/12/2026: Quốc tang\n\n2026-12-24 - 2026-12-25: Lễ hội: ngày đầu\n01/01/2027-02/01/2027:Tết\n 03/01/2027 đến 04/01/2027 : Nghỉ bù";
        let values = check(typed).unwrap();
        assert_eq!(values.name, "Ngày lễ của xã");
        let text = OwnCalendarDraft::text_of(&values.days);
        assert_eq!(
            text,
            "24/12/2026 - 25/12/2026: Lễ hội: ngày đầu\n27/12/2026 - 28/12/2026: Quốc tang\n\
             01/01/2027 - 02/01/2027: Tết\n03/01/2027 - 04/01/2027: Nghỉ bù\n"
        );
        assert_eq!(check(&text).unwrap(), values);
        assert_eq!(check("25/12/2026: Lễ").unwrap().days[0].dates(), "25/12/2026");
    }

    #[test]
    fn every_wrong_line_is_named() {
        for (text, expected) in [
            ("", "days: days.none"),
            ("mai: Lễ", "days[0]: date.unreadable"),
            ("25/12/2026: Lễ\n30/02/2027: Lễ", "days[1]: date.unreadable"),
            ("25/12/2026 - mai: Lễ", "days[0]: date.unreadable"),
            ("25/12/2026", "days[0]: days.without_reason"),
            ("25/12/2026 - 24/12/2026: Lễ", "days[0]: days.backwards"),
            ("25/12/2026 - 27/12/2026: Lễ\n27/12/2026: Lễ", "days: days.overlap"),
            ("20/01/2038: Lễ", "days[0]: date.too_far"),
        ] {
            assert_eq!(check(text).unwrap_err().to_string(), expected, "{text}");
        }
        let long = format!("25/12/2026: {}", "dài ".repeat(40));
        assert_eq!(check(&long).unwrap_err().to_string(), "days[0]: days.reason_too_long");
        let many: String = (1..=101).map(|n| format!("{}: Lễ\n", today() + chrono::Days::new(n))).collect();
        assert_eq!(check(&many).unwrap_err().to_string(), "days: days.too_many");
        let draft = OwnCalendarDraft { includes: vec!["Tết".to_owned()], ..OwnCalendarDraft::default() };
        assert_eq!(
            draft.check(today()).unwrap_err().to_string(),
            "name: name.empty, includes[0]: calendar.unknown"
        );
    }
}
