//! Schedules: what is to come, and the form that adds one.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use chrono::{NaiveDate, NaiveTime, Timelike as _, Weekday};

use super::parts::BulletinName;
use super::preflight::PreflightView;
use crate::pages::filters;
use crate::pages::form::{Choice, Errors, Tick};
use crate::pages::format::{self, Moment};
use crate::pages::labels::ScheduleState;
use crate::pages::shell::Shell;
use crate::pages::text::{Lang, Msg};

/// `GET /schedules`.
#[derive(Clone, Debug, Template)]
#[template(path = "schedules.html")]
pub struct SchedulesPage {
    /// Surroundings.
    pub shell: Shell,
    /// Next occurrences, by day, soonest first.
    pub days: Vec<ScheduleDay>,
    /// Standing schedules.
    pub standing: Vec<ScheduleRow>,
}

/// The occurrences of one day.
#[derive(Clone, Debug)]
pub struct ScheduleDay {
    /// The day, in the area's zone.
    pub day: NaiveDate,
    /// Its occurrences, soonest first.
    pub occurrences: Vec<OccurrenceRow>,
}

/// An occurrence to come.
#[derive(Clone, Debug)]
pub struct OccurrenceRow {
    /// Bulletin.
    pub bulletin: BulletinName,
    /// When it starts.
    pub at: Moment,
    /// How long it takes, milliseconds, when its tracks are made.
    pub duration_ms: Option<u64>,
    /// Where, in short.
    pub place: String,
    /// Nodes that are to sound.
    pub nodes: usize,
    /// Of those, offline at this moment; they sound from their cache if it is complete.
    pub offline: usize,
}

/// A standing schedule.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    /// Schedule.
    pub id: String,
    /// Bulletin.
    pub bulletin: BulletinName,
    /// When it sounds.
    pub rule: Rule,
    /// First day; `None` from when it was made.
    pub from: Option<NaiveDate>,
    /// Last day; `None` without end.
    pub until: Option<NaiveDate>,
    /// On which days it does not sound, and how it sounds beyond that.
    pub extras: Vec<Msg>,
    /// Names of its target areas and nodes.
    pub places: Vec<String>,
    /// Where it stands.
    pub state: ScheduleState,
    /// Next occurrence.
    pub next: Option<Moment>,
    /// How many of its nodes have its sound, and where the others are with it; empty where no plan carries it.
    pub ready: Vec<Msg>,
    /// `POST /schedules/{id}/cancel` is allowed.
    pub cancellable: bool,
}

/// When a schedule sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Once.
    Once(Moment),
    /// At `times` on `days`.
    Weekly {
        /// Weekdays; all seven is "every day".
        days: Vec<Weekday>,
        /// Times of day.
        times: Vec<NaiveTime>,
    },
    /// By a five-field cron expression.
    Cron(String),
}

impl Rule {
    /// The rule of a five-field cron expression: [`Self::Weekly`] where it is no more than that.
    #[must_use]
    pub fn of_cron(expression: &str) -> Self {
        Self::weekly(expression).unwrap_or_else(|| Self::Cron(expression.to_owned()))
    }

    fn weekly(expression: &str) -> Option<Self> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minutes, hours, "*", "*", days] = fields[..] else { return None };
        let (minutes, hours) = (plain(minutes, 60)?, plain(hours, 24)?);
        let times: Option<Vec<NaiveTime>> = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(|minute| NaiveTime::from_hms_opt(*hour, *minute, 0)))
            .collect();
        Some(Self::Weekly { days: weekdays(days)?, times: times? })
    }

    /// The rule in words: `Hằng ngày lúc 06:00, 17:00`.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::Once(at) => Msg::new("rule-once").with("x", format::date_time(at)).text(lang),
            Self::Weekly { days, times } => {
                let times: Vec<String> = times.iter().map(|time| time.format("%H:%M").to_string()).collect();
                let times = times.join(", ");
                if days.len() == 7 {
                    return Msg::new("rule-daily").with("x", times).text(lang);
                }
                let days: Vec<String> = days.iter().map(|day| lang.text(format::weekday_key(*day))).collect();
                Msg::new("rule-weekly").with("days", days.join(", ")).with("times", times).text(lang)
            }
            Self::Cron(expression) => Msg::new("rule-cron").with("x", expression.as_str()).text(lang),
        }
    }
}

