//! The pages' handlers: they fill the views of [`crate::pages`] from [`crate::services`], take the forms, and feed the
//! live stream. What they answer to is written in [`crate::pages`].
//!
//! ```text
//! request ─ surround (who, which language, flash) ─> handler ─> services
//!                                                      │  └─ Err(HttpError) ─> surround ─> error page
//!                                                      └─ view ─> Rendered ─> HTML
//! ```
//!
//! # Invariants
//! - No rule is here: what is allowed is for the services to say, and asked again by each call. A view's flags decide
//!   only which buttons are shown.
//! - Every POST carries a token against cross-site requests: the session's, or before there is one, the door's
//!   (`reader::Reader::token`). A form without it is refused before anything is looked at.
//! - Session and cookie are those of [`crate::http`].
//! - Nothing that a visitor sends decides where they are sent: `next` is a path of this site or nothing.

mod account;
mod alerts;
mod answer;
mod area_calendars;
mod area_rules;
mod area_words;
mod areas;
mod audit;
mod bulletins;
mod door;
mod fields;
mod flash;
mod heard;
mod kept;
mod languages;
mod live;
mod nodes;
mod once;
mod orders;
mod pager;
mod places;
mod prefs;
mod program;
mod reader;
mod reading;
mod schedules;
mod shell;
mod speech_data;
mod today;
mod users;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Offered, SpeechConfig};
use crate::http::{AppState, HttpError};
use crate::pages::assets;

/// Longest form that is read, in bytes. A text of a megabyte, percent-encoded, still gets an answer that says what is
/// wrong with it.
const FORM_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What the pages need to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Voice of a synthesised track that names none.
    pub voice: String,
    /// The engines and their orders.
    pub speech: Arc<SpeechConfig>,
    /// The voices that authors choose from.
    pub offered: Vec<Offered>,
    /// What shows how a text of no area is read.
    pub normalizer: Arc<loa_speech::Normalizer>,
    /// Speed of the voice, for estimates.
    pub words_per_minute: u16,
    /// Longest text of one track, in characters.
    pub text_max_chars: usize,
    /// Cancelled when the server stops: live streams end.
    pub stop: CancellationToken,
}

