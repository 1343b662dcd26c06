//! The languages of broadcasts.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::language::Listed;
use crate::http::{AppState, HttpError, Visitor};

/// A language.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LanguageWire {
    /// ISO 639-1 code, else ISO 639-3.
    code: String,
    /// Vietnamese name as in “tiếng …”.
    vi: String,
    /// English name.
    en: String,
    /// The people as the official list and the Census write it.
    people: String,
    /// What its speakers call it, where that is certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<String>,
    /// What to know of its code.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    /// Whether a synthetic voice speaks it here; otherwise it needs a person who is recorded.
    has_voice: bool,
}

/// The languages that areas and tracks can have
#[utoipa::path(get, path = "/languages", tag = "languages", security(("session" = [])), responses((status = 200, body = Vec<LanguageWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(_visit): Visitor,
) -> Result<Json<Vec<LanguageWire>>, HttpError> {
    let spoken = state.services.spoken_languages();
    let wire = |listed: &Listed| LanguageWire {
        code: listed.code.to_string(),
        vi: listed.vi.clone(),
        en: listed.en.clone(),
        people: listed.people.clone(),
        own: listed.own.clone(),
        note: listed.note.clone(),
        has_voice: spoken.contains(&listed.code),
    };
    Ok(Json(state.services.languages().all().iter().map(wire).collect()))
}
