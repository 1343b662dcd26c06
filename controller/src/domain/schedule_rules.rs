//! On which days a schedule does not sound, and how it sounds beyond when and where.

use chrono::{Months, NaiveDate};
use loa_protocol::area::AreaPath;
use loa_protocol::ids::CalendarId;
use loa_protocol::timeline::{AfterInterruption, ItemRules, LocalDate, Repeats};

use super::calendar::{Calendars, others_id};
use super::message::{FieldErrors, Message};

/// Most dates that one schedule excludes.
const DATES_MAX: usize = 400;
/// Furthest date that is believed.
const DATE_WITHIN: Months = Months::new(120);
/// Most calendars that one schedule names.
const CALENDARS_MAX: usize = 15;
/// Most rounds of one session.
const ROUNDS_MAX: u32 = 10;
/// Silence between two rounds when nobody says otherwise, in seconds.
const GAP_DEFAULT_S: u32 = 5;
/// Longest silence between two rounds, in seconds.
const GAP_MAX_S: u32 = 600;

/// Checked. Its calendars are there, as far as it was checked against them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleRules {
    /// Local dates on which it does not sound, ascending.
    pub excluded_dates: Vec<NaiveDate>,
    /// Calendars on whose days it does not sound, ascending.
    pub not_on: Vec<CalendarId>,
    /// The calendar on whose days alone it sounds.
    pub only_on: Option<CalendarId>,
    /// How often it sounds in one session; `None`: once.
    pub repeats: Option<Repeats>,
    /// What happens after an interruption.
    pub after_interruption: AfterInterruption,
}

/// As typed.
#[derive(Debug, Clone, Default)]
pub struct ScheduleRulesDraft {
    /// `2026-12-25, 01/01/2027`.
    pub excluded_dates: String,
    /// Ids of calendars on whose days it does not sound.
    pub not_on: Vec<String>,
    /// Id of the calendar on whose days alone it sounds; empty: on all.
    pub only_on: String,
    /// How often it sounds in one session; `None`: once.
    pub rounds: Option<u32>,
    /// Silence between two rounds, in seconds; `None`: five.
    pub gap_s: Option<u32>,
    /// `drop`, `resume` or `restart`; empty: drop.
    pub after_interruption: String,
}

impl ScheduleRules {
    /// The same as a plan carries it; the calendars go along in the document.
    pub fn on_the_wire(&self) -> ItemRules {
        let others = self.only_on.as_ref().and_then(others_id);
        let mut excluded_calendars: Vec<CalendarId> = self.not_on.iter().cloned().chain(others).collect();
        excluded_calendars.sort();
        ItemRules {
            excluded_dates: self.excluded_dates.iter().copied().map(LocalDate::from).collect(),
            excluded_calendars,
            repeats: self.repeats,
            after_interruption: self.after_interruption,
            ..ItemRules::default()
        }
    }
}

impl ScheduleRulesDraft {
    /// Checks every field, adding what is wrong to the form's errors. `place` is the area of the bulletin, `today` the day there.
    pub fn check(
        &self,
        calendars: &Calendars,
        place: &AreaPath,
        today: NaiveDate,
        errors: &mut FieldErrors,
    ) -> ScheduleRules {
        let excluded_dates = dates(&self.excluded_dates).and_then(|dates| near(dates, today));
        let excluded_dates = errors.keep("excluded_dates", excluded_dates).unwrap_or_default();
        let mut not_on = Vec::new();
        for (number, id) in self.not_on.iter().enumerate() {
            not_on.extend(errors.keep(format!("not_on[{number}]"), calendars.known(id, place)));
        }
        not_on.sort();
        not_on.dedup();
        if not_on.len() > CALENDARS_MAX {
            errors.add("not_on", too_many_calendars());
        }
        let only_on = match self.only_on.trim() {
            "" => None,
            id => errors.keep("only_on", calendars.known(id, place)),
        };
        let rounds = errors.keep("rounds", within(self.rounds, 1, ROUNDS_MAX, 1, rounds_out_of_range));
        let gap_s = errors.keep("gap_s", within(self.gap_s, 1, GAP_MAX_S, GAP_DEFAULT_S, gap_out_of_range));
        let repeats = rounds.zip(gap_s).map(|(rounds, gap_s)| Repeats { rounds, gap_ms: gap_s * 1000 });
        let after_interruption = errors
            .keep("after_interruption", after_interruption(&self.after_interruption))
            .unwrap_or_default();
        ScheduleRules {
            excluded_dates,
            not_on,
            only_on,
            repeats: repeats.filter(|repeats| repeats.rounds > 1),
            after_interruption,
        }
    }
}

