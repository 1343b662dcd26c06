//! People and their roles.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{GrantWire, instant};
use crate::domain::role::{ClassSet, Grant, Role};
use crate::domain::user::User;
use crate::http::query::{Asked, Body, Named, field, id, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{Thing, UserDraft, UserView};

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserWire {
    id: String,
    name: String,
    display_name: String,
    /// Id of the area whose administrators look after them; absent: those of the whole installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    home: Option<String>,
    has_passphrase: bool,
    /// Since when they may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<String>,
    created: String,
    grants: Vec<GrantWire>,
}

impl UserWire {
    fn of(user: &User, grants: &[Grant]) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.login.clone(),
            display_name: user.display_name.clone(),
            home: user.home.area_id().map(ToString::to_string),
            has_passphrase: user.has_passphrase,
            disabled: user.disabled.map(instant),
            created: instant(user.created),
            grants: grants.iter().map(GrantWire::from).collect(),
        }
    }
}

impl From<&UserView> for UserWire {
    fn from(view: &UserView) -> Self {
        Self::of(&view.user, &view.grants)
    }
}

/// The people whom one administers
#[utoipa::path(get, path = "/users", tag = "users", security(("session" = [])), responses((status = 200, body = Vec<UserWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<Vec<UserWire>>, HttpError> {
    let users = state.services.users.list(&visit.principal).await?;
    Ok(Json(users.iter().map(UserWire::from).collect()))
}

/// A person as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct UserForm {
    /// The name by which they will sign in.
    name: String,
    display_name: String,
    /// Id of the area whose administrators look after them; absent: those of the whole installation.
    home: Option<String>,
}

/// Enter a person without roles and without passphrase
#[utoipa::path(post, path = "/users", tag = "users", security(("session" = [])), request_body = UserForm, responses((status = 201, body = UserWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<UserForm>,
) -> Result<(StatusCode, Json<UserWire>), HttpError> {
    let home = field("home", form.home.as_deref())?;
    let draft = UserDraft { login: form.name, display_name: form.display_name, home };
    let user = state.services.users.create(&visit.principal, &draft).await?;
    Ok((StatusCode::CREATED, Json(UserWire::of(&user, &[]))))
}

/// One person
#[utoipa::path(get, path = "/users/{id}", tag = "users", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = UserWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
) -> Result<Json<UserWire>, HttpError> {
    let view = state.services.users.get(&visit.principal, &id(&user, Thing::User)?).await?;
    Ok(Json(UserWire::from(&view)))
}

/// A person's own name.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NameForm {
    display_name: String,
}

/// Change a person's own name
#[utoipa::path(put, path = "/users/{id}", tag = "users", security(("session" = [])), params(("id" = String, Path)), request_body = NameForm, responses((status = 200, body = UserWire)))]
pub(super) async fn rename(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
    Body(form): Body<NameForm>,
) -> Result<Json<UserWire>, HttpError> {
    let user = id(&user, Thing::User)?;
    let view = state.services.users.rename(&visit.principal, &user, &form.display_name).await?;
    Ok(Json(UserWire::from(&view)))
}

/// A role to give.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct GrantForm {
    /// `author`, `approver`, `technician` or `admin`.
    role: String,
    /// Id of the area; absent: the whole installation.
    area: Option<String>,
    /// Classes of bulletins; absent: normal and priority.
    classes: Option<Vec<String>>,
}

/// Give a person a role; one of the same role and place gets these classes instead
#[utoipa::path(post, path = "/users/{id}/grants", tag = "users", security(("session" = [])), params(("id" = String, Path)), request_body = GrantForm, responses((status = 200, body = UserWire)))]
pub(super) async fn grant(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
    Body(form): Body<GrantForm>,
) -> Result<Json<UserWire>, HttpError> {
    let user = id(&user, Thing::User)?;
    let role: Role = required("role", &form.role)?;
    let area: Option<AreaId> = field("area", form.area.as_deref())?;
    let classes = match &form.classes {
        None => ClassSet::of([Class::Normal, Class::Priority]),
        Some(words) => {
            let classes = words.iter().map(|word| required::<Class>("classes", word));
            ClassSet::of(classes.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let view = state.services.users.grant(&visit.principal, &user, role, area.as_ref(), classes).await?;
    Ok(Json(UserWire::from(&view)))
}

/// Which role to take.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantNamed {
    /// `author`, `approver`, `technician` or `admin`.
    role: String,
    /// Id of the area; absent: the whole installation.
    area: Option<String>,
}

/// Take a role away
#[utoipa::path(delete, path = "/users/{id}/grants", tag = "users", security(("session" = [])), params(("id" = String, Path), GrantNamed), responses((status = 200, body = UserWire)))]
pub(super) async fn ungrant(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
    Asked(named): Asked<GrantNamed>,
) -> Result<Json<UserWire>, HttpError> {
    let user = id(&user, Thing::User)?;
    let role: Role = required("role", &named.role)?;
    let area: Option<AreaId> = field("area", named.area.as_deref())?;
    let view = state.services.users.ungrant(&visit.principal, &user, role, area.as_ref()).await?;
    Ok(Json(UserWire::from(&view)))
}

/// Whether a person may sign in.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct DisabledForm {
    disabled: bool,
}

/// Let a person sign in, or not any more: then all their sessions end
#[utoipa::path(put, path = "/users/{id}/disabled", tag = "users", security(("session" = [])), params(("id" = String, Path)), request_body = DisabledForm, responses((status = 204)))]
pub(super) async fn set_disabled(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
    Body(form): Body<DisabledForm>,
) -> Result<StatusCode, HttpError> {
    let user = id(&user, Thing::User)?;
    state.services.users.set_disabled(&visit.principal, &user, form.disabled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A one-time sign-in link. It is shown once and kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkWire {
    /// The link to hand to the person.
    url: String,
    /// Its secret alone, for `POST /api/v1/session/link`.
    token: String,
}

/// Make a link by which the person signs in once; an earlier one stops working
#[utoipa::path(post, path = "/users/{id}/sign-in-link", tag = "users", security(("session" = [])), params(("id" = String, Path)), responses((status = 201, body = LinkWire)))]
pub(super) async fn issue_link(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
) -> Result<(StatusCode, Json<LinkWire>), HttpError> {
    let token = state.services.users.issue_sign_in_link(&visit.principal, &id(&user, Thing::User)?).await?;
    let token = token.reveal().to_owned();
    let url = format!("{}/welcome/{token}", state.web.base_url);
    Ok((StatusCode::CREATED, Json(LinkWire { url, token })))
}

/// End all sessions of a person
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", security(("session" = [])), params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn revoke_sessions(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(user): Named<String>,
) -> Result<StatusCode, HttpError> {
    state.services.sessions.revoke_all(&visit.principal, &id(&user, Thing::User)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