/// The cron expressions of `times` on `days`: one for each minute of the hour that occurs, since an expression
/// crosses its minutes with its hours. `06:00, 17:00` on all days is `0 6,17 * * *`; `06:00, 17:30` needs two.
#[must_use]
pub fn weekly_cron(days: &[Weekday], times: &[NaiveTime]) -> Vec<String> {
    let mut hours_by_minute: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for time in times {
        hours_by_minute.entry(time.minute()).or_default().insert(time.hour());
    }
    let days: BTreeSet<u32> = days.iter().map(Weekday::num_days_from_sunday).collect();
    let days = if days.len() == 7 { "*".to_owned() } else { list(&days) };
    hours_by_minute.iter().map(|(minute, hours)| format!("{minute} {} * * {days}", list(hours))).collect()
}

fn list(numbers: &BTreeSet<u32>) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// Numbers of a cron field that is a plain list, such as `6,17`.
fn plain(field: &str, below: u32) -> Option<BTreeSet<u32>> {
    field.split(',').map(|part| part.parse().ok().filter(|number| *number < below)).collect()
}

/// Weekdays of a cron field that is `*`, a list or one range, with 0 and 7 for Sunday.
fn weekdays(field: &str) -> Option<Vec<Weekday>> {
    let numbers: BTreeSet<u32> = match field.split_once('-') {
        _ if field == "*" => (0..7).collect(),
        Some((first, last)) => {
            let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
            (first <= last && last <= 7).then(|| (first..=last).collect())?
        }
        None => plain(field, 8)?,
    };
    let week =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let on = |day: &Weekday| {
        let number = day.num_days_from_sunday();
        numbers.contains(&number) || number == 0 && numbers.contains(&7)
    };
    Some(week.into_iter().filter(on).collect())
}

/// `GET /schedules/new?bulletin=`, and the answer (422) to a refused `POST /schedules`.
#[derive(Clone, Debug, Template)]
#[template(path = "schedule_form.html")]
pub struct ScheduleFormPage {
    /// Surroundings.
    pub shell: Shell,
    /// The form.
    pub form: ScheduleForm,
    /// Approved bulletins to choose from.
    pub bulletins: Vec<Choice>,
    /// Areas and nodes of the user, in tree order, offline ones included.
    pub targets: Vec<TargetRow>,
    /// Calendars on whose days it may not sound.
    pub days_off: Vec<Tick>,
    /// Calendars to which it may be bound.
    pub calendars: Vec<Choice>,
    /// What happens after an interruption, to choose from.
    pub interruptions: Vec<Choice>,
    /// What the form would do, once it is complete enough to say.
    pub preview: Option<SchedulePreview>,
}

/// Fields `bulletin`, `mode` (`once`, `weekly`, `cron`), `date` (`2025-10-25`), `time` (`06:00`), `day` (`mon` …
/// `sun`, once for each ticked), `times` (`06:00, 17:00`), `cron`, `from`, `until` (dates or empty), `excluded` (dates),
/// `not_on` (a calendar's id, once for each ticked), `only_on`, `rounds`, `gap`, `within`, `after`, `area` and `node` (an id, once for each ticked; an area covers what lies below it), `form_id`.
#[derive(Clone, Debug, Default)]
pub struct ScheduleForm {
    /// Chosen bulletin.
    pub bulletin: String,
    /// Chosen mode's code.
    pub mode: String,
    /// Date of `once`, ISO.
    pub date: String,
    /// Time of `once`.
    pub time: String,
    /// Ticked weekdays of `weekly`: `mon` … `sun`.
    pub days: Vec<String>,
    /// Times of `weekly` as typed, separated by commas or spaces.
    pub times: String,
    /// Expression of `cron` as typed.
    pub cron: String,
    /// First day, ISO, or empty.
    pub from: String,
    /// Last day, ISO, or empty.
    pub until: String,
    /// How many minutes late it may start; empty: five.
    pub within: String,
    /// Dates on which it does not sound, as typed.
    pub excluded: String,
    /// Ticked calendars on whose days it does not sound.
    pub not_on: Vec<String>,
    /// Chosen calendar on whose days alone it sounds; empty: all days.
    pub only_on: String,
    /// Rounds of one session; empty: one.
    pub rounds: String,
    /// Seconds between two rounds; empty: five.
    pub gap: String,
    /// What happens after an interruption: `drop`, `resume`, `restart`.
    pub after: String,
    /// A fresh id for each form shown; a second POST with the same id is the same schedule.
    pub form_id: String,
    /// Errors by field; `target` stands for areas and nodes together.
    pub errors: Errors,
}

