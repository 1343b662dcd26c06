//! The language of the product's words for one request.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, request::Parts};
use axum_extra::extract::CookieJar;

use crate::domain::message::UiLanguage;

/// Name of the cookie that keeps a chosen language: `vi` or `en`.
pub(crate) const LANGUAGE_COOKIE: &str = "lang";

/// The reader's language: the cookie `lang`, else the browser's `Accept-Language`, else Vietnamese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLanguage(pub UiLanguage);

impl ReaderLanguage {
    /// From a request's headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let chosen = CookieJar::from_headers(headers);
        let chosen = chosen.get(LANGUAGE_COOKIE).and_then(|cookie| UiLanguage::from_tag(cookie.value()));
        let accepted = || {
            let header = headers.get(ACCEPT_LANGUAGE).and_then(|h| h.to_str().ok());
            header.map(UiLanguage::from_accept_language).unwrap_or_default()
        };
        Self(chosen.unwrap_or_else(accepted))
    }
}

impl<S: Sync> FromRequestParts<S> for ReaderLanguage {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}
