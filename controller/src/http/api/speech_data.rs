//! The speech data set: made on request, fetched as an archive.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use loa_protocol::bulletin::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::instant;
use crate::dataset::{ExportState, Wish};
use crate::domain::message::{FieldErrors, Message};
use crate::http::query::Body as Form;
use crate::http::{AppState, HttpError, Visitor};

/// What each line says of the licence. The terms of the data set's README hold besides.
const LICENCE: &str = "see README.md";

/// Where the export stands.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ExportWire {
    /// `none`, `running`, `ready` or `failed`.
    state: &'static str,
    /// While it runs: recordings that were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    /// While it runs: recordings to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<usize>,
    /// Once it is ready: recordings in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speakers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// Recordings that did not go in, such as those without consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u32>,
    /// When it was made; it can be fetched for a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<String>,
}

impl From<ExportState> for ExportWire {
    fn from(state: ExportState) -> Self {
        match state {
            ExportState::None => Self { state: "none", ..Self::default() },
            ExportState::Failed => Self { state: "failed", ..Self::default() },
            ExportState::Running(progress) => {
                let progress = *progress.borrow();
                Self {
                    state: "running",
                    done: Some(progress.done),
                    all: Some(progress.all),
                    ..Self::default()
                }
            }
            ExportState::Ready { exported, made } => Self {
                state: "ready",
                recordings: Some(exported.recordings),
                speakers: Some(exported.speakers),
                duration_ms: Some(exported.duration_ms),
                left_out: Some(exported.left_out.count()),
                made: Some(instant(made)),
                ..Self::default()
            },
        }
    }
}

/// What is to be exported.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct ExportForm {
    /// One language alone, such as `kpm`; absent: all.
    #[serde(default)]
    language: String,
}

/// Where the export of the speech data set stands
#[utoipa::path(get, path = "/speech-data/export", tag = "speech data", security(("session" = [])), responses((status = 200, body = ExportWire)))]
pub(super) async fn state(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<ExportWire>, HttpError> {
    Ok(Json(state.exports.state(&visit.principal)?.into()))
}

/// Export the recordings whose speakers agreed
///
/// Only for whoever administers the whole installation. One export at a time; it takes the place of the one before.
#[utoipa::path(post, path = "/speech-data/export", tag = "speech data", security(("session" = [])), request_body = ExportForm, responses((status = 202, body = ExportWire)))]
pub(super) async fn start(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Form(form): Form<ExportForm>,
) -> Result<(StatusCode, Json<ExportWire>), HttpError> {
    let language = match form.language.as_str() {
        "" => None,
        code => Some(Language::new(code).map_err(|_| FieldErrors::one("language", unknown()))?),
    };
    state.exports.start(&visit.principal, Wish { language, since: None }, LICENCE.to_owned())?;
    Ok((StatusCode::ACCEPTED, Json(state.exports.state(&visit.principal)?.into())))
}

fn unknown() -> Message {
    Message::fixed("language.unknown", "Không có ngôn ngữ này.", "There is no such language.")
}

/// The export that was made, as a tar archive
///
/// Refused (409) once a consent in it was taken back: it is then gone, and has to be made anew.
#[utoipa::path(get, path = "/speech-data/archive", tag = "speech data", security(("session" = [])), responses((status = 200, content_type = "application/x-tar", body = Vec<u8>)))]
pub(super) async fn archive(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Response, HttpError> {
    let archive = state.exports.archive(&visit.principal).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar")),
        (header::CONTENT_LENGTH, HeaderValue::from(archive.size_bytes)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"speech-data.tar\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(archive.bytes)).into_response())
}
