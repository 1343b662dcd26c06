//! The calendars of areas.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::{AreaId, CalendarId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::instant;
use crate::domain::calendar::{OwnCalendar, OwnCalendarDraft, OwnDaysDraft};
use crate::http::query::{Body, Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{CalendarView, Thing};

/// Local dates one after another, both included.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct CalendarDaysWire {
    /// The first date.
    #[schema(example = "2026-12-25")]
    first: String,
    /// The last date; empty in a form: one day.
    #[serde(default)]
    #[schema(example = "2026-12-27")]
    last: String,
    /// Why; empty for the product's own calendars.
    #[serde(default)]
    #[schema(example = "Lễ hội cồng chiêng")]
    reason: String,
}

/// A calendar that schedules may name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CalendarWire {
    id: String,
    /// Its name in Vietnamese.
    name: String,
    /// Its name in English, which differs for the product's own.
    name_en: String,
    /// Id of the area that keeps it; absent: the product's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    /// Its days; of the product's own, those of this year and the next.
    days: Vec<CalendarDaysWire>,
    /// Ids of calendars whose days are its too.
    includes: Vec<String>,
    /// How many schedules that may still sound name it.
    schedules: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<String>,
}

/// What became of an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CalendarKeptWire {
    id: String,
    area: String,
    name: String,
    days: Vec<CalendarDaysWire>,
    includes: Vec<String>,
    edited: String,
}

/// A calendar as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CalendarForm {
    /// Its name.
    #[schema(example = "Ngày lễ của xã")]
    name: String,
    /// Its days, at most 100 entries that do not overlap.
    #[serde(default)]
    days: Vec<CalendarDaysWire>,
    /// Ids of calendars whose days are its too, at most 8: the product's, and those of this area and the areas above it.
    #[serde(default)]
    #[schema(example = json!(["vn-public-holidays"]))]
    includes: Vec<String>,
}

impl From<&CalendarView> for CalendarWire {
    fn from(view: &CalendarView) -> Self {
        let of_product = || view.days.iter().map(|(first, last)| wire(first, last, ""));
        Self {
            id: view.id.to_string(),
            name: view.name.vi.clone(),
            name_en: view.name.en.clone(),
            area: view.own.as_ref().and_then(|own| own.area.areas().last()).map(ToString::to_string),
            days: view.own.as_ref().map_or_else(|| of_product().collect(), days),
            includes: view.own.iter().flat_map(|own| &own.values.includes).map(ToString::to_string).collect(),
            schedules: view.schedules,
            edited: view.own.as_ref().map(|own| instant(own.edited)),
        }
    }
}

impl From<&OwnCalendar> for CalendarKeptWire {
    fn from(own: &OwnCalendar) -> Self {
        Self {
            id: own.id.to_string(),
            area: own.area.areas().last().map(ToString::to_string).unwrap_or_default(),
            name: own.values.name.clone(),
            days: days(own),
            includes: own.values.includes.iter().map(ToString::to_string).collect(),
            edited: instant(own.edited),
        }
    }
}

impl CalendarForm {
    fn draft(self) -> OwnCalendarDraft {
        let days = self.days.into_iter().map(|CalendarDaysWire { first, last, reason }| OwnDaysDraft {
            first,
            last,
            reason,
        });
        OwnCalendarDraft { name: self.name, days: days.collect(), includes: self.includes }
    }
}

fn wire(first: &impl ToString, last: &impl ToString, reason: &str) -> CalendarDaysWire {
    CalendarDaysWire { first: first.to_string(), last: last.to_string(), reason: reason.to_owned() }
}

fn days(own: &OwnCalendar) -> Vec<CalendarDaysWire> {
    own.values.days.iter().map(|days| wire(&days.first, &days.last, &days.reason)).collect()
}

/// The calendars that schedules of an area's bulletins may name
#[utoipa::path(get, path = "/areas/{id}/calendars", tag = "areas", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<CalendarWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
) -> Result<Json<Vec<CalendarWire>>, HttpError> {
    let views = state.services.calendars.list(&visit.principal, &id(&area, Thing::Area)?).await?;
    Ok(Json(views.iter().map(CalendarWire::from).collect()))
}

/// Add a calendar to an area
#[utoipa::path(post, path = "/areas/{id}/calendars", tag = "areas", security(("session" = [])), params(("id" = String, Path)), request_body = CalendarForm, responses((status = 201, body = CalendarKeptWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Body(form): Body<CalendarForm>,
) -> Result<(StatusCode, Json<CalendarKeptWire>), HttpError> {
    let area: AreaId = id(&area, Thing::Area)?;
    let kept = state.services.calendars.put(&visit.principal, &area, None, &form.draft()).await?;
    Ok((StatusCode::CREATED, Json((&kept).into())))
}

/// Change a calendar of an area; plans that carry it are compiled anew
#[utoipa::path(put, path = "/areas/{id}/calendars/{calendar}", tag = "areas", security(("session" = [])), params(("id" = String, Path), ("calendar" = String, Path)), request_body = CalendarForm, responses((status = 200, body = CalendarKeptWire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((area, calendar)): Named<(String, String)>,
    Body(form): Body<CalendarForm>,
) -> Result<Json<CalendarKeptWire>, HttpError> {
    let (area, calendar): (AreaId, CalendarId) = (id(&area, Thing::Area)?, id(&calendar, Thing::Calendar)?);
    let kept = state.services.calendars.put(&visit.principal, &area, Some(&calendar), &form.draft()).await?;
    Ok(Json((&kept).into()))
}

/// Take a calendar away from an area, once no schedule that may still sound names it
#[utoipa::path(delete, path = "/areas/{id}/calendars/{calendar}", tag = "areas", security(("session" = [])), params(("id" = String, Path), ("calendar" = String, Path)), responses((status = 204)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named((area, calendar)): Named<(String, String)>,
) -> Result<StatusCode, HttpError> {
    let (area, calendar): (AreaId, CalendarId) = (id(&area, Thing::Area)?, id(&calendar, Thing::Calendar)?);
    state.services.calendars.remove(&visit.principal, &area, &calendar).await?;
    Ok(StatusCode::NO_CONTENT)
}
