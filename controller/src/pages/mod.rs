//! The pages: view models, templates, words and assets. Nothing here reads a database, a clock or a session;
//! a handler fills a struct of [`views`] and answers with it.
//!
//! ```text
//! handler ── fills ──> views::TodayPage { shell, … } ── Rendered(page) ──> HTML in shell.lang
//!                      live::TodaySounding { lang, … } ── fragment(&part) ──> data of an SSE event
//! ```
//!
//! # Invariants
//! - HTML is in `web/templates` alone; every text is a key of `web/locales/{vi,en}.ftl`.
//! - No inline script or style: [`CONTENT_SECURITY_POLICY`] forbids them. Nothing is fetched from elsewhere.
//! - Every page works without script: forms are plain POSTs that answer 303 (or 422 with the form as typed and
//!   its [`Errors`]); htmx adds live parts and previews.
//! - Every POST form carries the hidden field `csrf`.
//! - Times are shown in the zone of the area ([`Moment`]), as dd/mm/yyyy HH:mm, and the footer names the zone.
//!
//! # Pages
//! | Request | View | Notes |
//! |---|---|---|
//! | `GET /` | [`views::TodayPage`] | topic `today` |
//! | `GET /sign-in?next=` | [`views::SignInPage`] | |
//! | `GET /welcome/{token}` | [`views::WelcomePage`] | uses nothing up |
//! | `GET /bulletins?state=&before=` | [`views::BulletinsPage`] | |
//! | `GET /bulletins/new`, `GET /bulletins/{id}/edit` | [`views::BulletinFormPage`] | |
//! | `GET /bulletins/{id}` | [`views::BulletinPage`] | topic `bulletin:{id}` |
//! | `GET /bulletins/{id}/record?language=` | [`views::RecordPage`] | may use the microphone; 303 `/bulletins/{id}` where nothing can be added |
//! | `GET /schedules` | [`views::SchedulesPage`] | |
//! | `GET /schedules/new?bulletin=` | [`views::ScheduleFormPage`] | |
//! | `GET /schedules/{id}?days=` | [`views::SchedulePage`] | |
//! | `GET /areas` | [`views::AreasPage`] | |
//! | `GET /areas/{id}` | [`views::AreaPage`] | |
//! | `GET /areas/{id}/calendars?calendar=` | [`views::CalendarsPage`] | |
//! | `GET /areas/{id}/words?word=&written=&say=` | [`views::WordsPage`] | |
//! | `GET /nodes?q=&area=&link=&page=` | [`views::NodesPage`] | topic `nodes` |
//! | `GET /nodes/new?area=` | [`views::NodeFormPage`] | |
//! | `GET /nodes/{id}` | [`views::NodePage`] | topic `node:{id}` |
//! | `GET /nodes/{id}/revoke` | [`views::NodeRevokePage`] | asks first |
//! | `GET /heard?from=&to=&area=&outcome=&bulletin=&occurrence=&node=&page=` | [`views::HeardPage`] | topic `heard` |
//! | `GET /orders?bulletin=` | [`views::OrdersPage`] | topic `orders` |
//! | `GET /alerts` | [`views::AlertsPage`] | topic `alerts` |
//! | `GET /alerts/new?corrects=` | [`views::AlertFormPage`] | |
//! | `GET /alerts/{id}` | [`views::AlertPage`] | topic `alert:{id}` |
//! | `GET /users` | [`views::UsersPage`] | admin |
//! | `GET /users/{id}` | [`views::UserPage`] | admin |
//! | `GET /speech-data` | [`views::SpeechDataPage`] | administrator of the whole installation |
//! | `GET /account` | [`views::AccountPage`] | one's own passphrase and sessions |
//! | `GET /audit?subject=&before=` | [`views::AuditPage`] | admin |
//! | any error | [`views::ErrorPage`] | |
//!
//! Query values: `state`, `link`, `outcome` are the `code()` of the vocabulary in [`labels`]; an empty
//! or missing value is "all"; `from` and `to` are `2025-10-25`.
//!
//! # Forms
//! All are `application/x-www-form-urlencoded` POSTs with the field `csrf`, save the tracks form (multipart).
//! | POST | Fields | Then |
//! |---|---|---|
//! | `/sign-in` | `login`, `passphrase`, `next` | 303 `next` or `/`; 422, 429 [`views::SignInPage`] |
//! | `/sign-out` | | 303 `/sign-in` |
//! | `/welcome/{token}` | `passphrase`, `passphrase_again` (only where one is set) | 303 `/`, or `/account` where a passphrase is set; 422, 410 [`views::WelcomePage`] |
//! | `/account/passphrase` | `current` (only where it is asked for), `passphrase`, `passphrase_again` | 303 `/account`; 422, 429 [`views::AccountPage`] |
//! | `/account/sessions/{id}/end` | | 303 `/account` |
//! | `/language` | `lang` (`vi`, `en`), `next` | 303 `next` |
//! | `/theme` | `theme` (`auto`, `light`, `dark`), `next` | 303 `next` |
//! | `/bulletins` | `title`, `text`, `area`, `category`, `class`, `speak`\*, `voice`\* (`code:voice`), `form_id`, `then` (`save`, `submit`) | 303 `/bulletins/{id}`; 422 [`views::BulletinFormPage`] |
//! | `/bulletins/{id}/edit` | the same, and `seen` | 303 `/bulletins/{id}`; 422, 409 the form |
//! | `/bulletins/check` | the same | 200 [`views::TextCheckPart`] |
//! | `/bulletins/check/words` | the same, and `written`, `spoken`: a word for the area | 200 [`views::TextCheckPart`] |
//! | `/bulletins/{id}/submit`, `…/approve`, `…/withdraw` | `seen` | 303 `/bulletins/{id}` |
//! | `/bulletins/{id}/reject` | `seen`, `comment` | 303; 422 [`views::BulletinPage`] |
//! | `/bulletins/{id}/tracks` (multipart) | `csrf` and `seen` (of the words) first, `kind` `speech`, `language`, `voice` (`code:voice`) | 303; 422 [`views::BulletinPage`] |
//! | the same | `csrf` and `seen` first, `kind` `recording`, `language`, `transcript`, `consent` (`yes`), `speaker`, `speaker_place`, `recording` last | 303; 422 [`views::RecordPage`] |
//! | `/bulletins/{id}/recordings/{upload}/consent` | `speaker`, `speaker_place`, `consent` (`yes`) | 303 `/bulletins/{id}` |
//! | `/bulletins/{id}/recordings/{upload}/consent/withdraw` | | 303 `/bulletins/{id}` |
//! | `/bulletins/{id}/tracks/{track}/remove`, `…/retry` | `seen` (of the words; remove) | 303 `/bulletins/{id}` |
//! | `/schedules` | `bulletin`, `mode` (`once`, `weekly`, `cron`), `date`, `time`, `day`\* (`mon` … `sun`), `times`, `cron`, `from`, `until`, `area`\*, `node`\*, `form_id` | 303 `/schedules`; 422 [`views::ScheduleFormPage`] |
//! | `/schedules/preview` | the same | 200 [`views::SchedulePreviewPart`] |
//! | `/schedules/{id}/cancel` | `next` | 303 `next` |
//! | `/orders` | `order` (`stop_all`, `all_clear` with `area`; `cancel` with `bulletin`, `correction`), `reason` | 303 `/orders`; 422 [`views::OrdersPage`] |
//! | `/alerts` | `form_id`, `areas`*, `template` or `title` and `text`, `severity`, `status`, `minutes`, `rounds`, `corrects` | 303 `/alerts/{id}`; 422 [`views::AlertFormPage`] |
//! | `/alerts/templates` | `area`, `kind` | 303 `/bulletins/{id}`; 422 [`views::AlertsPage`] |
//! | `/alerts/{id}/approve` | `seen` | 303 `/alerts/{id}` |
//! | `/alerts/{id}/end` | `deed` (`cancel`, `return`), `reason` | 303 `/alerts/{id}`; 422 [`views::AlertPage`] |
//! | `/speech-data` | `language` | 303 `/speech-data` |
//! | `/areas` | `name`, `level`, `parent`, `languages`\*, `form_id` | 303 `/areas`; 422 [`views::AreasPage`] |
//! | `/areas/{id}` | `name`, `level`, `languages`\* | 303 `/areas/{id}`; 422 [`views::AreaPage`] |
//! | `/areas/{id}/rules` | `quiet_hours`, `normal_minutes_a_day`, `priority_minutes_a_day`, `sessions_a_day`, `longest_session_minutes`, `volume_ceiling_percent`, `own_priority_first` (`yes`), `households` | 303 `/areas/{id}`; 422 [`views::AreaPage`] |
//! | `/areas/{id}/calendars` | `calendar`, `name`, `days`, `includes`* | 303 `/areas/{id}/calendars`; 422 [`views::CalendarsPage`] |
//! | `/areas/{id}/words` | `word`, `written`, `spoken` | 303 `/areas/{id}/words`, or 200 the page where there is more to tell; 422 [`views::WordsPage`] |
//! | `/areas/{id}/words/{word}/remove` | | 303 `/areas/{id}/words` |
//! | `/nodes` | `name`, `area`, `serial`, `form_id` | 200 [`views::NodePage`] with its token; 422 [`views::NodeFormPage`] |
//! | `/nodes/{id}/token` | | 200 [`views::NodePage`] with a fresh token |
//! | `/nodes/{id}/revoke` | `reason` | 303 `/nodes/{id}`; 422 [`views::NodeRevokePage`] |
//! | `/users` | `name`, `display_name`, `role`, `area`, `emergency` | 200 [`views::UserPage`] with its link; 422 [`views::UsersPage`] |
//! | `/users/{id}/link` | | 200 [`views::UserPage`] with a fresh link |
//! | `/users/{id}/grants` | `role`, `area`, `emergency` | 303 `/users/{id}`; 422 [`views::UserPage`] |
//! | `/users/{id}/grants/{grant}/remove`, `/users/{id}/disable`, `/users/{id}/enable` | | 303 `/users/{id}` |
//!
//! \* sent once for each ticked box.
//! `times` that do not share their minute become several schedules: [`views::weekly_cron`].
//! A missing field is an empty text or nothing ticked, never a 400.
//!
//! # Live parts
//! A page opens one stream, `GET /live?topics=…` (topics separated by commas; lists with the page's filters), as `text/event-stream`. The data of each event is a
//! fragment, rendered with [`fragment`] in the session's language: the *inside* of the element that the page
//! marks with `sse-swap`. Names come from [`views::event`].
//! | Topic | Events | Fragment |
//! |---|---|---|
//! | `today` | `today-alerts`, `today-sounding`, `today-waiting`, `today-silent` | [`views::TodayAlerts`], [`views::TodaySounding`], [`views::TodayWaiting`], [`views::TodaySilent`] |
//! | `waiting` (every page) | `waiting-count` | [`views::WaitingCount`] |
//! | `bulletins` | `bulletins-list` | [`views::BulletinsList`] |
//! | `bulletin:{id}` with `words`, the digest of the words that the page shows | `bulletin-state-{id}`, `bulletin-tracks-{id}`, `track-{track}`, `bulletin-plan-{id}`, `bulletin-history-{id}`, `bulletin-decide-{id}` | [`views::BulletinStateTag`], [`views::BulletinTracks`], [`views::TrackProgress`], [`views::BulletinPlan`], [`views::BulletinHistory`], [`views::BulletinDecide`] |
//! | `nodes` | `nodes-counts`, `node-{id}` | [`views::NodesCounts`], [`views::NodeCells`] |
//! | `node:{id}` | `node-detail-{id}` | [`views::NodeState`] |
//! | `orders` | `orders-list` | [`views::OrdersList`] |
//! | `alerts` | `alerts-list` | [`views::AlertsList`] |
//! | `alert:{id}` | `alert-decide-{id}`, `alert-wave-{id}` | [`views::AlertDecide`], [`views::AlertWave`] |
//! | `heard` | `heard-list`, `heard-{occurrence}` | [`views::HeardList`], [`views::OccurrenceHeard`] |

