//! The list of bulletins.

use askama::Template;

use super::parts::Pager;
use crate::pages::filters;
use crate::pages::format::Moment;
use crate::pages::labels::{BulletinState, Class};
use crate::pages::shell::Shell;

/// `GET /bulletins?state=&before=`.
#[derive(Clone, Debug, Template)]
#[template(path = "bulletins.html")]
pub struct BulletinsPage {
    /// Surroundings.
    pub shell: Shell,
    /// Filters as asked for.
    pub filter: BulletinFilter,
    /// This page's bulletins, latest begun first.
    pub rows: Vec<BulletinRow>,
    /// Paging.
    pub pager: Pager,
}

/// Filters of the list of bulletins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulletinFilter {
    /// One state only.
    pub state: Option<BulletinState>,
}

impl BulletinFilter {
    /// Whether anything is filtered out.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// A bulletin in the list.
#[derive(Clone, Debug)]
pub struct BulletinRow {
    /// Bulletin.
    pub id: String,
    /// Its title.
    pub title: String,
    /// State of its latest revision.
    pub state: BulletinState,
    /// Its class.
    pub class: Class,
    /// Name of its category.
    pub category: String,
    /// Names of its tracks' languages.
    pub languages: Vec<String>,
    /// Latest revision, from 1.
    pub revision: u32,
    /// Who wrote it.
    pub author: String,
    /// Last change.
    pub updated_at: Moment,
}
