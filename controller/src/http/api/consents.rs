//! What speakers let be done with their recordings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::{BulletinId, ObjectHash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::instant;
use crate::domain::bulletin::{Consent, ConsentDraft};
use crate::http::query::{Body, Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::Thing;

/// A speaker's consent to the use of a recording in the speech data set.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConsentWire {
    /// SHA-256 of the uploaded file.
    upload: String,
    /// Name of the speaker; absent once withdrawn.
    #[serde(skip_serializing_if = "String::is_empty")]
    speaker: String,
    /// Village or dialect; absent where nobody gave it.
    #[serde(skip_serializing_if = "String::is_empty")]
    place: String,
    /// When it was noted.
    noted: String,
    /// Id of who noted it, or `operator`.
    noted_by: String,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<String>,
    /// Id of who noted that, or `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_by: Option<String>,
}

impl From<&(ObjectHash, Consent)> for ConsentWire {
    fn from((upload, consent): &(ObjectHash, Consent)) -> Self {
        Self {
            upload: upload.to_string(),
            speaker: consent.speaker.clone(),
            place: consent.place.clone(),
            noted: instant(consent.noted.at),
            noted_by: consent.noted.by.clone(),
            withdrawn: consent.withdrawn.as_ref().map(|stamp| instant(stamp.at)),
            withdrawn_by: consent.withdrawn.as_ref().map(|stamp| stamp.by.clone()),
        }
    }
}

/// A consent as noted. To send it is to say that the speaker agreed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ConsentForm {
    /// Name of the speaker.
    speaker: String,
    /// Village or dialect.
    #[serde(default)]
    place: String,
}

/// The consents that were noted for a bulletin's recordings, earlier revisions' among them
#[utoipa::path(get, path = "/bulletins/{id}/consents", tag = "bulletins", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<ConsentWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
) -> Result<Json<Vec<ConsentWire>>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let noted = state.services.bulletins.consents(&visit.principal, &bulletin).await?;
    Ok(Json(noted.iter().map(ConsentWire::from).collect()))
}

/// Note that a recording's speaker lets it be used in the speech data set
#[utoipa::path(put, path = "/bulletins/{id}/consents/{upload}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path), ("upload" = String, Path)), request_body = ConsentForm, responses((status = 204)))]
pub(super) async fn note(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((bulletin, upload)): Named<(String, String)>,
    Body(form): Body<ConsentForm>,
) -> Result<StatusCode, HttpError> {
    let (bulletin, upload) = recording(&bulletin, &upload)?;
    let consent = ConsentDraft { speaker: form.speaker, place: form.place };
    state.services.bulletins.note_consent(&visit.principal, &bulletin, &upload, &consent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a speaker's consent back; the name is forgotten
#[utoipa::path(delete, path = "/bulletins/{id}/consents/{upload}", tag = "bulletins", security(("session" = [])), params(("id" = String, Path), ("upload" = String, Path)), responses((status = 204)))]
pub(super) async fn withdraw(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((bulletin, upload)): Named<(String, String)>,
) -> Result<StatusCode, HttpError> {
    let (bulletin, upload) = recording(&bulletin, &upload)?;
    state.services.bulletins.withdraw_consent(&visit.principal, &bulletin, &upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn recording(bulletin: &str, upload: &str) -> Result<(BulletinId, ObjectHash), HttpError> {
    Ok((id(bulletin, Thing::Bulletin)?, id(upload, Thing::Track)?))
}