pub mod assets;
mod filters;
mod form;
pub mod format;
pub mod labels;
pub mod msg;
mod shell;
mod text;
pub mod views;

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use form::label_key;
pub use form::{Choice, Errors, Tick};
pub use format::Moment;
pub use shell::{Can, Flash, Nav, NavEntry, Person, Shell, Theme};
pub use text::{Lang, Msg};

/// The policy every page is served with: own scripts, styles, fonts, sound; frames nowhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; media-src 'self' blob:; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// What browsers may offer to a page: nothing.
pub const PERMISSIONS_POLICY: &str = "camera=(), geolocation=(), microphone=()";
/// What they may offer to a page that records.
const RECORDING_POLICY: &str = "camera=(), geolocation=(), microphone=(self)";

/// A page or a fragment that knows its reader's language.
pub trait Page: Template {
    /// The reader's language.
    fn lang(&self) -> Lang;

    /// Whether it shows a secret that is shown once (a token, a link) and must stay in no cache.
    fn shows_secret(&self) -> bool {
        false
    }

    /// Whether it may ask for the microphone.
    fn records(&self) -> bool {
        false
    }
}

/// The HTML of a page or fragment.
///
/// # Errors
/// A template that fails, which is a fault of the program.
pub fn render<P: Page>(page: &P) -> askama::Result<String> {
    let lang: &dyn std::any::Any = &page.lang();
    page.render_with_values(&("lang", lang))
}

