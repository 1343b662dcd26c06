//! The tree of areas.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors, Tick};
use crate::pages::shell::Shell;

/// `GET /areas`, and the answer (422) to a refused `POST /areas`.
#[derive(Clone, Debug, Template)]
#[template(path = "areas.html")]
pub struct AreasPage {
    /// Surroundings.
    pub shell: Shell,
    /// The areas, in tree order.
    pub rows: Vec<AreaRow>,
    /// The form that adds one; `None` when the user may not.
    pub form: Option<AreaForm>,
}

/// An area in the tree.
#[derive(Clone, Debug)]
pub struct AreaRow {
    /// Area.
    pub id: String,
    /// Name, such as `Xã Đưng K'Nớ`.
    pub name: String,
    /// Name of its level, such as `Xã`, `Thôn`.
    pub level: String,
    /// Depth, from 0.
    pub depth: usize,
    /// Nodes in it and below.
    pub nodes: usize,
    /// Of those, online.
    pub online: usize,
}

/// Fields `name`, `level`, `parent`, `languages` (a code, once for each ticked), `form_id`; posted to `/areas`.
#[derive(Clone, Debug, Default)]
pub struct AreaForm {
    /// Name as typed.
    pub name: String,
    /// Chosen level.
    pub level: String,
    /// Chosen parent area.
    pub parent: String,
    /// Languages spoken there; none ticked: those of the area above.
    pub languages: Vec<Tick>,
    /// Levels to choose from.
    pub levels: Vec<Choice>,
    /// Parents to choose from; the value of "none" is `-`, for who may add a root.
    pub parents: Vec<Choice>,
    /// A fresh id for each form shown; a second POST with the same id is the same area.
    pub form_id: String,
    /// Errors of `name`, `level`, `parent`, `languages`.
    pub errors: Errors,
}
