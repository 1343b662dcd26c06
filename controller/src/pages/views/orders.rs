//! Orders that silence: giving one, and who has answered.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::format::Moment;
use crate::pages::shell::Shell;

/// `GET /orders?bulletin=`, and the answer (422) to a refused order. Live topic `orders`.
#[derive(Clone, Debug, Template)]
#[template(path = "orders.html")]
pub struct OrdersPage {
    /// Surroundings.
    pub shell: Shell,
    /// The form, for whoever may give orders.
    pub form: Option<OrderForm>,
    /// The latest orders, latest first.
    pub orders: Vec<OrderCard>,
}

/// Fields `order`, `reason` and, of an area, `area`; of one emergency `bulletin` and `correction`. Posted to `/orders`.
#[derive(Clone, Debug, Default)]
pub struct OrderForm {
    /// The emergency that is to end; `None`: an area is to be silenced.
    pub emergency: Option<Emergency>,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// Chosen area.
    pub area: String,
    /// Reason as typed.
    pub reason: String,
    /// Errors of `area`, `reason`, `correction`.
    pub errors: Errors,
}

/// An emergency that is to end.
#[derive(Clone, Debug, Default)]
pub struct Emergency {
    /// Bulletin.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Approved emergencies that may be said in its place.
    pub corrections: Vec<Choice>,
    /// The one chosen; empty for none.
    pub correction: String,
}

/// An order that was given.
#[derive(Clone, Debug)]
pub struct OrderCard {
    /// Key of what was ordered.
    pub kind: &'static str,
    /// The bulletin that was to end, and its title.
    pub bulletin: Option<(String, String)>,
    /// Name of the area.
    pub area: String,
    /// Why.
    pub reason: String,
    /// When.
    pub given_at: Moment,
    /// By whom.
    pub given_by: String,
    /// Whether it has gone out.
    pub sent: bool,
    /// Whether its minute is over.
    pub over: bool,
    /// Nodes that have said that they obeyed.
    pub answered: usize,
    /// Nodes that it is for.
    pub nodes: usize,
    /// Names of those that have not answered.
    pub silent: Vec<String>,
    /// Emergencies that are in force all the same: id and title.
    pub still: Vec<(String, String)>,
}
