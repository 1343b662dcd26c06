//! Parts that several pages share.

use crate::pages::format::Moment;
use crate::pages::labels::{Class, Outcome};
use crate::pages::text::Msg;

/// How many of the planned nodes sounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Nodes with a receipt that says the occurrence sounded in full.
    pub heard: usize,
    /// Nodes that were to sound.
    pub planned: usize,
    /// Nodes of which nothing is known yet.
    pub waiting: usize,
}

impl Coverage {
    /// `good` all heard, `info` still waiting for some, `warn` some did not, `bad` none did.
    #[must_use]
    pub fn tone(&self) -> &'static str {
        if self.planned > 0 && self.heard == self.planned {
            "good"
        } else if self.waiting > 0 {
            "info"
        } else if self.heard > 0 {
            "warn"
        } else {
            "bad"
        }
    }
}

/// Ways on from one page of a longer list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pager {
    /// Address of the first page, with the filters kept; `None` on that page.
    pub first: Option<String>,
    /// Address of the page after, with the filters kept; `None` on the last.
    pub next: Option<String>,
}

impl Pager {
    /// Whether there is more than this page.
    #[must_use]
    pub fn needed(&self) -> bool {
        self.first.is_some() || self.next.is_some()
    }
}

/// A receipt that a later one has replaced.
#[derive(Clone, Debug)]
pub struct EarlierReceipt {
    /// How it ended.
    pub outcome: Outcome,
    /// Why not wholly.
    pub reason: Option<Msg>,
    /// How long it sounded, milliseconds.
    pub duration_ms: Option<u64>,
}

/// What one node did with one occurrence.
#[derive(Clone, Debug)]
pub struct HeardRow {
    /// Node.
    pub node_id: String,
    /// Its name, such as `Cụm loa nhà văn hóa`.
    pub node_name: String,
    /// Its area, such as `Thôn Liêng Trang`.
    pub area: String,
    /// When it was to start.
    pub planned_at: Moment,
    /// When it started, by the node's receipt.
    pub started_at: Option<Moment>,
    /// Start minus plan, milliseconds.
    pub error_ms: Option<f64>,
    /// How long it sounded, milliseconds.
    pub duration_ms: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it is not "played": the rule or the fault.
    pub reason: Option<Msg>,
    /// What the node's earlier receipts of the same start said, the latest first: it holds what came last.
    pub earlier: Vec<EarlierReceipt>,
}

/// A bulletin named in another page.
#[derive(Clone, Debug)]
pub struct BulletinName {
    /// Bulletin.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: Class,
}
