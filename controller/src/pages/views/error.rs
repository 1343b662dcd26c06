//! An error as a page: what happened, why, and what to do (the words of RFC 9457's members).

use askama::Template;

use crate::pages::filters;
use crate::pages::shell::Shell;
use crate::pages::text::Msg;

/// Any error answer to a browser.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Surroundings; `person` may be `None`.
    pub shell: Shell,
    /// HTTP status.
    pub status: u16,
    /// What happened (`title`).
    pub title: Msg,
    /// Why (`detail`); for a 5xx nothing of the inside.
    pub detail: Option<Msg>,
    /// What the user can do.
    pub todo: Msg,
    /// The problem's stable code, such as `bulletin-not-found`.
    pub code: String,
    /// Request id, as the log has it.
    pub request_id: Option<String>,
}