impl Settings {
    /// From the configuration.
    pub fn new(config: &Config, stop: CancellationToken) -> Self {
        Self {
            voice: config.speech.voice.clone(),
            speech: Arc::new(config.speech.clone()),
            offered: config.speech.offered(),
            normalizer: Arc::new(loa_speech::Normalizer::new(config.speech.reading(), &Default::default())),
            words_per_minute: config.speech.words_per_minute,
            text_max_chars: config.limits.text_max_chars,
            stop,
        }
    }
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
struct Site {
    app: AppState,
    settings: Arc<Settings>,
    once: Arc<once::Once>,
    kept: Arc<kept::Kept>,
    streams: Arc<tokio::sync::Semaphore>,
}

/// The routes of the pages, of the live stream and of the assets, for [`crate::http::router`].
pub fn router(app: AppState, settings: Settings) -> Router {
    let site = Site {
        app,
        settings: Arc::new(settings),
        once: Arc::default(),
        kept: Arc::default(),
        streams: Arc::new(tokio::sync::Semaphore::new(live::STREAMS_MAX)),
    };
    let upload = post(bulletins::tracks::add).layer(DefaultBodyLimit::disable());
    let pages = Router::new()
        .route("/", get(today::page))
        .route("/sign-in", get(door::sign_in_page).post(door::sign_in))
        .route("/sign-out", post(door::sign_out))
        .route("/welcome/{token}", get(door::welcome_page).post(door::welcome))
        .route("/account", get(account::page))
        .route("/account/passphrase", post(account::passphrase))
        .route("/account/sessions/{id}/end", post(account::end))
        .route("/language", post(prefs::language))
        .route("/theme", post(prefs::theme))
        .route("/bulletins", get(bulletins::list::page).post(bulletins::form::create))
        .route("/bulletins/new", get(bulletins::form::new_page))
        .route("/bulletins/check", post(bulletins::check::answer))
        .route("/bulletins/check/words", post(bulletins::check::add_word))
        .route("/bulletins/{id}", get(bulletins::detail::page))
        .route("/bulletins/{id}/edit", get(bulletins::form::edit_page).post(bulletins::form::edit))
        .route("/bulletins/{id}/submit", post(bulletins::decide::submit))
        .route("/bulletins/{id}/approve", post(bulletins::decide::approve))
        .route("/bulletins/{id}/reject", post(bulletins::decide::reject))
        .route("/bulletins/{id}/withdraw", post(bulletins::decide::withdraw))
        .route("/bulletins/{id}/record", get(bulletins::record::page))
        .route("/bulletins/{id}/recordings/{upload}/consent", post(bulletins::record::note))
        .route("/bulletins/{id}/recordings/{upload}/consent/withdraw", post(bulletins::record::withdraw))
        .route("/bulletins/{id}/tracks", upload)
        .route("/bulletins/{id}/tracks/{track}/remove", post(bulletins::tracks::remove))
        .route("/bulletins/{id}/tracks/{track}/retry", post(bulletins::tracks::retry))
        .route("/schedules", get(schedules::list::page).post(schedules::form::create))
        .route("/schedules/new", get(schedules::form::page))
        .route("/schedules/preview", post(schedules::form::preview))
        .route("/schedules/{id}", get(schedules::preflight::page))
        .route("/schedules/{id}/cancel", post(schedules::list::cancel))
        .route("/areas", get(areas::page).post(areas::create))
        .route("/areas/{id}", get(areas::area_page).post(areas::change))
        .route("/areas/{id}/rules", post(area_rules::change))
        .route("/areas/{id}/calendars", get(area_calendars::page).post(area_calendars::put))
        .route("/areas/{id}/calendars/{calendar}/remove", post(area_calendars::remove))
        .route("/areas/{id}/words", get(area_words::page).post(area_words::put))
        .route("/areas/{id}/words/{word}/remove", post(area_words::remove))
        .route("/nodes", get(nodes::list::page).post(nodes::form::create))
        .route("/nodes/new", get(nodes::form::page))
        .route("/nodes/{id}", get(nodes::detail::page))
        .route("/nodes/{id}/token", post(nodes::form::token))
        .route("/nodes/{id}/revoke", get(nodes::form::revoke_page).post(nodes::form::revoke))
        .route("/orders", get(orders::page).post(orders::give))
        .route("/alerts", get(alerts::page).post(alerts::form::give))
        .route("/alerts/new", get(alerts::form::page))
        .route("/alerts/templates", post(alerts::prepare))
        .route("/alerts/{id}", get(alerts::detail))
        .route("/alerts/{id}/approve", post(alerts::approve))
        .route("/alerts/{id}/end", post(alerts::end))
        .route("/heard", get(heard::page))
        .route("/speech-data", get(speech_data::page).post(speech_data::start))
        .route("/users", get(users::page).post(users::create))
        .route("/users/{id}", get(users::user_page))
        .route("/users/{id}/link", post(users::link))
        .route("/users/{id}/grants", post(users::grant))
        .route("/users/{id}/grants/{grant}/remove", post(users::ungrant))
        .route("/users/{id}/disable", post(users::disable))
        .route("/users/{id}/enable", post(users::enable))
        .route("/audit", get(audit::page))
        .route("/live", get(live::stream))
        // Whatever else a browser asks for. The API's own addresses go before it.
        .route("/{*path}", any(nowhere))
        .method_not_allowed_fallback(|| async { HttpError::no_method() })
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(from_fn_with_state(site.clone(), reader::surround))
        .with_state(site);
    Router::new().merge(assets::assets()).merge(pages)
}

async fn nowhere() -> HttpError {
    HttpError::no_route()
}

#[cfg(test)]
mod tests;