/// The HTML of a live fragment on one line, as the data of a server-sent event wants it.
///
/// # Errors
/// As [`render`].
pub fn fragment<P: Page>(part: &P) -> askama::Result<String> {
    // Every line break in a fragment is white space between elements or within text; none is in <pre>.
    Ok(render(part)?.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// A page as an answer, with its status and the headers every page has.
#[derive(Clone, Debug)]
pub struct Rendered<P>(pub StatusCode, pub P);

impl<P: Page> IntoResponse for Rendered<P> {
    fn into_response(self) -> Response {
        let Self(status, page) = self;
        let html = match render(&page) {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, view = std::any::type_name::<P>(), "a page could not be rendered");
                let text = page.lang().text("error-render");
                let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                return (StatusCode::INTERNAL_SERVER_ERROR, plain, text).into_response();
            }
        };
        // The back button must give typed text back, which browsers do for pages that they may keep.
        let caching = if page.shows_secret() { "no-store" } else { "private, no-cache" };
        let permissions = if page.records() { RECORDING_POLICY } else { PERMISSIONS_POLICY };
        let headers = [
            (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(permissions)),
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::CONTENT_LANGUAGE, HeaderValue::from_static(page.lang().code())),
        ];
        (status, headers, html).into_response()
    }
}

macro_rules! pages {
    ($($page:ident $(secret in $secret:ident)?),+ $(,)?) => {
        $(impl Page for views::$page {
            fn lang(&self) -> Lang {
                self.shell.lang
            }
            $(
                fn shows_secret(&self) -> bool {
                    self.$secret.is_some()
                }
            )?
        })+
    };
}

