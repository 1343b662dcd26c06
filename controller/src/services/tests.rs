//! Stories on a real database.

mod approval;
mod consent;
mod languages;
mod lexicon;
mod people;
mod places;
mod scoping;
mod timetable;
