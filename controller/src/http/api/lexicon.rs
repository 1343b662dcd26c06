//! The words of areas.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::instant;
use crate::domain::ids::WordId;
use crate::domain::lexicon::WordDraft;
use crate::http::query::{Body, Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{Thing, WordKept, WordView};

/// A word, and whether it holds in the area that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WordWire {
    id: String,
    /// Id of the area that says it so: the one asked for, or one above it.
    area: String,
    /// As it stands in texts. A capital matches a capital alone, a small letter either.
    written: String,
    /// As it is said.
    spoken: String,
    /// Id of the area that says it otherwise for the one asked for, where the word does not hold; absent: it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_by: Option<String>,
    /// Whether its saying leads back to itself, so that it is taken word for word.
    is_loop: bool,
    edited: String,
}

impl From<&WordView> for WordWire {
    fn from(view: &WordView) -> Self {
        Self {
            id: view.word.id.to_string(),
            area: view.word.area.to_string(),
            written: view.word.written.clone(),
            spoken: view.word.spoken.clone(),
            overridden_by: view.overridden_by.as_ref().map(ToString::to_string),
            is_loop: view.is_loop,
            edited: instant(view.word.edited),
        }
    }
}

/// A word as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WordForm {
    /// As it stands in texts: at most 24 words and signs.
    written: String,
    /// As it is said: at most 500 characters.
    spoken: String,
}

/// What became of an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WordKeptWire {
    id: String,
    area: String,
    written: String,
    spoken: String,
    edited: String,
    /// What the area said for this writing before, where that was something else: the last edit holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    said_before: Option<String>,
    /// Writings of words that lead back to themselves since this edit; they are taken word for word.
    loops: Vec<String>,
    /// How many drafts are spoken again.
    drafts_again: usize,
}

impl From<WordKept> for WordKeptWire {
    fn from(kept: WordKept) -> Self {
        let WordKept { word, said_before, loops, drafts_again } = kept;
        Self {
            id: word.id.to_string(),
            area: word.area.to_string(),
            edited: instant(word.edited),
            written: word.written,
            spoken: word.spoken,
            said_before,
            loops,
            drafts_again,
        }
    }
}

impl WordForm {
    fn draft(self) -> WordDraft {
        let Self { written, spoken } = self;
        WordDraft { written, spoken }
    }
}

/// The words of an area and of those above it
#[utoipa::path(get, path = "/areas/{id}/words", tag = "areas", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<WordWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
) -> Result<Json<Vec<WordWire>>, HttpError> {
    let words = state.services.lexicon.list(&visit.principal, &id(&area, Thing::Area)?).await?;
    Ok(Json(words.iter().map(WordWire::from).collect()))
}

/// Add a word to an area; of two with the same writing the last one holds
#[utoipa::path(post, path = "/areas/{id}/words", tag = "areas", security(("session" = [])), params(("id" = String, Path)), request_body = WordForm, responses((status = 201, body = WordKeptWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Body(form): Body<WordForm>,
) -> Result<(StatusCode, Json<WordKeptWire>), HttpError> {
    let area: AreaId = id(&area, Thing::Area)?;
    let kept = state.services.lexicon.put(&visit.principal, &area, None, &form.draft()).await?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// Change a word of an area
#[utoipa::path(put, path = "/areas/{id}/words/{word}", tag = "areas", security(("session" = [])), params(("id" = String, Path), ("word" = String, Path)), request_body = WordForm, responses((status = 200, body = WordKeptWire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((area, word)): Named<(String, String)>,
    Body(form): Body<WordForm>,
) -> Result<Json<WordKeptWire>, HttpError> {
    let (area, word): (AreaId, WordId) = (id(&area, Thing::Area)?, id(&word, Thing::Word)?);
    let kept = state.services.lexicon.put(&visit.principal, &area, Some(&word), &form.draft()).await?;
    Ok(Json(kept.into()))
}

/// Take a word away from an area
#[utoipa::path(delete, path = "/areas/{id}/words/{word}", tag = "areas", security(("session" = [])), params(("id" = String, Path), ("word" = String, Path)), responses((status = 204)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((area, word)): Named<(String, String)>,
) -> Result<StatusCode, HttpError> {
    let (area, word): (AreaId, WordId) = (id(&area, Thing::Area)?, id(&word, Thing::Word)?);
    state.services.lexicon.remove(&visit.principal, &area, &word).await?;
    Ok(StatusCode::NO_CONTENT)
}
