//! The calendars of an area.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Errors, Tick};
use crate::pages::shell::Shell;

/// `GET /areas/{id}/calendars?calendar=`, and the answer (422) to a refused calendar.
#[derive(Clone, Debug, Template)]
#[template(path = "calendars.html")]
pub struct CalendarsPage {
    /// Surroundings.
    pub shell: Shell,
    /// The area.
    pub area_id: String,
    /// Its name.
    pub area: String,
    /// The calendars that its schedules may name.
    pub rows: Vec<CalendarRow>,
    /// Calendars whose days the one in the form may take over.
    pub includes: Vec<Tick>,
    /// The form that adds or changes one; `None` when the user may not.
    pub form: Option<CalendarForm>,
}

/// A calendar.
#[derive(Clone, Debug)]
pub struct CalendarRow {
    /// Calendar.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Name of the area that keeps it; `None`: the product's.
    pub area: Option<String>,
    /// Whether that is this area.
    pub own: bool,
    /// Its dates, with the reason where there is one.
    pub days: Vec<(String, String)>,
    /// Names of calendars whose days are its too.
    pub includes: Vec<String>,
    /// Schedules that name it.
    pub schedules: u32,
}

/// Fields `calendar` (the id of the one that is changed, or empty), `name`, `days` (one entry a line), `includes` (an id, once for
/// each ticked); posted to `/areas/{id}/calendars`.
#[derive(Clone, Debug, Default)]
pub struct CalendarForm {
    /// The calendar that is changed; empty: a new one.
    pub calendar: String,
    /// As typed.
    pub name: String,
    /// As typed.
    pub days: String,
    /// Ids of ticked calendars.
    pub includes: Vec<String>,
    /// Errors of `name`, `days`, `includes`.
    pub errors: Errors,
}
