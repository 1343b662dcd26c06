//! Schedules: what is to come, and the form that adds one.

use askama::Template;
use chrono::{NaiveDate, NaiveTime, Weekday};

use super::parts::BulletinName;
use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
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
    /// Names of its target areas and nodes.
    pub places: Vec<String>,
    /// Where it stands.
    pub state: ScheduleState,
    /// Next occurrence.
    pub next: Option<Moment>,
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
    /// What the form would do, once it is complete enough to say.
    pub preview: Option<SchedulePreview>,
}

/// Fields `bulletin`, `mode` (`once`, `weekly`, `cron`), `date` (`2025-10-25`), `time` (`06:00`), `day` (`mon` …
/// `sun`, once for each ticked), `times` (`06:00, 17:00`), `cron`, `from`, `until` (dates or empty), `area` and
/// `node` (an id, once for each ticked; an area covers what lies below it), `form_id`.
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
    /// A fresh id for each form shown; a second POST with the same id is the same schedule.
    pub form_id: String,
    /// Errors by field; `target` stands for areas and nodes together.
    pub errors: Errors,
}

impl ScheduleForm {
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
}
