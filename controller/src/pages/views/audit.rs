//! The audit log.

use askama::Template;

use super::parts::Pager;
use crate::pages::filters;
use crate::pages::format::Moment;
use crate::pages::labels::Step;
use crate::pages::shell::Shell;

/// `GET /audit?subject=&before=`.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Surroundings.
    pub shell: Shell,
    /// The one thing whose entries are shown, by its name or id; `None` for all.
    pub subject: Option<String>,
    /// Entries, latest first.
    pub rows: Vec<AuditRow>,
    /// Paging.
    pub pager: Pager,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Moment,
    /// Who; `None` for the operator at the machine.
    pub who: Option<String>,
    /// Their network address.
    pub address: Option<String>,
    /// What.
    pub step: Step,
    /// On what, such as a bulletin's title.
    pub about: String,
    /// Page of it.
    pub href: Option<String>,
    /// More, such as a comment; for [`Step::Other`] the deed's code.
    pub detail: Option<String>,
}
