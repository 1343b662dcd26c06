//! Signing in and out, and the landing of a one-time link.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::answer::{Answer, page, refused};
use super::fields::{Asked, Fields, Posted, local_path};
use super::reader::{Guest, Me, Reader};
use super::{Site, account, flash, shell, words};
use crate::auth::token::Token;
use crate::domain::user::{PASSPHRASE_MIN_CHARS, User, check_passphrase};
use crate::http::{forget_cookie, session_cookie};
use crate::pages::views::{SignInForm, SignInPage, WelcomeLink, WelcomePage};
use crate::pages::{Errors, Msg, Rendered, msg};
use crate::services::{ServiceError, SignedIn};

/// `GET /sign-in`.
pub(super) async fn sign_in_page(
    State(site): State<Site>,
    Guest(reader): Guest,
    Asked(asked): Asked,
) -> Answer {
    let next = local_path(asked.one("next"));
    if reader.visit.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let form = SignInForm { next: next.to_owned(), ..SignInForm::default() };
    page(SignInPage { shell: shell::outside(&site, &reader), form })
}

/// `POST /sign-in`.
pub(super) async fn sign_in(State(site): State<Site>, Guest(reader): Guest, Posted(form): Posted) -> Answer {
    let (login, next) = (form.text("login"), local_path(form.one("next")));
    let mut errors = Errors::none();
    for field in ["login", "passphrase"] {
        if form.one(field).trim().is_empty() {
            errors.put(field, Msg::new(msg::REQUIRED));
        }
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let mut retry_after_s = None;
    if errors.is_empty() {
        match site.app.services.sessions.sign_in(&login, form.one("passphrase"), &reader.origin).await {
            Ok(signed_in) => return Ok(entered(&site, &signed_in, next, None)),
            Err(refusal @ (ServiceError::Unauthenticated(_) | ServiceError::Throttled { .. })) => {
                errors.put("", words::msg(&refusal.message()));
                if let ServiceError::Throttled { retry_after_ms } = refusal {
                    status = StatusCode::TOO_MANY_REQUESTS;
                    retry_after_s = Some((retry_after_ms + 999) / 1000);
                }
            }
            Err(other) => return Err(other.into()),
        }
    }
    let form = SignInForm { login, next: next.to_owned(), errors };
    let page = SignInPage { shell: shell::outside(&site, &reader), form };
    let mut response = Rendered(status, page).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// `POST /sign-out`.
pub(super) async fn sign_out(State(site): State<Site>, me: Me, Posted(_): Posted) -> Answer {
    site.app.services.sessions.sign_out(&me.visit).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    let cookies = [forget_cookie(&site.app.web), flash::plain(msg::SIGNED_OUT, site.app.web.secure_cookies)];
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `GET /welcome/{token}`: uses nothing up.
pub(super) async fn welcome_page(
    State(site): State<Site>,
    Guest(reader): Guest,
    Path(token): Path<String>,
) -> Answer {
    let link = Token::presented(token);
    let shell = shell::outside(&site, &reader);
    match offer(&site, &link, Errors::none()).await? {
        Some((_, link)) => page(WelcomePage { shell, link }),
        None => Ok(gone(&site, &reader)),
    }
}

/// `POST /welcome/{token}`: uses the link up, once the passphrase is good.
pub(super) async fn welcome(
    State(site): State<Site>,
    Guest(reader): Guest,
    Path(token): Path<String>,
    Posted(form): Posted,
) -> Answer {
    let link = Token::presented(token);
    let services = &site.app.services;
    let Some((user, _)) = offer(&site, &link, Errors::none()).await? else { return Ok(gone(&site, &reader)) };
    let passphrase = form.one("passphrase");
    if !user.has_passphrase {
        let errors = check(&user, &form);
        if !errors.is_empty() {
            let Some((_, link)) = offer(&site, &link, errors).await? else { return Ok(gone(&site, &reader)) };
            return refused(WelcomePage { shell: shell::outside(&site, &reader), link });
        }
    }
    let signed_in = match services.sessions.sign_in_by_link(&link, &reader.origin).await {
        Ok(signed_in) => signed_in,
        Err(ServiceError::Unauthenticated(_)) => return Ok(gone(&site, &reader)),
        Err(other) => return Err(other.into()),
    };
    if !user.has_passphrase {
        let visit = services.sessions.visit(&signed_in.token, &reader.origin).await?;
        services.sessions.set_passphrase(&visit, "", passphrase).await?;
    }
    // Whoever has a passphrase and comes by a link has probably lost it: the page where a fresh one can be set.
    let next = if user.has_passphrase { account::PATH } else { "/" };
    Ok(entered(&site, &signed_in, next, Some(msg::WELCOME)))
}

/// Whom the link signs in, and what its page shows; nothing for one that is used, over or unknown.
async fn offer(
    site: &Site,
    link: &Token,
    errors: Errors,
) -> Result<Option<(User, WelcomeLink)>, ServiceError> {
    let Some((user, expires)) = site.app.services.sessions.link_holder(link).await? else { return Ok(None) };
    let shown = WelcomeLink::Valid {
        token: link.reveal().to_owned(),
        display_name: user.display_name.clone(),
        login: user.login.clone(),
        expires_at: words::moment(expires, site.app.services.zone()),
        sets_passphrase: !user.has_passphrase,
        min_length: PASSPHRASE_MIN_CHARS,
        errors,
    };
    Ok(Some((user, shown)))
}

/// The errors of a passphrase that is typed twice.
pub(super) fn check(user: &User, form: &Fields) -> Errors {
    let mut errors = Errors::none();
    if let Err(message) = check_passphrase(form.one("passphrase"), &user.login) {
        errors.put("passphrase", words::msg(&message));
    } else if form.one("passphrase") != form.one("passphrase_again") {
        errors.put("passphrase_again", Msg::new(msg::PASSPHRASE_DIFFERS));
    }
    errors
}

fn gone(site: &Site, reader: &Reader) -> Response {
    let page = WelcomePage { shell: shell::outside(site, reader), link: WelcomeLink::Gone };
    Rendered(StatusCode::GONE, page).into_response()
}

fn entered(site: &Site, signed_in: &SignedIn, next: &str, outcome: Option<&'static str>) -> Response {
    let mut response = Redirect::to(next).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, session_cookie(&signed_in.token, &site.app.web));
    if let Some(key) = outcome {
        headers.append(header::SET_COOKIE, flash::plain(key, site.app.web.secure_cookies));
    }
    response
}
