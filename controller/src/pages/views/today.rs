//! The page of the day: what sounds, what waits for approval, which nodes are silent.

use askama::Template;
use chrono::NaiveDate;

use super::alerts::AlertCard;
use super::parts::Coverage;
use crate::pages::filters;
use crate::pages::format::Moment;
use crate::pages::labels::{Class, DayState};
use crate::pages::shell::Shell;

/// `GET /`. Live topic `today`.
#[derive(Clone, Debug, Template)]
#[template(path = "today.html")]
pub struct TodayPage {
    /// Surroundings.
    pub shell: Shell,
    /// The day shown, in the user's zone.
    pub day: NaiveDate,
    /// Emergencies in force, the latest first.
    pub alerts: Vec<AlertCard>,
    /// What sounds today, by time.
    pub sounding: Vec<TodayItem>,
    /// Bulletins that this user may approve, oldest first.
    pub waiting: Vec<WaitingItem>,
    /// Nodes that are offline or whose last occurrence failed, longest silent first.
    pub silent: Vec<SilentNode>,
    /// Nodes in all, within the user's areas.
    pub nodes_all: usize,
    /// Nodes online.
    pub nodes_online: usize,
}

/// One occurrence of today.
#[derive(Clone, Debug)]
pub struct TodayItem {
    /// Occurrence; the page of what sounded where can be asked for it.
    pub occurrence_id: String,
    /// Bulletin.
    pub bulletin_id: String,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: Class,
    /// When it starts.
    pub at: Moment,
    /// How long it takes, milliseconds, when its tracks are made.
    pub duration_ms: Option<u64>,
    /// Where, in short: `3 thôn, buôn` or `Thôn Liêng Trang`.
    pub place: String,
    /// Where it stands.
    pub state: DayState,
    /// Who heard it so far.
    pub coverage: Coverage,
}

/// A bulletin that waits for approval.
#[derive(Clone, Debug)]
pub struct WaitingItem {
    /// Address of its page: a bulletin's or an emergency's.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: Class,
    /// Who wrote it.
    pub author: String,
    /// Since when it waits.
    pub submitted_at: Moment,
}

/// A node that cannot be heard, or may not be.
#[derive(Clone, Debug)]
pub struct SilentNode {
    /// Node.
    pub node_id: String,
    /// Its name.
    pub name: String,
    /// Its area.
    pub area: String,
    /// Since when it is offline; `None` if it never came online.
    pub since: Option<Moment>,
}
