//! Users and their roles (admin).

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::format::Moment;
use crate::pages::labels::{AccountState, Role};
use crate::pages::shell::Shell;

/// `GET /users`, and the answer (422) to a refused `POST /users`.
#[derive(Clone, Debug, Template)]
#[template(path = "users.html")]
pub struct UsersPage {
    /// Surroundings.
    pub shell: Shell,
    /// Users, by name.
    pub rows: Vec<UserRow>,
    /// The form that adds one.
    pub form: UserForm,
}

/// A user.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// User.
    pub id: String,
    /// Sign-in name.
    pub name: String,
    /// Name shown.
    pub display_name: String,
    /// Where the account stands.
    pub state: AccountState,
    /// What they may do where.
    pub grants: Vec<GrantRow>,
    /// Last signed in.
    pub last_seen: Option<Moment>,
}

/// A role within an area.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Grant, for `POST /users/{id}/grants/{grant}/remove`.
    pub id: String,
    /// Role.
    pub role: Role,
    /// Name of the area; the role holds there and below.
    pub area: String,
    /// Whether it holds for emergencies too.
    pub emergency: bool,
}

/// Fields `name`, `display_name`, `role`, `area`, `emergency`; posted to `/users`.
#[derive(Clone, Debug, Default)]
pub struct UserForm {
    /// Sign-in name as typed.
    pub name: String,
    /// Name shown, as typed.
    pub display_name: String,
    /// Chosen role's code; empty at first, since no role is a default.
    pub role: String,
    /// Chosen area.
    pub area: String,
    /// Whether the role holds for emergencies too; never ticked for the user.
    pub emergency: bool,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// Errors of `name`, `display_name`, `role`, `area`.
    pub errors: Errors,
}

/// `GET /users/{id}`, the answer to a successful `POST /users` and `POST /users/{id}/link`, which alone
/// carries the link, and the answer (422) to a refused `POST /users/{id}/grants`.
#[derive(Clone, Debug, Template)]
#[template(path = "user.html")]
pub struct UserPage {
    /// Surroundings.
    pub shell: Shell,
    /// The user.
    pub user: UserRow,
    /// Whether it is the signed-in user, who can neither disable themselves nor take their own roles.
    pub is_self: bool,
    /// One-time link, only just issued; never shown again.
    pub link: Option<OneTimeLink>,
    /// The form that gives a role.
    pub form: GrantForm,
}

/// Fields `role`, `area`, `emergency`; posted to `/users/{id}/grants`.
#[derive(Clone, Debug, Default)]
pub struct GrantForm {
    /// Chosen role's code.
    pub role: String,
    /// Chosen area.
    pub area: String,
    /// Whether the role holds for emergencies too; never ticked for the user.
    pub emergency: bool,
    /// Areas to choose from.
    pub areas: Vec<Choice>,
    /// Errors of `role`, `area`.
    pub errors: Errors,
}

/// A one-time sign-in link.
#[derive(Clone, Debug)]
pub struct OneTimeLink {
    /// Whole address.
    pub href: String,
    /// When it expires.
    pub expires_at: Moment,
}
