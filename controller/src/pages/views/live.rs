//! Live fragments: the inside of the elements that server-sent events replace.
//!
//! Each has the template that its page includes for the same element, so that both always agree. The event
//! names are functions here; handlers and templates write no event name of their own.

use askama::Template;

use super::alerts::AlertCard;
use super::bulletin::{
    BulletinActions, BulletinDetail, ConsentCard, DecisionForm, HistoryItem, TrackCard, TrackForm,
};
use super::bulletins::{BulletinFilter, BulletinRow};
use super::heard::{HeardFilter, HeardOccurrence};
use super::nodes::{NodeCounts, NodeRow};
use super::orders::OrderCard;
use super::parts::Pager;
use super::schedules::ScheduleRow;
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

/// Event `today-alerts`, topic `today`.
#[derive(Clone, Debug, Template)]
#[template(path = "live/today_alerts.html")]
pub struct TodayAlerts {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::TodayPage::alerts`].
    pub alerts: Vec<AlertCard>,
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

/// Event `bulletin-decide-{id}`, topic `bulletin:{id}`: what is to be known before a decision, and its buttons.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletin_decide.html")]
pub struct BulletinDecide {
    /// Reader's language.
    pub lang: Lang,
    /// Token for the forms.
    pub csrf: String,
    /// The bulletin.
    pub bulletin: BulletinDetail,
    /// What this user may do now.
    pub actions: BulletinActions,
    /// The form that returns it.
    pub decision: DecisionForm,
    /// Whether the words have changed since the page was loaded: then there is nothing to press, but the page to be
    /// loaded again. Nobody decides on words that they do not see.
    pub outdated: bool,
}

/// Event `bulletin-tracks-{id}`, topic `bulletin:{id}`: the tracks, when there are others than before.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletin_tracks.html")]
pub struct BulletinTracks {
    /// Reader's language.
    pub lang: Lang,
    /// Token for the forms.
    pub csrf: String,
    /// The bulletin.
    pub bulletin: BulletinDetail,
    /// Its tracks.
    pub tracks: Vec<TrackCard>,
    /// Consents to recordings that are none of these tracks any more.
    pub earlier: Vec<ConsentCard>,
    /// What this user may do now.
    pub actions: BulletinActions,
    /// The form that adds a track.
    pub add_track: TrackForm,
}

/// Event `track-{id}`, topic `bulletin:{id}`: a track with its progress, player or failure.
#[derive(Clone, Debug, Template)]
#[template(path = "live/track.html")]
pub struct TrackProgress {
    /// Reader's language.
    pub lang: Lang,
    /// Token for the forms.
    pub csrf: String,
    /// The bulletin.
    pub bulletin: BulletinDetail,
    /// The track.
    pub track: TrackCard,
}

/// Event `bulletin-plan-{id}`, topic `bulletin:{id}`: when and where it sounds.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletin_plan.html")]
pub struct BulletinPlan {
    /// Reader's language.
    pub lang: Lang,
    /// The bulletin.
    pub bulletin: BulletinDetail,
    /// What this user may do now.
    pub actions: BulletinActions,
    /// Its schedules.
    pub schedules: Vec<ScheduleRow>,
}

/// Event `bulletin-history-{id}`, topic `bulletin:{id}`: what was done with it.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletin_history.html")]
pub struct BulletinHistory {
    /// Reader's language.
    pub lang: Lang,
    /// Its history, latest first.
    pub history: Vec<HistoryItem>,
}

/// Event `bulletins-list`, topic `bulletins`: the list of bulletins.
#[derive(Clone, Debug, Template)]
#[template(path = "live/bulletins_list.html")]
pub struct BulletinsList {
    /// Reader's language.
    pub lang: Lang,
    /// Whether this user writes bulletins.
    pub can_compose: bool,
    /// Filters as asked for.
    pub filter: BulletinFilter,
    /// The bulletins.
    pub rows: Vec<BulletinRow>,
    /// Paging.
    pub pager: Pager,
}

/// Event `waiting-count`, topic `waiting`: how many bulletins wait for this user.
#[derive(Clone, Debug, Template)]
#[template(path = "live/waiting_count.html")]
pub struct WaitingCount {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::super::Shell::waiting_count`].
    pub waiting_count: usize,
}

/// Event `heard-list`, topic `heard`: all occurrences of the page, when there are others than before.
#[derive(Clone, Debug, Template)]
#[template(path = "live/heard_list.html")]
pub struct HeardList {
    /// Reader's language.
    pub lang: Lang,
    /// Filters as asked for.
    pub filter: HeardFilter,
    /// The occurrences.
    pub occurrences: Vec<HeardOccurrence>,
    /// Paging.
    pub pager: Pager,
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

/// Event `orders-list`, topic `orders`: the latest orders, and who has answered.
#[derive(Clone, Debug, Template)]
#[template(path = "live/orders_list.html")]
pub struct OrdersList {
    /// Reader's language.
    pub lang: Lang,
    /// As [`super::OrdersPage::orders`].
    pub orders: Vec<OrderCard>,
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
    /// Data: [`super::TodayAlerts`].
    pub const TODAY_ALERTS: &str = "today-alerts";
    /// Data: [`super::TodaySounding`].
    pub const TODAY_SOUNDING: &str = "today-sounding";
    /// Data: [`super::TodayWaiting`].
    pub const TODAY_WAITING: &str = "today-waiting";
    /// Data: [`super::TodaySilent`].
    pub const TODAY_SILENT: &str = "today-silent";
    /// Data: [`super::NodesCounts`].
    pub const NODES_COUNTS: &str = "nodes-counts";
    /// Data: [`super::WaitingCount`].
    pub const WAITING_COUNT: &str = "waiting-count";
    /// Data: [`super::BulletinsList`].
    pub const BULLETINS_LIST: &str = "bulletins-list";
    /// Data: [`super::HeardList`].
    pub const HEARD_LIST: &str = "heard-list";

    /// Data: [`super::OrdersList`].
    pub const ORDERS_LIST: &str = "orders-list";

    /// Data: [`crate::pages::views::AlertsList`].
    pub const ALERTS_LIST: &str = "alerts-list";

    /// Data: [`crate::pages::views::AlertDecide`].
    #[must_use]
    pub fn alert_decide(id: &str) -> String {
        format!("alert-decide-{id}")
    }

    /// Data: [`crate::pages::views::AlertWave`].
    #[must_use]
    pub fn alert_wave(id: &str) -> String {
        format!("alert-wave-{id}")
    }

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

    /// Data: [`super::BulletinDecide`].
    #[must_use]
    pub fn bulletin_decide(id: &str) -> String {
        format!("bulletin-decide-{id}")
    }

    /// Data: [`super::BulletinTracks`].
    #[must_use]
    pub fn bulletin_tracks(id: &str) -> String {
        format!("bulletin-tracks-{id}")
    }

    /// Data: [`super::BulletinPlan`].
    #[must_use]
    pub fn bulletin_plan(id: &str) -> String {
        format!("bulletin-plan-{id}")
    }

    /// Data: [`super::BulletinHistory`].
    #[must_use]
    pub fn bulletin_history(id: &str) -> String {
        format!("bulletin-history-{id}")
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
