//! Nodes: the list with live state, one node, adding and revoking.

use askama::Template;

use super::parts::{HeardRow, Pager};
use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::format::Moment;
use crate::pages::labels::{ClockTrust, Link, Outcome};
use crate::pages::shell::Shell;
use crate::pages::text::Msg;

/// `GET /nodes?q=&area=&link=&page=`. Live topic `nodes`.
#[derive(Clone, Debug, Template)]
#[template(path = "nodes.html")]
pub struct NodesPage {
    /// Surroundings.
    pub shell: Shell,
    /// Filters as asked for.
    pub filter: NodeFilter,
    /// Areas to filter by.
    pub areas: Vec<Choice>,
    /// Nodes that match, by area and name.
    pub rows: Vec<NodeRow>,
    /// Paging.
    pub pager: Pager,
    /// Counts over all of the user's nodes.
    pub counts: NodeCounts,
}

/// Filters of the list of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Words in the name.
    pub q: String,
    /// One area and below; empty for all.
    pub area: String,
    /// One state only.
    pub link: Option<Link>,
}

impl NodeFilter {
    /// Whether anything is filtered out.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// Nodes by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// Online.
    pub online: usize,
    /// Offline.
    pub offline: usize,
    /// Not enrolled yet.
    pub waiting: usize,
    /// Revoked.
    pub revoked: usize,
}

/// A node and the last that is known of it.
#[derive(Clone, Debug)]
pub struct NodeRow {
    /// Node.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its area.
    pub area: String,
    /// State of its connection.
    pub link: Link,
    /// Since when.
    pub since: Option<Moment>,
    /// Its clock.
    pub clock: Option<NodeClock>,
    /// Its audio cache.
    pub cache: Option<NodeCache>,
    /// Temperature of the board, °C.
    pub temperature_c: Option<f64>,
    /// Supply, volts.
    pub supply_v: Option<f64>,
    /// Whether the sound device could be opened when last tried.
    pub speaker_works: Option<bool>,
    /// Its last receipt.
    pub last: Option<LastReceipt>,
}

/// A node's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeClock {
    /// How far it can be trusted.
    pub trust: ClockTrust,
    /// By how much it is ahead of the controller's, milliseconds, where one of the two is wrong.
    pub ahead_ms: Option<f64>,
}

/// A node's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeCache {
    /// Objects that are whole in the cache.
    pub ready: usize,
    /// Those, and the ones it is fetching.
    pub planned: usize,
    /// Free room where audio is kept, bytes, as the node last said.
    pub free_bytes: Option<u64>,
}

impl NodeCache {
    /// Whether everything planned is there.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.ready >= self.planned
    }
}

/// A node's last receipt.
#[derive(Clone, Debug)]
pub struct LastReceipt {
    /// When it sounded, or should have.
    pub at: Moment,
    /// What became of it.
    pub outcome: Outcome,
    /// Title of the bulletin.
    pub title: String,
}

/// `GET /nodes/new?area=`, and the answer (422) to a refused `POST /nodes`.
#[derive(Clone, Debug, Template)]
#[template(path = "node_form.html")]
pub struct NodeFormPage {
    /// Surroundings.
    pub shell: Shell,
    /// The form.
    pub form: NodeForm,
}

/// Fields `name`, `area`, `serial` (optional; binds the token to one board), `line`, `form_id`; posted to `/nodes`.
#[derive(Clone, Debug, Default)]
pub struct NodeForm {
    /// Name as typed.
    pub name: String,
    /// Chosen area.
    pub area: String,
    /// Serial number as typed.
    pub serial: String,
    /// Chosen class of its line.
    pub line: String,
    /// Classes to choose from.
    pub lines: Vec<Choice>,
    /// A fresh id for each form shown; a second POST with the same id is the same node.
    pub form_id: String,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// Errors of `name`, `area`, `serial`.
    pub errors: Errors,
}

/// `GET /nodes/{id}`, and the answer to a successful `POST /nodes` and `POST /nodes/{id}/token`, which
/// alone carries the token. Live topic `node:{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "node.html")]
pub struct NodePage {
    /// Surroundings.
    pub shell: Shell,
    /// The node.
    pub node: NodeRow,
    /// Serial number, if the token is bound to one.
    pub serial: Option<String>,
    /// Firmware version reported.
    pub firmware: Option<String>,
    /// What its line carries.
    pub line: Msg,
    /// What it asks for again and again in vain.
    pub stuck: Option<Msg>,
    /// Epoch of the plan that the node reports as applied, and the latest compiled for it.
    pub epochs: Option<(u64, u64)>,
    /// Enrolment token, only just issued; never shown again.
    pub token: Option<EnrolmentToken>,
    /// `POST /nodes/{id}/token` is allowed (not enrolled yet).
    pub can_issue_token: bool,
    /// `GET /nodes/{id}/revoke` is allowed.
    pub can_revoke: bool,
    /// What the board's own configuration forbids, in sentences, and its zone; as it last said.
    pub own_rules: Option<(String, Vec<Msg>)>,
    /// Its latest receipts, latest first.
    pub heard: Vec<HeardRow>,
    /// What it refused of late, latest first.
    pub refused: Vec<ToldRow>,
    /// What speaks against its receipts, latest first.
    pub doubts: Vec<ToldRow>,
}

/// Something that a node refused, or that speaks against its receipts.
#[derive(Clone, Debug)]
pub struct ToldRow {
    /// When the controller was told.
    pub at: Moment,
    /// What, and why.
    pub what: Msg,
}

/// A single-use enrolment token.
#[derive(Clone, Debug)]
pub struct EnrolmentToken {
    /// The token.
    pub token: String,
    /// Command to type on the board.
    pub command: String,
    /// When it expires.
    pub expires_at: Moment,
}

/// `GET /nodes/{id}/revoke`: asks before `POST /nodes/{id}/revoke` (fields `reason`), and the answer to a refused one.
#[derive(Clone, Debug, Template)]
#[template(path = "node_revoke.html")]
pub struct NodeRevokePage {
    /// Surroundings.
    pub shell: Shell,
    /// Node.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its area.
    pub area: String,
    /// Reason as typed.
    pub reason: String,
    /// Errors of `reason`.
    pub errors: Errors,
}
