//! Emergencies that are prepared for the hour of need.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerts::SpokenForm;
use super::wire::path;
use crate::domain::alert::severity_word;
use crate::http::query::{Body, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{Template, TemplateDraft};

/// A prepared template. It is a bulletin: read, edit, submit and approve it as one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TemplateWire {
    /// Id of its bulletin.
    id: String,
    /// `storm`, `flood`, `forest_fire`, `evacuation` or `other`.
    kind: &'static str,
    /// How severe it usually is.
    severity: &'static str,
    /// Ids from the root to the area inside which it may be sent.
    path: Vec<String>,
    title: String,
    text: String,
    /// State of the latest revision, as of a bulletin.
    state: &'static str,
    /// Whether one person may send it: a revision has all approvals that it needs.
    ready: bool,
    approvers_needed: u32,
    /// How many have approved the latest revision as it is.
    approvals: u32,
    /// Codes of the languages in which it sounds.
    languages: Vec<String>,
}

impl From<&Template> for TemplateWire {
    fn from(template: &Template) -> Self {
        let view = &template.view;
        let shown = template.ready().unwrap_or(&view.latest);
        Self {
            id: view.bulletin.id.to_string(),
            kind: template.kind.as_str(),
            severity: severity_word(template.severity),
            path: path(&view.bulletin.path),
            title: shown.title.clone(),
            text: shown.text.clone(),
            state: view.latest.state.as_str(),
            ready: template.ready().is_some(),
            approvers_needed: template.approvers_needed,
            approvals: template.approvals,
            languages: shown.tracks.iter().map(|track| track.content.language.to_string()).collect(),
        }
    }
}

/// A template as begun.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TemplateForm {
    /// Names the form: the same form sent twice with it begins one template. 32 hex digits, such as a UUID without hyphens.
    #[serde(default)]
    id: Option<String>,
    /// Id of the area inside which it may be sent.
    #[serde(default)]
    area: String,
    /// `storm`, `flood`, `forest_fire`, `evacuation` or `other`.
    #[serde(default)]
    kind: String,
    /// Empty: the words that are shipped for its kind.
    #[serde(default)]
    title: String,
    /// In Vietnamese. Empty: the words that are shipped for its kind.
    #[serde(default)]
    text: String,
    /// Words in other languages.
    #[serde(default)]
    tracks: Vec<SpokenForm>,
    /// Empty: the usual one of its kind.
    #[serde(default)]
    severity: String,
}

/// The prepared templates, by kind: those of your areas, and the approved ones of the areas above
#[utoipa::path(get, path = "/alert-templates", tag = "alerts", security(("session" = [])), responses((status = 200, body = Vec<TemplateWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<Vec<TemplateWire>>, HttpError> {
    let templates = state.services.alerts.templates(&visit.principal).await?;
    Ok(Json(templates.iter().map(TemplateWire::from).collect()))
}

/// Begin a prepared template, as a draft
///
/// It is a bulletin of the class emergency from then on: `/bulletins/{id}` with its edit, submit and approve. Once approved, nodes fetch
/// its sounds in advance.
#[utoipa::path(post, path = "/alert-templates", tag = "alerts", security(("session" = [])), request_body = TemplateForm, responses((status = 201, body = TemplateWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<TemplateForm>,
) -> Result<(StatusCode, Json<TemplateWire>), HttpError> {
    let TemplateForm { id, area, kind, title, text, tracks, severity } = form;
    let tracks = SpokenForm::drafts(tracks);
    let draft = TemplateDraft { area, kind, title, text, tracks, severity };
    let id = id.as_deref().map(|id| required("id", id)).transpose()?;
    let template = state.services.alerts.create_template(&visit.principal, &draft, id).await?;
    Ok((StatusCode::CREATED, Json(TemplateWire::from(&template))))
}
