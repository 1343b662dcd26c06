//! Stories on a real database.

mod alert_forms;
mod alert_stops;
mod alerts;
mod approval;
mod calendars;
mod consent;
mod languages;
mod lexicon;
mod live_orders;
mod people;
mod places;
mod preflight;
mod scoping;
mod timetable;
