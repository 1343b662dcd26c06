//! The audit log.

use askama::Template;

use super::parts::Pager;
use crate::pages::filters;
use crate::pages::format::Moment;
use crate::pages::labels::Step;
use crate::pages::shell::Shell;

/// `GET /audit?q=&who=&step=&from=&to=&page=`.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Surroundings.
    pub shell: Shell,
    /// Filters as asked for.
    pub filter: AuditFilter,
    /// Entries, latest first.
    pub rows: Vec<AuditRow>,
    /// Paging.
    pub pager: Pager,
}

/// Filters of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Words in name, object or detail.
    pub q: String,
    /// One step only.
    pub step: Option<Step>,
    /// First day, ISO, or empty.
    pub from: String,
    /// Last day, ISO, or empty.
    pub to: String,
}

impl AuditFilter {
    /// Whether anything is filtered out.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Moment,
    /// Who; `None` for the controller itself.
    pub who: Option<String>,
    /// What.
    pub step: Step,
    /// On what, such as a bulletin's title.
    pub about: String,
    /// Page of it.
    pub href: Option<String>,
    /// More, such as a comment.
    pub detail: Option<String>,
}