/// Dates as people write them, ascending, each once.
///
/// # Errors
/// What cannot be read.
pub fn dates(text: &str) -> Result<Vec<NaiveDate>, Message> {
    let mut dates = Vec::new();
    for word in text.split([',', ';', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()) {
        dates.push(date(word)?);
    }
    dates.sort_unstable();
    dates.dedup();
    if dates.len() > DATES_MAX {
        return Err(Message::written(
            "date.too_many",
            format!("Một lịch phát loại trừ tối đa {DATES_MAX} ngày."),
            format!("A schedule excludes at most {DATES_MAX} dates."),
        ));
    }
    Ok(dates)
}

/// A date as people write it: `2026-12-25` or `25/12/2026`.
///
/// # Errors
/// That it cannot be read.
pub fn date(word: &str) -> Result<NaiveDate, Message> {
    let read = |format| NaiveDate::parse_from_str(word, format).ok();
    read("%Y-%m-%d").or_else(|| read("%d/%m/%Y")).ok_or_else(|| {
        Message::written(
            "date.unreadable",
            format!("“{word}” không phải là ngày. Ví dụ đúng: 25/12/2026."),
            format!("“{word}” is no date. A right one: 2026-12-25."),
        )
    })
}

fn near(dates: Vec<NaiveDate>, today: NaiveDate) -> Result<Vec<NaiveDate>, Message> {
    let last = dates.last().copied();
    match last.filter(|last| today.checked_add_months(DATE_WITHIN).is_some_and(|end| *last > end)) {
        None => Ok(dates),
        Some(last) => Err(too_far(last)),
    }
}

/// What to say about a date that is more than ten years ahead.
pub fn too_far(date: NaiveDate) -> Message {
    Message::written(
        "date.too_far",
        format!("Ngày {} cách đây hơn mười năm. Hãy kiểm tra lại năm.", date.format("%d/%m/%Y")),
        format!("{date} is more than ten years away. Check the year."),
    )
}

fn within(
    number: Option<u32>,
    least: u32,
    most: u32,
    absent: u32,
    message: fn() -> Message,
) -> Result<u32, Message> {
    let number = number.unwrap_or(absent);
    (least..=most).contains(&number).then_some(number).ok_or_else(message)
}

fn rounds_out_of_range() -> Message {
    Message::written(
        "rounds.out_of_range",
        format!("Mỗi buổi phát từ 1 đến {ROUNDS_MAX} lần."),
        format!("A session has 1 to {ROUNDS_MAX} rounds."),
    )
}

fn gap_out_of_range() -> Message {
    Message::written(
        "gap_s.out_of_range",
        format!("Khoảng nghỉ giữa hai lần phát phải từ 1 đến {GAP_MAX_S} giây."),
        format!("Two rounds are 1 to {GAP_MAX_S} seconds apart."),
    )
}

fn too_many_calendars() -> Message {
    Message::written(
        "calendar.too_many",
        format!("Một lịch phát loại trừ tối đa {CALENDARS_MAX} lịch ngày."),
        format!("A schedule leaves out the days of at most {CALENDARS_MAX} calendars."),
    )
}

/// The word of what happens after an interruption.
pub fn interruption_word(after: AfterInterruption) -> &'static str {
    match after {
        AfterInterruption::Drop => "drop",
        AfterInterruption::Resume => "resume",
        AfterInterruption::Restart => "restart",
    }
}

