//! The tree of areas.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::shell::Shell;
use crate::pages::text::Msg;

/// `GET /areas`, and the answer (422) to a refused `POST /areas`.
#[derive(Clone, Debug, Template)]
#[template(path = "areas.html")]
pub struct AreasPage {
    /// Surroundings.
    pub shell: Shell,
    /// The areas, in tree order.
    pub rows: Vec<AreaRow>,
    /// The form that adds one; `None` when the user may not.
    pub form: Option<AreaForm>,
}

/// An area in the tree.
#[derive(Clone, Debug)]
pub struct AreaRow {
    /// Area.
    pub id: String,
    /// Name, such as `Xã Đưng K'Nớ`.
    pub name: String,
    /// Name of its level, such as `Xã`, `Thôn`.
    pub level: String,
    /// Depth, from 0.
    pub depth: usize,
    /// Nodes in it and below.
    pub nodes: usize,
    /// Of those, online.
    pub online: usize,
}

/// An ordered list of languages: one list to choose from for each place.
#[derive(Clone, Debug, Default)]
pub struct LanguageOrder {
    /// The code chosen at each place; empty: none.
    pub places: Vec<String>,
    /// Languages with a synthetic voice here.
    pub with_voice: Vec<Choice>,
    /// Languages that a person has to read.
    pub recorded: Vec<Choice>,
}

/// `GET /areas/{id}`, and the answer (422) to a refused `POST /areas/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "area.html")]
pub struct AreaPage {
    /// Surroundings.
    pub shell: Shell,
    /// Area.
    pub id: String,
    /// Its name as it is kept.
    pub title: String,
    /// Names of the languages that hold here, first spoken first.
    pub heard: Vec<String>,
    /// Whether they are those of the area above.
    pub inherited: bool,
    /// The form that changes it (`parent` and `form_id` unused); `None` when the user may not.
    pub form: Option<AreaForm>,
    /// What its loudspeakers never do.
    pub rules: AreaRulesView,
}

/// What an area states beyond its names, and what holds in it from above.
#[derive(Clone, Debug, Default)]
pub struct AreaRulesView {
    /// What it states itself, in sentences.
    pub own: Vec<Msg>,
    /// What each area above states: its name, and sentences.
    pub above: Vec<(String, Vec<Msg>)>,
    /// Its households, where somebody has said how many.
    pub households: Option<u32>,
    /// The form that changes it; `None` when the user may not.
    pub form: Option<AreaRulesForm>,
}

/// Fields of `POST /areas/{id}/rules`, as typed.
#[derive(Clone, Debug, Default)]
pub struct AreaRulesForm {
    /// `21:00-06:00, 11:30-13:30`.
    pub quiet_hours: String,
    /// Minutes a day of the normal class.
    pub normal_minutes_a_day: String,
    /// Minutes a day of the priority class.
    pub priority_minutes_a_day: String,
    /// Sessions a day.
    pub sessions_a_day: String,
    /// Longest session, in minutes.
    pub longest_session_minutes: String,
    /// How loud it may be, in percent.
    pub volume_ceiling_percent: String,
    /// Whether its own priority bulletins go before those from above.
    pub own_priority_first: bool,
    /// How many households live there.
    pub households: String,
    /// Errors by field.
    pub errors: Errors,
}

/// Fields `name`, `level`, `parent`, `languages` (a code for each place, empty ones left out), `form_id`; posted to
/// `/areas`.
#[derive(Clone, Debug, Default)]
pub struct AreaForm {
    /// Name as typed.
    pub name: String,
    /// Chosen level.
    pub level: String,
    /// Chosen parent area.
    pub parent: String,
    /// Languages spoken there, first spoken first; none chosen: those of the area above.
    pub languages: LanguageOrder,
    /// Levels to choose from.
    pub levels: Vec<Choice>,
    /// Parents to choose from; the value of "none" is `-`, for who may add a root.
    pub parents: Vec<Choice>,
    /// A fresh id for each form shown; a second POST with the same id is the same area.
    pub form_id: String,
    /// Errors of `name`, `level`, `parent`, `languages`.
    pub errors: Errors,
}
