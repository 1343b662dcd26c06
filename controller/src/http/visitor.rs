//! Who makes a request.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;

use super::cookies::session_token;
use super::{AppState, HttpError, WebSettings};
use crate::auth::token::Token;
use crate::services::{Origin, Visit};

/// Header with the session's token against cross-site requests.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Where a request comes from, for throttles, sessions and the audit log.
#[derive(Debug, Clone)]
pub struct Caller(pub Origin);

impl FromRequestParts<AppState> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self(origin(parts, &state.web)))
    }
}

fn origin(parts: &Parts, web: &WebSettings) -> Origin {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
    // Each proxy adds to the end: the last entry is what the one in front of us saw, the others anybody may write.
    let forwarded = || {
        let header = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        header.rsplit(',').next().map(|address| address.trim().chars().take(64).collect::<String>())
    };
    let address = if web.behind_proxy { forwarded().or(peer) } else { peer };
    let user_agent = parts.headers.get(USER_AGENT).and_then(|h| h.to_str().ok()).map(str::to_owned);
    Origin { address, user_agent }
}

/// A signed-in person calling the API. A request that changes something must carry the session's token in the header
/// `x-csrf-token`: another site cannot read it.
#[derive(Debug, Clone)]
pub struct Visitor(pub Visit);

impl FromRequestParts<AppState> for Visitor {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, HttpError> {
        let visit = visit(parts, state).await?;
        if !parts.method.is_safe() && !has_csrf_token(&parts.headers, &visit.token) {
            return Err(HttpError::CrossSite);
        }
        Ok(Self(visit))
    }
}

fn has_csrf_token(headers: &HeaderMap, token: &Token) -> bool {
    headers.get(CSRF_HEADER).and_then(|h| h.to_str().ok()).is_some_and(|text| token.csrf_matches(text))
}

/// The visit of a request, whatever its method. Handlers of forms check the hidden field `csrf` themselves.
///
/// # Errors
/// As [`crate::services::Sessions::visit`]; without cookie nobody is signed in.
pub(crate) async fn visit(parts: &Parts, state: &AppState) -> Result<Visit, HttpError> {
    let origin = origin(parts, &state.web);
    // Without cookie the answer is that of a session that is over.
    let token = session_token(&parts.headers, &state.web).unwrap_or_else(|| Token::presented(""));
    Ok(state.services.sessions.visit(&token, &origin).await?)
}
