//! Who reads: language, theme, session, and what surrounds every page's request.
//!
//! Before anybody has signed in there is no session to bind a form's token to. The *door* takes its place: a cookie with
//! a random secret, from which the hidden field is made in the same way. So nobody can be signed in to another's account
//! by a form on another site.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use loa_protocol::time::UnixMs;

use super::fields::{address, local_path};
use super::{Site, answer, flash};
use crate::auth::token::Token;
use crate::domain::message::{Message, UiLanguage};
use crate::domain::role::Principal;
use crate::http::{Caller, HttpError, REQUEST_ID, ReaderLanguage, visit};
use crate::pages::{Flash, Lang, Theme};
use crate::services::{Origin, ServiceError, Visit};

/// Cookie of the door.
const DOOR: &str = "door";
/// Cookie of the theme.
pub(super) const THEME: &str = "theme";

/// Whoever made the request, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Language of the page.
    pub(super) lang: Lang,
    /// Light or dark.
    pub(super) theme: Theme,
    /// The session, if there is one that holds.
    pub(super) visit: Option<Visit>,
    /// Where the request comes from.
    pub(super) origin: Origin,
    /// The door's secret.
    door: Token,
    /// Path and query of a GET; `/` for what no address leads back to.
    pub(super) path: String,
    /// Outcome of the last form.
    pub(super) flash: Option<Flash>,
    /// The time of the request.
    pub(super) now: UnixMs,
    /// The request's id, as the log has it.
    pub(super) request_id: Option<String>,
    /// Whether the browser says that the request was made by a page of this site, or says nothing.
    pub(super) from_here: bool,
}

impl Reader {
    /// The reader of a request that went through [`surround`].
    pub(super) fn of(extensions: &Extensions) -> Result<Arc<Self>, HttpError> {
        extensions.get::<Arc<Self>>().cloned().ok_or_else(|| {
            let message = Message::fixed("internal", "Hệ thống gặp lỗi.", "Something failed here.");
            HttpError::Unreadable { status: StatusCode::INTERNAL_SERVER_ERROR, message }
        })
    }

    /// The token for the hidden field `csrf` of every form.
    pub(super) fn token(&self) -> String {
        self.secret().csrf()
    }

    /// Whether a form's `csrf` is the right one.
    pub(super) fn token_matches(&self, presented: &str) -> bool {
        self.secret().csrf_matches(presented)
    }

    fn secret(&self) -> &Token {
        self.visit.as_ref().map_or(&self.door, |visit| &visit.token)
    }
}

/// Whoever made the request; for pages that need nobody signed in.
pub(super) struct Guest(pub(super) Arc<Reader>);

impl<S: Sync> FromRequestParts<S> for Guest {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        Reader::of(&parts.extensions).map(Self)
    }
}

/// The person who is signed in. Anybody else is led to the door.
#[derive(Debug, Clone)]
pub(super) struct Me {
    /// All about the request.
    pub(super) reader: Arc<Reader>,
    /// The session.
    pub(super) visit: Visit,
}

impl Me {
    /// Who, with all rights of this moment.
    pub(super) fn who(&self) -> &Principal {
        &self.visit.principal
    }

    /// Their language.
    pub(super) fn lang(&self) -> Lang {
        self.reader.lang
    }
}

impl<S: Sync> FromRequestParts<S> for Me {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let reader = Reader::of(&parts.extensions).map_err(IntoResponse::into_response)?;
        match reader.visit.clone() {
            Some(visit) => Ok(Self { reader, visit }),
            None => Err(to_the_door(&parts.headers, &reader.path)),
        }
    }
}

/// Leads to the sign-in page, and afterwards back to `path`.
fn to_the_door(headers: &HeaderMap, path: &str) -> Response {
    if headers.contains_key("hx-request") {
        // A part of a page must not become the sign-in page, and whoever is typing must not be led away from the text.
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") {
        // A browser follows a redirect and then tries again for ever; this tells it to stop.
        return StatusCode::NO_CONTENT.into_response();
    }
    let door = address("/sign-in", &[("next", if path == "/" { "" } else { path })]);
    Redirect::to(&door).into_response()
}

/// Finds out who reads, and turns refusals into pages in their language.
pub(super) async fn surround(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let cookies = CookieJar::from_headers(&parts.headers);
    let Ok(Caller(origin)) = Caller::from_request_parts(&mut parts, &site.app).await;
    let (visit, failed) = match visit(&parts, &site.app).await {
        Ok(visit) => (Some(visit), None),
        Err(HttpError::Service(ServiceError::Unauthenticated(_))) => (None, None),
        Err(error) => (None, Some(error)),
    };
    let door = cookies.get(DOOR).map(|cookie| cookie.value()).filter(|value| value.len() == 43);
    let fresh_door = visit.is_none() && door.is_none();
    let door = match door.map_or_else(Token::fresh, |value| Ok(Token::presented(value))) {
        Ok(door) => door,
        Err(error) => return HttpError::from(ServiceError::from(error)).into_response(),
    };
    let ReaderLanguage(language) = ReaderLanguage::of(&parts.headers);
    let is_get = parts.method == Method::GET;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let reader = Arc::new(Reader {
        lang: match language {
            UiLanguage::Vietnamese => Lang::Vi,
            UiLanguage::English => Lang::En,
        },
        theme: cookies.get(THEME).and_then(|cookie| Theme::from_code(cookie.value())).unwrap_or_default(),
        visit,
        origin,
        door,
        path: if is_get { local_path(path).to_owned() } else { "/".to_owned() },
        flash: cookies.get(flash::COOKIE).and_then(|cookie| flash::read(cookie.value())),
        now: site.app.services.clock().now(),
        request_id: parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned),
        from_here: from_here(&parts.headers),
    });
    let is_api = parts.uri.path().starts_with("/api/");
    parts.extensions.insert(Arc::clone(&reader));
    let response = match failed {
        Some(error) => error.into_response(),
        None => next.run(Request::from_parts(parts, body)).await,
    };
    // An address of the API that does not exist keeps the API's form of refusal.
    let mut response = if is_api { response } else { answer::explain(&site, &reader, response).await };
    let secure = site.app.web.secure_cookies;
    if fresh_door {
        let door = cookie(DOOR, reader.door.reveal(), 24 * 3600, secure);
        response.headers_mut().append(header::SET_COOKIE, door);
    }
    let shown = is_get && !response.status().is_redirection() && is_html(response.headers());
    if reader.flash.is_some() && shown {
        response.headers_mut().append(header::SET_COOKIE, cookie(flash::COOKIE, "", 0, secure));
    }
    response
}

/// Whether a page of this site made the request, as far as the browser tells.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, origin)| origin == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// A cookie of the pages' own: out of reach of scripts, not sent with requests that other sites make. The value is plain
/// text without `;`.
pub(super) fn cookie(name: &str, value: &str, max_age_s: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_request_of_another_site_is_told_by_its_headers() {
        for (pairs, expected) in [
            (&[][..], true),
            (&[("origin", "http://loa.example"), ("host", "loa.example")], true),
            (&[("origin", "http://a.example"), ("host", "loa.example")], false),
            (&[("origin", "null"), ("host", "loa.example")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-origin"), ("host", "loa.example")], true),
        ] {
            assert_eq!(from_here(&headers(pairs)), expected, "{pairs:?}");
        }
    }
}
