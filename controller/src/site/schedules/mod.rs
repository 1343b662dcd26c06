//! Schedules: what is to come, and the form that adds one.

pub(super) mod form;
pub(super) mod list;
pub(super) mod preflight;
mod rule;