/// What happens after an interruption, by its word; an empty text is `drop`.
///
/// # Errors
/// That there is no such word.
pub fn after_interruption(word: &str) -> Result<AfterInterruption, Message> {
    match word.trim() {
        "" | "drop" => Ok(AfterInterruption::Drop),
        "resume" => Ok(AfterInterruption::Resume),
        "restart" => Ok(AfterInterruption::Restart),
        other => Err(Message::written(
            "after_interruption.unknown",
            format!("“{other}” không phải là drop, resume hoặc restart."),
            format!("“{other}” is not drop, resume or restart."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::ids::AreaId;

    use super::*;

    fn check(draft: &ScheduleRulesDraft, errors: &mut FieldErrors) -> ScheduleRules {
        let place = AreaPath::new(vec![AreaId::new("xa").unwrap()]).unwrap();
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        draft.check(&Calendars::built_in(), &place, today, errors)
    }

    #[test]
    fn what_is_left_out_means_once_on_all_days() {
        let mut errors = FieldErrors::new();
        let plain = check(&ScheduleRulesDraft::default(), &mut errors);
        assert!(errors.is_empty() && plain == ScheduleRules::default());
        assert_eq!(plain.on_the_wire(), ItemRules::default());
    }

    #[test]
    fn a_plan_carries_what_was_typed() {
        let mut errors = FieldErrors::new();
        let full = ScheduleRulesDraft {
            excluded_dates: "01/01/2027; 2026-12-25, 25/12/2026".to_owned(),
            not_on: vec!["vn-public-holidays".to_owned(); 2],
            only_on: "vn-lunar-1-15".to_owned(),
            rounds: Some(2),
            gap_s: None,
            after_interruption: "resume".to_owned(),
        };
        let wire = check(&full, &mut errors).on_the_wire();
        assert!(errors.is_empty());
        let named: Vec<&str> = wire.excluded_calendars.iter().map(|id| id.as_str()).collect();
        assert_eq!(named, ["not-vn-lunar-1-15", "vn-public-holidays"]);
        let dates: Vec<String> = wire.excluded_dates.iter().map(ToString::to_string).collect();
        assert_eq!(dates, ["2026-12-25", "2027-01-01"]);
        assert_eq!(wire.repeats, Some(Repeats { rounds: 2, gap_ms: 5_000 }));
        assert_eq!(wire.after_interruption, AfterInterruption::Resume);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let mut errors = FieldErrors::new();
        let wrong = ScheduleRulesDraft {
            excluded_dates: "30/02/2027".to_owned(),
            not_on: vec!["tet".to_owned()],
            only_on: "ram".to_owned(),
            rounds: Some(11),
            gap_s: Some(601),
            after_interruption: "again".to_owned(),
        };
        check(&wrong, &mut errors);
        assert_eq!(
            errors.to_string(),
            "excluded_dates: date.unreadable, not_on[0]: calendar.unknown, only_on: calendar.unknown, \
             rounds: rounds.out_of_range, gap_s: gap_s.out_of_range, \
             after_interruption: after_interruption.unknown"
        );
        let mut errors = FieldErrors::new();
        let far = ScheduleRulesDraft {
            excluded_dates: "2038-01-20".to_owned(),
            rounds: Some(0),
            ..ScheduleRulesDraft::default()
        };
        check(&far, &mut errors);
        assert_eq!(errors.to_string(), "excluded_dates: date.too_far, rounds: rounds.out_of_range");
        let many = (0..401)
            .map(|day| format!("{}", NaiveDate::from_ymd_opt(2027, 1, 1).unwrap() + chrono::Days::new(day)));
        assert_eq!(dates(&many.collect::<Vec<_>>().join(" ")).unwrap_err().code, "date.too_many");
    }
}
