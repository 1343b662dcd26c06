//! What will sound, before it does: part of a schedule's page, of its form and of an area's page.

use askama::Template;
use chrono::NaiveDate;

use super::parts::BulletinName;
use super::schedules::Rule;
use crate::pages::filters;
use crate::pages::format::Moment;
use crate::pages::labels::{Foreseen, ScheduleState};
use crate::pages::shell::Shell;
use crate::pages::text::Msg;

/// How many days a page offers to look at.
pub const PREFLIGHT_DAYS: [u32; 3] = [1, 7, 31];

/// `GET /schedules/{id}?days=`.
#[derive(Clone, Debug, Template)]
#[template(path = "schedule.html")]
pub struct SchedulePage {
    /// Surroundings.
    pub shell: Shell,
    /// Schedule.
    pub id: String,
    /// What it plays.
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
    /// `POST /schedules/{id}/cancel` is allowed.
    pub cancellable: bool,
    /// How many days are looked at.
    pub days: u32,
    /// What will sound of it.
    pub preflight: PreflightView,
}

/// What will sound.
#[derive(Clone, Debug, Default)]
pub struct PreflightView {
    /// Nodes that it is about.
    pub nodes: usize,
    /// Households that hear something.
    pub households: HouseholdsView,
    /// What does not get to nodes at all.
    pub notes: Vec<Msg>,
    /// Villages in which the same happens, together.
    pub groups: Vec<PreflightGroup>,
    /// Groups that are not shown.
    pub more: usize,
}

/// A number of households, as far as known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HouseholdsView {
    /// Those that are known of.
    pub known: u64,
    /// Villages of which nobody has said how many live there.
    pub unknown: usize,
}

/// Villages in which the same happens.
#[derive(Clone, Debug)]
pub struct PreflightGroup {
    /// Names of the villages, in short.
    pub places: String,
    /// Their nodes.
    pub nodes: usize,
    /// Their households.
    pub households: HouseholdsView,
    /// Names of their languages, first spoken first.
    pub languages: String,
    /// What happens, in the order of planned starts.
    pub starts: Vec<PreflightStart>,
    /// Starts that are not shown.
    pub more: usize,
}

/// One planned start in a group.
#[derive(Clone, Debug)]
pub struct PreflightStart {
    /// When it is planned.
    pub at: Moment,
    /// Title of the bulletin.
    pub title: String,
    /// When it begins, where that is later than planned.
    pub later: Option<Moment>,
    /// How long it sounds, milliseconds.
    pub duration_ms: u64,
    /// Names of the languages in which it is heard.
    pub languages: String,
    /// What becomes of it.
    pub outcome: Foreseen,
    /// Why not as planned.
    pub why: Option<Msg>,
}
