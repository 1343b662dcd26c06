//! The web server: the JSON API, and what surrounds every request.
//!
//! Handlers are thin: they read the request into a service's words, call it, and turn the answer into wire types. They
//! hold no rules. Every refusal is a [`HttpError`], and one layer turns it into words in the reader's language
//! ([`error`]), as RFC 9457 asks.
//!
//! From the outside in: request id, log line, panic to 500, security headers, words for errors, time limit, handler.

pub mod api;
mod cookies;
pub mod error;
mod language;
mod layers;
mod query;
mod state;
mod visitor;

use axum::Router;

pub use api::{PlanFileError, plan_file, preflight_json};
pub use error::HttpError;
pub use language::ReaderLanguage;
pub use layers::CONTENT_SECURITY_POLICY;
pub use state::{AppState, WebSettings};
pub use visitor::{Caller, Visitor};

// For the pages: one session, one cookie, one log of failures.
pub(crate) use cookies::{forget_cookie, session_cookie};
pub(crate) use error::{REQUEST_ID, chain};
pub(crate) use language::LANGUAGE_COOKIE;
pub(crate) use visitor::visit;

/// The whole web server's routes. `pages` are the other routes, already with their state.
pub fn router(state: AppState, pages: Router) -> Router {
    let api = api::router(&state);
    layers::around(Router::new().merge(api).merge(pages), &state)
}

#[cfg(test)]
pub(crate) mod tests;
