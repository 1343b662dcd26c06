//! Signing in and out.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use loa_protocol::time::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{GrantWire, instant};
use crate::auth::token::Token;
use crate::domain::user::Session;
use crate::http::cookies::{forget_cookie, session_cookie};
use crate::http::query::{Body, Named, id};
use crate::http::{AppState, Caller, HttpError, Visitor};
use crate::services::{SignedIn, Thing, Visit};

/// Name and passphrase.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SignIn {
    name: String,
    passphrase: String,
}

/// The secret of a one-time link.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SignInByLink {
    token: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    id: String,
    name: String,
    display_name: String,
    /// Whether a passphrase is set; one who came by a link may have none.
    has_passphrase: bool,
    /// Until when `PUT /session/passphrase` takes a fresh one without the present one: for a short time in a session that
    /// a one-time link opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase_free_until: Option<String>,
    grants: Vec<GrantWire>,
    /// Send it as header `x-csrf-token` with every request that changes something.
    csrf: String,
    session: SessionWire,
}

impl Me {
    fn of(visit: &Visit, now: UnixMs) -> Self {
        Self {
            id: visit.user.id.to_string(),
            name: visit.user.login.clone(),
            display_name: visit.user.display_name.clone(),
            has_passphrase: visit.user.has_passphrase,
            passphrase_free_until: visit.session.sets_passphrase_until(now).map(instant),
            grants: visit.principal.grants.iter().map(GrantWire::from).collect(),
            csrf: visit.token.csrf(),
            session: SessionWire::of(&visit.session, visit),
        }
    }
}

/// A signed-in browser.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionWire {
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    created: String,
    seen: String,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

impl SessionWire {
    fn of(session: &Session, visit: &Visit) -> Self {
        Self {
            id: session.id.to_string(),
            current: session.id == visit.session.id,
            created: instant(session.created),
            seen: instant(session.seen),
            expires: instant(session.expires),
            address: session.address.clone(),
            user_agent: session.user_agent.clone(),
        }
    }
}

/// Sign in with name and passphrase
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn, responses((status = 201, body = Me)))]
pub(super) async fn sign_in(
    State(state): State<AppState>,
    Caller(origin): Caller,
    Body(body): Body<SignIn>,
) -> Result<Response, HttpError> {
    let signed_in = state.services.sessions.sign_in(&body.name, &body.passphrase, &origin).await?;
    welcome(&state, signed_in, &origin).await
}

/// Sign in with a one-time link, which is used up
#[utoipa::path(post, path = "/session/link", tag = "session", request_body = SignInByLink, responses((status = 201, body = Me)))]
pub(super) async fn sign_in_by_link(
    State(state): State<AppState>,
    Caller(origin): Caller,
    Body(body): Body<SignInByLink>,
) -> Result<Response, HttpError> {
    let token = Token::presented(body.token.trim());
    let signed_in = state.services.sessions.sign_in_by_link(&token, &origin).await?;
    welcome(&state, signed_in, &origin).await
}

async fn welcome(
    state: &AppState,
    signed_in: SignedIn,
    origin: &crate::services::Origin,
) -> Result<Response, HttpError> {
    let visit = state.services.sessions.visit(&signed_in.token, origin).await?;
    let cookie = session_cookie(&signed_in.token, &state.web);
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        Json(Me::of(&visit, state.services.clock().now())),
    )
        .into_response())
}

/// Who is signed in
#[utoipa::path(get, path = "/session", tag = "session", security(("session" = [])), responses((status = 200, body = Me)))]
pub(super) async fn me(State(state): State<AppState>, Visitor(visit): Visitor) -> Json<Me> {
    Json(Me::of(&visit, state.services.clock().now()))
}

/// Sign out
#[utoipa::path(delete, path = "/session", tag = "session", security(("session" = [])), responses((status = 204)))]
pub(super) async fn sign_out(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Response, HttpError> {
    state.services.sessions.sign_out(&visit).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, forget_cookie(&state.web))]).into_response())
}

/// The present passphrase and the one to have.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SetPassphrase {
    /// Empty for who has none yet, and until `passphrase_free_until` of `GET /session`.
    #[serde(default)]
    current: String,
    passphrase: String,
}

/// Set one's own passphrase; all other sessions end
#[utoipa::path(put, path = "/session/passphrase", tag = "session", security(("session" = [])), request_body = SetPassphrase, responses((status = 204)))]
pub(super) async fn set_passphrase(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(body): Body<SetPassphrase>,
) -> Result<StatusCode, HttpError> {
    state.services.sessions.set_passphrase(&visit, &body.current, &body.passphrase).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own sessions
#[utoipa::path(get, path = "/sessions", tag = "session", security(("session" = [])), responses((status = 200, body = Vec<SessionWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<Vec<SessionWire>>, HttpError> {
    let sessions = state.services.sessions.list(&visit).await?;
    Ok(Json(sessions.iter().map(|session| SessionWire::of(session, &visit)).collect()))
}

/// End one of one's own sessions
#[utoipa::path(delete, path = "/sessions/{id}", tag = "session", security(("session" = [])), params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(session): Named<String>,
) -> Result<StatusCode, HttpError> {
    state.services.sessions.revoke(&visit, &id(&session, Thing::Session)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