macro_rules! fragments {
    ($($part:ident),+ $(,)?) => {
        $(impl Page for views::$part {
            fn lang(&self) -> Lang {
                self.lang
            }
        })+
    };
}

pages!(
    AccountPage,
    AlertFormPage,
    AlertPage,
    AlertsPage,
    AreaPage, AreasPage,
    AuditPage,
    BulletinFormPage,
    BulletinPage,
    BulletinsPage,
    ErrorPage,
    HeardPage,
    NodeFormPage,
    NodePage secret in token,
    NodeRevokePage,
    NodesPage,
    OrdersPage,
    ScheduleFormPage,
    SchedulePage,
    SchedulesPage,
    SignInPage,
    SpeechDataPage,
    TodayPage,
    UserPage secret in link,
    UsersPage,
    WelcomePage,
    CalendarsPage,
    WordsPage,
);

impl Page for views::RecordPage {
    fn lang(&self) -> Lang {
        self.shell.lang
    }

    fn records(&self) -> bool {
        true
    }
}

fragments!(
    AlertDecide,
    AlertWave,
    AlertsList,
    BulletinDecide,
    BulletinHistory,
    BulletinPlan,
    BulletinStateTag,
    BulletinTracks,
    BulletinsList,
    HeardList,
    NodeCells,
    NodeState,
    NodesCounts,
    OccurrenceHeard,
    OrdersList,
    SchedulePreviewPart,
    TextCheckPart,
    TodayAlerts,
    TodaySilent,
    TodaySounding,
    TodayWaiting,
    TrackProgress,
    WaitingCount,
);

#[cfg(test)]
mod tests;
