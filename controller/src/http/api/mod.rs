//! The JSON API at `/api/v1`, described at `/api/v1/openapi.json`.
//!
//! One file for each group of endpoints, wire types beside the handlers that use them. Instants are RFC 3339 in UTC with
//! milliseconds; ids are opaque text. `seen` is what the person had before them: it comes with every bulletin and goes
//! back with every decision.

mod alert_templates;
mod alerts;
mod area_rules;
mod areas;
mod audit;
mod bulletins;
mod calendars;
mod consents;
mod heard;
mod languages;
mod lexicon;
mod nodes;
mod objects;
mod orders;
mod preflight;
mod readiness;
mod schedules;
mod sessions;
mod speech_data;
mod tracks;
mod users;
mod wire;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::routing::{any, get};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

pub use preflight::{PlanFileError, plan_file, preflight_json};

use super::error::{FieldProblem, Problem};
use super::{AppState, HttpError};

/// Where the API lives.
pub const PREFIX: &str = "/api/v1";

/// The routes of the API, with their description.
pub(super) fn router(state: &AppState) -> Router {
    let (router, description) = described().split_for_parts();
    let description = complete(description);
    // The description is the same for everybody and for the life of the program.
    let json = description.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the description of the API cannot be written");
        "{}".to_owned()
    });
    let describe = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    let nothing = any(|| async { HttpError::no_route() });
    router
        .route(&format!("{PREFIX}/openapi.json"), get(describe))
        // Programs get a problem, whatever pages answer to addresses that do not exist.
        .route(&format!("{PREFIX}/{{*path}}"), nothing)
        .with_state(state.clone())
}

fn described() -> OpenApiRouter<AppState> {
    let groups = OpenApiRouter::new()
        .routes(routes!(sessions::sign_in, sessions::me, sessions::sign_out))
        .routes(routes!(sessions::sign_in_by_link))
        .routes(routes!(sessions::set_passphrase))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::revoke))
        .routes(routes!(areas::list, areas::create))
        .routes(routes!(areas::get, areas::update, areas::remove))
        .routes(routes!(areas::move_to))
        .routes(routes!(area_rules::get, area_rules::put))
        .routes(routes!(preflight::of_area))
        .routes(routes!(languages::list))
        .routes(routes!(lexicon::list, lexicon::create))
        .routes(routes!(lexicon::update, lexicon::remove))
        .routes(routes!(calendars::list, calendars::create))
        .routes(routes!(calendars::update, calendars::remove))
        .routes(routes!(nodes::list, nodes::create))
        .routes(routes!(nodes::get, nodes::update, nodes::remove))
        .routes(routes!(nodes::health))
        .routes(routes!(nodes::events))
        .routes(routes!(nodes::doubts))
        .routes(routes!(nodes::issue_token))
        .routes(routes!(nodes::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::rename))
        .routes(routes!(users::grant, users::ungrant))
        .routes(routes!(users::set_disabled))
        .routes(routes!(users::issue_link))
        .routes(routes!(users::revoke_sessions))
        .routes(routes!(bulletins::list, bulletins::create))
        .routes(routes!(bulletins::get, bulletins::edit))
        .routes(routes!(bulletins::revision))
        .routes(routes!(bulletins::submit))
        .routes(routes!(bulletins::approve))
        .routes(routes!(bulletins::reject))
        .routes(routes!(bulletins::withdraw))
        .routes(routes!(tracks::upload).layer(DefaultBodyLimit::disable()))
        .routes(routes!(tracks::remove))
        .routes(routes!(tracks::retry))
        .routes(routes!(consents::list))
        .routes(routes!(consents::note, consents::withdraw))
        .routes(routes!(speech_data::state, speech_data::start))
        .routes(routes!(speech_data::archive))
        .routes(routes!(schedules::list, schedules::create))
        .routes(routes!(schedules::preview))
        .routes(routes!(preflight::of_drafts))
        .routes(routes!(preflight::of_schedule))
        .routes(routes!(schedules::get))
        .routes(routes!(readiness::readiness))
        .routes(routes!(readiness::deliveries))
        .routes(routes!(schedules::cancel))
        .routes(routes!(orders::list, orders::give))
        .routes(routes!(orders::get))
        .routes(routes!(alerts::list, alerts::give))
        .routes(routes!(alerts::get))
        .routes(routes!(alerts::approve))
        .routes(routes!(alerts::give_back))
        .routes(routes!(alerts::cancel))
        .routes(routes!(alerts::correct))
        .routes(routes!(alert_templates::list, alert_templates::create))
        .routes(routes!(heard::list))
        .routes(routes!(heard::coverage))
        .routes(routes!(audit::list))
        .routes(routes!(objects::get));
    let info = InfoBuilder::new()
        .title("Loa Làng")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Broadcast controller for village loudspeakers. Sign in with POST /api/v1/session; send the answer's \
             `csrf` as header `x-csrf-token` with every request that changes something.",
        ))
        .build();
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build()).nest(PREFIX, groups)
}

/// Adds what all operations share: the cookie, and the form of every refusal.
fn complete(mut description: OpenApi) -> OpenApi {
    let mut components = description.components.take().unwrap_or_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    components.schemas.insert(FieldProblem::name().into_owned(), FieldProblem::schema());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("loa")));
    components.security_schemes.insert("session".to_owned(), cookie.into());
    description.components = Some(components);
    let refusal = ResponseBuilder::new()
        .description("A refusal or failure (RFC 9457)")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    let refuse = |operation: &mut Option<Operation>| {
        if let Some(operation) = operation {
            operation.responses.responses.insert("default".to_owned(), refusal.clone().into());
        }
    };
    for item in description.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete] {
            refuse(operation);
        }
    }
    description
}
