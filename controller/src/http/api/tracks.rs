//! The sounds of a bulletin, one for each language.

use axum::Json;
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bulletins::BulletinWire;
use crate::domain::bulletin::{
    ConsentDraft, Making, MakingError, SourceDraft, Track, TrackDraft, TrackSource,
};
use crate::domain::message::{FieldErrors, Message};
use crate::http::query::{Asked, Named, id, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{ServiceError, Thing};
use crate::store::uploads::Upload;

/// Longest text part of an upload, in bytes.
const PART_MAX_BYTES: usize = 1024;
/// Longest transcript that is read, in bytes: far above what is accepted, so that whoever sends too much is told how much.
const TRANSCRIPT_MAX_BYTES: usize = 256 * 1024;

/// One language's sound.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrackWire {
    id: String,
    language: String,
    /// `speech` or `recording`.
    source: &'static str,
    /// What is spoken; of a recording, what is read in it, where that was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words_per_minute: Option<u16>,
    /// Name that the uploaded file had.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// SHA-256 of the uploaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    /// Hash of the finished sound: `GET /api/v1/objects/{hash}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// `queued`, `running`, `done` or `failed`.
    making: &'static str,
    /// How far, 0 to 100.
    progress_percent: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<MakingErrorWire>,
    /// Who spoke it, once made, as `engine/voice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    spoken_by: Option<String>,
    /// Why the preferred engine did not speak it.
    #[serde(skip_serializing_if = "Option::is_none")]
    spoken_instead: Option<MakingErrorWire>,
}

/// Why a sound cannot be made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MakingErrorWire {
    code: String,
    vi: String,
    en: String,
}

impl From<&MakingError> for MakingErrorWire {
    fn from(error: &MakingError) -> Self {
        Self { code: error.code.clone(), vi: error.vi.clone(), en: error.en.clone() }
    }
}

impl From<&Track> for TrackWire {
    fn from(track: &Track) -> Self {
        let (making, progress_percent, error) = match &track.making {
            Making::Queued => ("queued", 0, None),
            Making::Running { percent } => ("running", *percent, None),
            Making::Done => ("done", 100, None),
            Making::Failed(error) => ("failed", 0, Some(error.into())),
        };
        let spoken = track.spoken.as_ref();
        let mut wire = Self {
            id: track.id.to_string(),
            language: track.content.language.to_string(),
            source: "speech",
            text: None,
            voice: None,
            words_per_minute: None,
            file_name: None,
            upload: None,
            object: track.object.map(|hash| hash.to_string()),
            making,
            progress_percent,
            error,
            spoken_by: spoken.map(|spoken| spoken.by.clone()),
            spoken_instead: spoken.and_then(|spoken| spoken.instead.as_ref()).map(Into::into),
        };
        match &track.content.source {
            TrackSource::Speech { text, voice, words_per_minute } => {
                wire.text = Some(text.clone());
                wire.voice.clone_from(voice);
                wire.words_per_minute = *words_per_minute;
            }
            TrackSource::Recording { upload, file_name, transcript } => {
                wire.source = "recording";
                wire.text = Some(transcript.clone()).filter(|text| !text.is_empty());
                wire.upload = Some(upload.to_string());
                wire.file_name = Some(file_name.clone());
            }
        }
        wire
    }
}

/// One language's sound as typed: `upload` for a recording, else a synthetic voice.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TrackForm {
    language: String,
    /// What is spoken. Ignored of a voice in Vietnamese, where the bulletin's own text is. Of a recording, what is read
    /// in it.
    #[serde(default)]
    text: String,
    #[serde(default)]
    voice: String,
    words_per_minute: Option<u16>,
    /// SHA-256 of a file that was uploaded before.
    upload: Option<String>,
    #[serde(default)]
    file_name: String,
}

impl TrackForm {
    pub(super) fn draft(self) -> TrackDraft {
        let source = match self.upload {
            Some(upload) => {
                SourceDraft::Recording { upload, file_name: self.file_name, transcript: self.text }
            }
            None => SourceDraft::Speech {
                text: self.text,
                voice: self.voice,
                words_per_minute: self.words_per_minute,
            },
        };
        TrackDraft { language: self.language, source }
    }
}

/// A recording, as `multipart/form-data`. Texts come before `recording`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the parts, which are read one by one")]
pub(super) struct RecordingForm {
    /// `seen_words` of the bulletin that was shown.
    seen: String,
    /// Language tag.
    language: String,
    /// What is read in it.
    transcript: Option<String>,
    /// `yes` when its speaker lets it be used in the speech data set. Never a default.
    consent: Option<String>,
    /// Name of the speaker; kept with `consent` alone.
    speaker: Option<String>,
    /// Village or dialect of the speaker; kept with `consent` alone.
    speaker_place: Option<String>,
    /// WAV, MP3, FLAC, Ogg, M4A or WebM; of a video the sound is taken.
    #[schema(value_type = String, format = Binary)]
    recording: Vec<u8>,
}

