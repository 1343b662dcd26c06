//! What a form or an address says: names and values, as they came. A missing field is an empty text or nothing ticked,
//! never an error, so that a form without script gets its answer in words.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::Site;
use super::reader::Reader;
use crate::domain::message::Message;
use crate::http::HttpError;

/// Names and values in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2`; what is no UTF-8 is replaced.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of a name, empty when there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The first value of a name as an own text.
    pub(super) fn text(&self, name: &str) -> String {
        self.one(name).to_owned()
    }

    /// All values of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
    }

    /// Adds a value.
    pub(super) fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Bytes of all names and values.
    pub(super) fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The query of the address.
pub(super) struct Asked(pub(super) Fields);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// A form that carries the right token against cross-site requests.
pub(super) struct Posted(pub(super) Fields);

impl FromRequest<Site> for Posted {
    type Rejection = HttpError;

    async fn from_request(request: Request, site: &Site) -> Result<Self, HttpError> {
        let reader = Reader::of(request.extensions())?;
        let Unchecked(fields) = Unchecked::from_request(request, site).await?;
        if reader.token_matches(fields.one("csrf")) { Ok(Self(fields)) } else { Err(HttpError::CrossSite) }
    }
}

/// A form whose token the handler checks itself, before it does anything else.
pub(super) struct Unchecked(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for Unchecked {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        Ok(Self(Fields::parse(&body)))
    }
}

fn unreadable(rejection: BytesRejection) -> HttpError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = Message::written(
            "form.too_large",
            format!("Biểu mẫu lớn hơn {} MB.", super::FORM_MAX_BYTES / (1024 * 1024)),
            format!("The form is larger than {} MB.", super::FORM_MAX_BYTES / (1024 * 1024)),
        );
        return HttpError::Unreadable { status: StatusCode::PAYLOAD_TOO_LARGE, message };
    }
    HttpError::unreadable(rejection.status(), &rejection.body_text())
}

/// `path?a=1&b=2` of the values that are not empty.
pub(super) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        encoded.append_pair(name, value);
    }
    let encoded = encoded.finish();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{encoded}") }
}

/// A path of this site, or `/`. Nothing that a browser could take for another site's address (`//`, `/\`, a control
/// character) is one.
pub(super) fn local_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control)
        && next.len() <= 2_000;
    if local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_as_they_were_sent() {
        let fields = Fields::parse("day=mon&day=tue&title=M%E1%BA%A5t+%C4%91i%E1%BB%87n&empty=".as_bytes());
        assert_eq!(fields.all("day"), ["mon", "tue"]);
        assert_eq!(fields.one("title"), "Mất điện");
        assert_eq!((fields.one("empty"), fields.one("missing")), ("", ""));
    }

    #[test]
    fn only_paths_of_this_site_lead_anywhere() {
        for good in ["/", "/bulletins?q=a&page=2", "/nodes/cum-1"] {
            assert_eq!(local_path(good), good);
        }
        for bad in ["", "https://a.example", "//a.example", "/\\a.example", "/a\n", "javascript:1", "a/b"] {
            assert_eq!(local_path(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn addresses_leave_out_what_is_empty() {
        assert_eq!(address("/heard", &[("q", ""), ("page", "")]), "/heard");
        assert_eq!(
            address("/heard", &[("q", "mưa & gió"), ("page", "2")]),
            "/heard?q=m%C6%B0a+%26+gi%C3%B3&page=2"
        );
    }
}