impl ScheduleForm {
    /// Whether anything is said, or wrong, beyond when and where.
    #[must_use]
    pub fn says_more(&self) -> bool {
        let texts = [&self.within, &self.excluded, &self.only_on, &self.rounds, &self.gap];
        let fields = ["within", "excluded", "not_on", "only_on", "rounds", "gap", "after"];
        !self.not_on.is_empty()
            || texts.iter().any(|text| !text.trim().is_empty())
            || !["", "drop"].contains(&self.after.as_str())
            || fields.iter().any(|field| self.errors.has(field))
    }

    /// Whether a weekday's code is ticked.
    #[must_use]
    pub fn has_day(&self, code: &str) -> bool {
        self.days.iter().any(|day| day == code)
    }
}

/// The weekdays of the field `day`, with the keys of their names.
pub const WEEKDAYS: [(&str, &str); 7] = [
    ("mon", "weekday-mon"),
    ("tue", "weekday-tue"),
    ("wed", "weekday-wed"),
    ("thu", "weekday-thu"),
    ("fri", "weekday-fri"),
    ("sat", "weekday-sat"),
    ("sun", "weekday-sun"),
];

/// A row of the tree of targets.
#[derive(Clone, Debug)]
pub struct TargetRow {
    /// What the row is.
    pub kind: TargetKind,
    /// Id of the area or node.
    pub id: String,
    /// Ids from the root to this row, joined by `/`.
    pub path: String,
    /// Name.
    pub name: String,
    /// Depth, from 0.
    pub depth: usize,
    /// Whether it is ticked.
    pub checked: bool,
}

/// What a row of the tree of targets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// An area.
    Area {
        /// Nodes in it and below.
        nodes: usize,
        /// Of those, offline.
        offline: usize,
    },
    /// A node.
    Node {
        /// Whether it is online.
        online: bool,
    },
}

/// Answer to `POST /schedules/preview` (the form's fields): what the form would do.
#[derive(Clone, Debug, Default)]
pub struct SchedulePreview {
    /// Next occurrences, at most five.
    pub next: Vec<Moment>,
    /// Nodes that are to sound.
    pub nodes: usize,
    /// Of those, offline at this moment.
    pub offline: usize,
    /// How long each occurrence takes, milliseconds.
    pub duration_ms: Option<u64>,
    /// What stands in the way, or should be known: quiet hours, a missing language.
    pub warnings: Vec<Msg>,
    /// What would sound within a week, by the nodes' own rules.
    pub preflight: PreflightView,
    /// How many days that looks ahead.
    pub days: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn plain_expressions_are_read_as_weekly() {
        let check = |expression: &str, vi: &str| assert_eq!(Rule::of_cron(expression).words(Lang::Vi), vi);
        check("0 6,17 * * *", "Hằng ngày lúc 06:00, 17:00");
        check("30 5 * * 0-7", "Hằng ngày lúc 05:30");
        check("0 6 * * 1-3", "Thứ Hai, Thứ Ba, Thứ Tư lúc 06:00");
        check("0 6 * * 7", "Chủ nhật lúc 06:00");
        check("*/5 6 * * *", "Theo cron: */5 6 * * *");
        check("0 6 1 * *", "Theo cron: 0 6 1 * *");
        check("0 25 * * *", "Theo cron: 0 25 * * *");
        check("0 6 * * 5-1", "Theo cron: 0 6 * * 5-1");
        check("", "Theo cron: ");
    }

    #[test]
    fn times_become_expressions_that_read_back() {
        let days = [Weekday::Mon, Weekday::Sun];
        let expressions = weekly_cron(&days, &[time(17, 30), time(6, 0), time(17, 0)]);
        assert_eq!(expressions, ["0 6,17 * * 0,1", "30 17 * * 0,1"]);
        let rule = Rule::of_cron(&expressions[0]);
        assert_eq!(rule, Rule::Weekly { days: days.to_vec(), times: vec![time(6, 0), time(17, 0)] });
        assert_eq!(weekly_cron(&days, &[]), Vec::<String>::new());
    }
}
