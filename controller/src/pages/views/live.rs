//! Live fragments: the inside of the elements that server-sent events replace.
//!
//! Each has the template that its page includes for the same element, so that both always agree. The event
//! names are functions here; handlers and templates write no event name of their own.

use askama::Template;

use super::bulletin::TrackCard;
use super::heard::HeardOccurrence;
use super::nodes::{NodeCounts, NodeRow};
use super::today::{SilentNode, TodayItem, WaitingItem};
use super::{SchedulePreview, TextCheck};
use crate::pages::filters;
use crate::pages::labels::BulletinState;
use crate::pages::text::Lang;

/// Event `today-sounding`, topic `today`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/today_sounding.html")]
pub struct TodaySounding {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::TodayPage::sounding`].
    pub sounding: Vec<TodayItem>,
}

/// Event `today-waiting`, topic `today`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/today_waiting.html")]
pub struct TodayWaiting {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::TodayPage::waiting`].
    pub waiting: Vec<WaitingItem>,
}

/// Event `today-silent`, topic `today`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/today_silent.html")]
pub struct TodaySilent {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::TodayPage::silent`].
    pub silent: Vec<SilentNode>,
    /// As [`super::TodayPage::nodes_all`].
    pub nodes_all: usize,
    /// As [`super::TodayPage::nodes_online`].
    pub nodes_online: usize,
}

/// Event `node-{id}`, topics `nodes` and `node:{id}`: the cells of a node's row.
#[derive(Clone, Debug, Template)]
#[template(path = "live/node_row.html")]
pub struct NodeCells {
    /// Reader's language.
    pub lang: Lang,
    /// The node.
    pub node: NodeRow,
}

/// Event `node-detail-{id}`, topic `node:{id}`: the state on the node's own page.
#[derive(Clone, Debug, Template)]
#[template(path = "live/node_state.html")]
pub struct NodeState {
    /// Reader's language.
    pub lang: Lang,
    /// The node.
    pub node: NodeRow,
}

/// Event `nodes-counts`, topic `nodes`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/nodes_counts.html")]
pub struct NodesCounts {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::NodesPage::counts`].
    pub counts: NodeCounts,
}

/// Event `bulletin-state-{id}`, topic `bulletin:{id}`: the tag of the bulletin's state.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletin_state.html")]
pub struct BulletinStateTag {
    /// Reader's language.
    pub lang: Lang,
    /// The state.
    pub state: BulletinState,
}

/// Event `track-{id}`, topic `bulletin:{id}`: progress, player or failure of a track.
#[derive(Clone, Debug, Template)]
#[template(path = "live/track.html")]
pub struct TrackProgress {
    /// Reader's language.
    pub lang: Lang,
    /// The track.
    pub track: TrackCard,
}

/// Event `heard-{occurrence}`, topic `heard`: one occurrence with its coverage and its rows.
#[derive(Clone, Debug, Template)]
#[template(path = "live/occurrence.html")]
pub struct OccurrenceHeard {
    /// Reader's language.
    pub lang: Lang,
    /// The occurrence.
    pub occurrence: HeardOccurrence,
}

/// Answer to `POST /schedules/preview`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/schedule_preview.html")]
pub struct SchedulePreviewPart {
    /// Reader's language.
    pub lang: Lang,
    /// What the form would do; `None` while it is too incomplete to say.
    pub preview: Option<SchedulePreview>,
}

/// Answer to `POST /bulletins/check`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/text_check.html")]
pub struct TextCheckPart {
    /// Reader's language.
    pub lang: Lang,
    /// What the text is like.
    pub check: TextCheck,
}

/// Names of the events that `/live` sends; the data of each is the fragment's HTML.
pub mod event {
    /// Data: [`super::TodaySounding`].
    pub const TODAY_SOUNDING: &str = "today-sounding";
    /// Data: [`super::TodayWaiting`].
    pub const TODAY_WAITING: &str = "today-waiting";
    /// Data: [`super::TodaySilent`].
    pub const TODAY_SILENT: &str = "today-silent";
    /// Data: [`super::NodesCounts`].
    pub const NODES_COUNTS: &str = "nodes-counts";

    /// Data: [`super::NodeCells`].
    #[must_use]
    pub fn node(id: &str) -> String {
        format!("node-{id}")
    }

    /// Data: [`super::NodeState`].
    #[must_use]
    pub fn node_detail(id: &str) -> String {
        format!("node-detail-{id}")
    }

    /// Data: [`super::BulletinStateTag`].
    #[must_use]
    pub fn bulletin_state(id: &str) -> String {
        format!("bulletin-state-{id}")
    }

    /// Data: [`super::TrackProgress`].
    #[must_use]
    pub fn track(id: &str) -> String {
        format!("track-{id}")
    }

    /// Data: [`super::OccurrenceHeard`].
    #[must_use]
    pub fn heard(occurrence_id: &str) -> String {
        format!("heard-{occurrence_id}")
    }
}