/// Put a recording into a bulletin, in place of the sound that it had in this language
///
/// It is an edit. Whether the file is sound is said by the track's `making` and `error`. A bulletin that waits for approval or
/// is approved takes none (409): edit it first. Exactly one `recording` is accepted.
#[utoipa::path(post, path = "/bulletins/{id}/tracks", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), request_body(content = RecordingForm, content_type = "multipart/form-data"), responses((status = 201, body = BulletinWire)))]
pub(super) async fn upload(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<BulletinWire>), HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    state.services.bulletins.to_record(&visit.principal, &bulletin).await?;
    let mut parts = multipart.map_err(|e| HttpError::unreadable(e.status(), &e.body_text()))?;
    let (mut seen, mut language, mut transcript) = (String::new(), String::new(), String::new());
    let (mut consents, mut consent, mut recording) = (false, ConsentDraft::default(), None);
    while let Some(part) = parts.next_field().await.map_err(|e| broken(&e))? {
        match part.name() {
            Some("seen") => seen = read_text(part, PART_MAX_BYTES).await?,
            Some("language") => language = read_text(part, PART_MAX_BYTES).await?,
            Some("transcript") => transcript = read_text(part, TRANSCRIPT_MAX_BYTES).await?,
            Some("consent") => consents = read_text(part, PART_MAX_BYTES).await? == "yes",
            Some("speaker") => consent.speaker = read_text(part, PART_MAX_BYTES).await?,
            Some("speaker_place") => consent.place = read_text(part, PART_MAX_BYTES).await?,
            Some("recording") if recording.is_some() => return Err(second_recording()),
            Some("recording") => recording = Some(receive(&state, &visit.principal, part).await?),
            _ => {}
        }
    }
    let Some(recording) = recording else {
        let missing = Message::fixed("recording.missing", "Hãy chọn tệp thu âm.", "Choose a recording.");
        return Err(FieldErrors::one("recording", missing).into());
    };
    let seen = required("seen", &seen)?;
    let source = SourceDraft::Recording {
        upload: recording.hash.to_string(),
        file_name: recording.file_name,
        transcript,
    };
    let track = TrackDraft { language, source };
    let consent = consents.then_some(consent);
    let view = state.services.bulletins.put_track(&visit.principal, &bulletin, &seen, track, consent).await?;
    Ok((StatusCode::CREATED, BulletinWire::of(&state, &visit, &view).await?))
}

/// A second file is refused at its head: one track is one recording, and which of two was meant is not guessed.
fn second_recording() -> HttpError {
    let message = Message::fixed(
        "recording.several",
        "Chỉ gửi một tệp thu âm cho mỗi lần. Mỗi thứ tiếng gửi riêng một tệp.",
        "Send one recording at a time. Each language takes one file of its own.",
    );
    FieldErrors::one("recording", message).into()
}

async fn receive(
    state: &AppState,
    who: &crate::domain::role::Principal,
    mut part: Field<'_>,
) -> Result<Upload, HttpError> {
    let file_name = part.file_name().unwrap_or_default().to_owned();
    let mut writer = state.services.uploads.begin(who, &file_name).await?;
    while let Some(bytes) = part.chunk().await.map_err(|e| broken(&e))? {
        writer.write(&bytes).await?;
    }
    Ok(writer.finish().await?)
}

async fn read_text(mut part: Field<'_>, max_bytes: usize) -> Result<String, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|e| broken(&e))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > max_bytes {
            return Err(HttpError::unreadable(StatusCode::PAYLOAD_TOO_LARGE, "a text part is too long"));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| HttpError::unreadable(StatusCode::BAD_REQUEST, "a text part is not UTF-8"))
}

fn broken(error: &MultipartError) -> HttpError {
    HttpError::unreadable(error.status(), &error.body_text())
}

/// Of what a sound is taken out.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeenAsked {
    /// `seen_words` of the bulletin that was shown.
    seen: String,
}

/// Take one language's sound out of a bulletin; it is an edit
#[utoipa::path(delete, path = "/bulletins/{id}/tracks/{language}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path), ("language" = String, Path), SeenAsked), responses((status = 200, body = BulletinWire)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((bulletin, language)): Named<(String, String)>,
    Asked(asked): Asked<SeenAsked>,
) -> Result<Json<BulletinWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let language = language.parse().map_err(|_| ServiceError::NotFound(Thing::Track))?;
    let seen = required("seen", &asked.seen)?;
    let view = state.services.bulletins.remove_track(&visit.principal, &bulletin, &seen, &language).await?;
    BulletinWire::of(&state, &visit, &view).await
}

/// Try to make a sound again that could not be made
#[utoipa::path(post, path = "/bulletins/{id}/tracks/{track}/retry", tag = "bulletins", security(("session" = [])), params(("id" = String, Path), ("track" = String, Path)), responses((status = 200, body = BulletinWire)))]
pub(super) async fn retry(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((bulletin, track)): Named<(String, String)>,
) -> Result<Json<BulletinWire>, HttpError> {
    let (bulletin, track) = (id(&bulletin, Thing::Bulletin)?, id(&track, Thing::Track)?);
    let view = state.services.bulletins.retry_track(&visit.principal, &bulletin, &track).await?;
    BulletinWire::of(&state, &visit, &view).await
}
