//! What sounded where: the proof.

use askama::Template;

use super::parts::{BulletinName, Coverage, HeardRow, Pager};
use crate::pages::filters;
use crate::pages::form::Choice;
use crate::pages::format::Moment;
use crate::pages::labels::Outcome;
use crate::pages::shell::Shell;

/// `GET /heard?from=&to=&area=&outcome=&bulletin=&occurrence=&node=&page=`. Live topic `heard`.
#[derive(Clone, Debug, Template)]
#[template(path = "heard.html")]
pub struct HeardPage {
    /// Surroundings.
    pub shell: Shell,
    /// Filters as asked for.
    pub filter: HeardFilter,
    /// Areas to filter by.
    pub areas: Vec<Choice>,
    /// Occurrences that match, latest first.
    pub occurrences: Vec<HeardOccurrence>,
    /// Paging over occurrences.
    pub pager: Pager,
}

/// Filters of what sounded where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardFilter {
    /// First day, ISO, or empty.
    pub from: String,
    /// Last day, ISO, or empty.
    pub to: String,
    /// One area and below; empty for all.
    pub area: String,
    /// One outcome only.
    pub outcome: Option<Outcome>,
    /// One bulletin only; empty for all.
    pub bulletin: String,
    /// One occurrence only; empty for all.
    pub occurrence: String,
    /// One node only; empty for all.
    pub node: String,
}

impl HeardFilter {
    /// Whether anything is filtered out.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// One occurrence and what each node did with it.
#[derive(Clone, Debug)]
pub struct HeardOccurrence {
    /// Occurrence.
    pub id: String,
    /// Bulletin.
    pub bulletin: BulletinName,
    /// When it was to start.
    pub planned_at: Moment,
    /// Who heard it.
    pub coverage: Coverage,
    /// By node; of very many, those that did not sound wholly first.
    pub rows: Vec<HeardRow>,
    /// Nodes that are not among the rows.
    pub more: usize,
}
