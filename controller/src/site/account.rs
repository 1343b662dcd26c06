//! One's own account: the passphrase, and the sessions in which one is signed in.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse as _;

use super::answer::{Answer, done, page as answer_page};
use super::fields::Posted;
use super::reader::Me;
use super::{Site, door, flash, shell, words};
use crate::domain::ids::SessionId;
use crate::domain::user::PASSPHRASE_MIN_CHARS;
use crate::http::HttpError;
use crate::pages::views::{AccountPage, SessionRow};
use crate::pages::{Errors, Nav, Rendered, msg};
use crate::services::{ServiceError, Thing};

/// Where the page is.
pub(super) const PATH: &str = "/account";

/// How browsers name themselves, the most telling first: most also name those that they descend from.
const BROWSERS: [(&str, &str); 9] = [
    ("coc_coc_browser/", "Cốc Cốc"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
/// The same for what they run on.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// `GET /account`.
pub(super) async fn page(State(site): State<Site>, me: Me) -> Answer {
    answer_page(view(&site, &me, Errors::none()).await?)
}

/// `POST /account/passphrase`.
pub(super) async fn passphrase(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let mut errors = door::check(&me.visit.user, &form);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let mut retry_after_s = None;
    if errors.is_empty() {
        let sessions = &site.app.services.sessions;
        match sessions.set_passphrase(&me.visit, form.one("current"), form.one("passphrase")).await {
            Ok(()) => return done(PATH, flash::plain(msg::PASSPHRASE_SET, site.app.web.secure_cookies)),
            Err(ServiceError::Invalid(found)) => {
                errors = words::errors(&found, |field| match field {
                    "current" => "current",
                    "passphrase" => "passphrase",
                    _ => "",
                });
            }
            Err(refusal @ ServiceError::Throttled { retry_after_ms }) => {
                errors.put("current", words::msg(&refusal.message()));
                status = StatusCode::TOO_MANY_REQUESTS;
                retry_after_s = Some((retry_after_ms + 999) / 1000);
            }
            Err(other) => return Err(other.into()),
        }
    }
    let mut response = Rendered(status, view(&site, &me, errors).await?).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// `POST /account/sessions/{id}/end`.
pub(super) async fn end(
    State(site): State<Site>,
    me: Me,
    Path(id): Path<String>,
    Posted(_): Posted,
) -> Answer {
    let id: SessionId = id.parse().map_err(|_| HttpError::from(ServiceError::NotFound(Thing::Session)))?;
    site.app.services.sessions.revoke(&me.visit, &id).await?;
    done(PATH, flash::plain(msg::SESSION_ENDED, site.app.web.secure_cookies))
}

async fn view(site: &Site, me: &Me, errors: Errors) -> Result<AccountPage, ServiceError> {
    let (places, mut shell) = shell::open(site, me, Nav::Account).await?;
    shell.path = PATH.to_owned();
    let sessions = site.app.services.sessions.list(&me.visit).await?;
    let now = me.reader.now;
    Ok(AccountPage {
        shell,
        login: me.visit.user.login.clone(),
        has_passphrase: me.visit.user.has_passphrase,
        by_link_until: me.visit.session.sets_passphrase_until(now).map(|until| places.here(until)),
        min_length: PASSPHRASE_MIN_CHARS,
        sessions: sessions
            .iter()
            .map(|session| SessionRow {
                id: session.id.to_string(),
                current: session.id == me.visit.session.id,
                device: device(session.user_agent.as_deref().unwrap_or_default()),
                address: session.address.clone(),
                begun_at: places.here(session.created),
                seen_at: places.here(session.seen),
            })
            .collect(),
        errors,
    })
}

/// Browser and system in a few words, as far as they are known; empty when neither is.
fn device(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let known: Vec<&str> = [find(&BROWSERS), find(&SYSTEMS)].into_iter().flatten().collect();
    known.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_what_they_call_themselves() {
        let blink = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, told) in [
            (format!("{blink} Chrome/131.0.0.0 Safari/537.36"), "Chrome · Windows"),
            (format!("{blink} Chrome/131.0.0.0 Safari/537.36 Edg/131.0"), "Edge · Windows"),
            (format!("{blink} coc_coc_browser/131.0 Chrome/131.0 Safari/537.36"), "Cốc Cốc · Windows"),
            (
                "Mozilla/5.0 (Linux; Android 14) Chrome/131 Mobile Safari/537.36".to_owned(),
                "Chrome · Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17 Safari/604".to_owned(),
                "Safari · iPhone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko Firefox/115.0".to_owned(), "Firefox · Linux"),
            ("curl/8.5".to_owned(), "curl"),
            (String::new(), ""),
        ] {
            assert_eq!(device(&user_agent), told, "{user_agent}");
        }
    }
}
