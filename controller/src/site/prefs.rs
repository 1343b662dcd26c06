//! Language and theme: cookies, no account.

use axum::extract::State;
use axum::http::HeaderValue;

use super::Site;
use super::answer::{Answer, done};
use super::fields::{Posted, local_path};
use super::reader::{THEME, cookie};
use crate::http::LANGUAGE_COOKIE;
use crate::pages::{Lang, Theme};

/// A year.
const KEPT_S: u64 = 365 * 24 * 3600;

/// `POST /language`.
pub(super) async fn language(State(site): State<Site>, Posted(form): Posted) -> Answer {
    let lang = Lang::from_code(form.one("lang")).unwrap_or_default();
    done(local_path(form.one("next")), kept(&site, LANGUAGE_COOKIE, lang.code()))
}

/// `POST /theme`.
pub(super) async fn theme(State(site): State<Site>, Posted(form): Posted) -> Answer {
    let theme = Theme::from_code(form.one("theme")).unwrap_or_default();
    done(local_path(form.one("next")), kept(&site, THEME, theme.code()))
}

fn kept(site: &Site, name: &str, value: &str) -> HeaderValue {
    cookie(name, value, KEPT_S, site.app.web.secure_cookies)
}
