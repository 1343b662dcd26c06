//! Places.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::path;
use crate::domain::area::{Area, AreaDraft};
use crate::http::query::{Body, Named, field, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::Thing;

/// A place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AreaWire {
    id: String,
    /// Ids from the root to this area.
    path: Vec<String>,
    name: String,
    /// The word for its level: `tỉnh`, `xã`, `thôn`.
    level: String,
    /// Own language tags, the preferred first; empty: those of the area above.
    languages: Vec<String>,
    /// Own IANA time zone; absent: that of the area above.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
}

impl From<&Area> for AreaWire {
    fn from(area: &Area) -> Self {
        Self {
            id: area.id.to_string(),
            path: path(&area.path),
            name: area.name.clone(),
            level: area.level.clone(),
            languages: area.languages.iter().map(ToString::to_string).collect(),
            zone: area.zone.map(|zone| zone.name().to_owned()),
        }
    }
}

/// A place as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AreaForm {
    name: String,
    /// The word for its level: `tỉnh`, `xã`, `thôn`.
    level: String,
    /// Language tags, the preferred first.
    #[serde(default)]
    languages: Vec<String>,
    /// IANA time zone; empty: that of the area above.
    #[serde(default)]
    zone: String,
    /// Id of the area above; absent: a root. Ignored when an area is changed: that is a move.
    parent: Option<String>,
}

impl AreaForm {
    fn draft(self) -> (Option<String>, AreaDraft) {
        let Self { name, level, languages, zone, parent } = self;
        (parent, AreaDraft { name, level, languages, zone })
    }
}

/// The areas that one may see, each after the one that contains it
#[utoipa::path(get, path = "/areas", tag = "areas", security(("session" = [])), responses((status = 200, body = Vec<AreaWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<Vec<AreaWire>>, HttpError> {
    let areas = state.services.areas.list(&visit.principal).await?;
    Ok(Json(areas.iter().map(AreaWire::from).collect()))
}

/// Add an area
#[utoipa::path(post, path = "/areas", tag = "areas", security(("session" = [])), request_body = AreaForm, responses((status = 201, body = AreaWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<AreaForm>,
) -> Result<(StatusCode, Json<AreaWire>), HttpError> {
    let (parent, draft) = form.draft();
    let parent: Option<AreaId> = field("parent", parent.as_deref())?;
    let area = state.services.areas.create(&visit.principal, parent.as_ref(), &draft).await?;
    Ok((StatusCode::CREATED, Json(AreaWire::from(&area))))
}

/// One area
#[utoipa::path(get, path = "/areas/{id}", tag = "areas", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = AreaWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
) -> Result<Json<AreaWire>, HttpError> {
    let area = state.services.areas.get(&visit.principal, &id(&area, Thing::Area)?).await?;
    Ok(Json(AreaWire::from(&area)))
}

/// Change an area's own values
#[utoipa::path(put, path = "/areas/{id}", tag = "areas", security(("session" = [])), params(("id" = String, Path)), request_body = AreaForm, responses((status = 200, body = AreaWire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Body(form): Body<AreaForm>,
) -> Result<Json<AreaWire>, HttpError> {
    let (_, draft) = form.draft();
    let area = state.services.areas.update(&visit.principal, &id(&area, Thing::Area)?, &draft).await?;
    Ok(Json(AreaWire::from(&area)))
}

/// Where an area goes.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct MoveForm {
    /// Id of the area above; absent: it becomes a root.
    parent: Option<String>,
}

/// Give an area another place; everything in it goes along
#[utoipa::path(post, path = "/areas/{id}/move", tag = "areas", security(("session" = [])), params(("id" = String, Path)), request_body = MoveForm, responses((status = 200, body = AreaWire)))]
pub(super) async fn move_to(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Body(form): Body<MoveForm>,
) -> Result<Json<AreaWire>, HttpError> {
    let area = id(&area, Thing::Area)?;
    let parent: Option<AreaId> = field("parent", form.parent.as_deref())?;
    let area = state.services.areas.move_to(&visit.principal, &area, parent.as_ref()).await?;
    Ok(Json(AreaWire::from(&area)))
}

/// Remove an empty area
#[utoipa::path(delete, path = "/areas/{id}", tag = "areas", security(("session" = [])), params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
) -> Result<StatusCode, HttpError> {
    state.services.areas.remove(&visit.principal, &id(&area, Thing::Area)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
