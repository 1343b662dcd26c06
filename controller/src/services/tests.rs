//! Stories on a real database.

mod approval;
mod people;
mod places;
mod scoping;
mod timetable;
