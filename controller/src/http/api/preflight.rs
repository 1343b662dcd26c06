//! What will sound, before it does.

use axum::Json;
use axum::extract::State;
use loa_protocol::area::AreaPath;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::schedules::ScheduleForm;
use super::wire::{instant, path};
use crate::domain::schedule::ScheduleDraft;
use crate::http::query::{Asked, Body, Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{
    DAYS_DEFAULT, Households, Preflight, PreflightGroup, PreflightOf, PreflightStart, PreflightVillage,
    ServiceError, Thing,
};

/// What will sound, by the nodes' own rules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreflightWire {
    from: String,
    until: String,
    /// How many nodes it is about.
    nodes: usize,
    households: HouseholdsWire,
    /// What does not get to nodes at all.
    notes: Vec<PreflightNoteWire>,
    /// Villages in which the same happens, together.
    groups: Vec<PreflightGroupWire>,
}

/// How many households hear something.
#[derive(Debug, Serialize, ToSchema)]
struct HouseholdsWire {
    known: u64,
    /// Villages of which nobody has said how many live there.
    unknown_villages: usize,
}

/// A sentence for people.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightNoteWire {
    code: &'static str,
    vi: String,
    en: String,
}

/// Villages in which the same happens.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightGroupWire {
    villages: Vec<PreflightVillageWire>,
    languages: Vec<String>,
    zone: &'static str,
    /// In the order of planned starts.
    starts: Vec<PreflightStartWire>,
}

/// A village with nodes.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightVillageWire {
    area: String,
    path: Vec<String>,
    name: String,
    /// Absent: nobody has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    households: Option<u32>,
    nodes: Vec<PreflightNodeWire>,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightNodeWire {
    id: String,
    name: String,
}

/// What becomes of one planned start.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightStartWire {
    schedule: String,
    bulletin: String,
    title: String,
    class: &'static str,
    planned: String,
    /// From when until when it sounds, pauses included; empty where it does not.
    sounds: Vec<SpanWire>,
    /// How long it sounds in all, pauses not counted.
    sound_ms: i64,
    languages: Vec<String>,
    /// `played`, `partial` or `missed`, as a receipt would say.
    outcome: &'static str,
    /// Why, as a receipt would say.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The number of the rule that decides, as in the description of the timeline: `G3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    /// The same in words; also where it merely sounds later.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<PreflightNoteWire>,
    /// Ids of the areas whose rules forbid it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forbidden_by: Vec<String>,
    /// Present where a rule of the loudspeakers' own configuration forbids it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forbidden_by_board: bool,
    /// What sounds instead of it, or before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<PreflightWinnerWire>,
}

/// What sounds instead.
#[derive(Debug, Serialize, ToSchema)]
struct PreflightWinnerWire {
    schedule: String,
    title: String,
}

/// A span of time.
#[derive(Debug, Serialize, ToSchema)]
struct SpanWire {
    from: String,
    until: String,
}

impl From<crate::domain::message::Message> for PreflightNoteWire {
    fn from(message: crate::domain::message::Message) -> Self {
        Self { code: message.code, vi: message.vi.into_owned(), en: message.en.into_owned() }
    }
}

impl From<&Preflight> for PreflightWire {
    fn from(preflight: &Preflight) -> Self {
        let Households { known, unknown_villages } = preflight.households();
        Self {
            from: instant(preflight.from),
            until: instant(preflight.until),
            nodes: preflight.nodes(),
            households: HouseholdsWire { known, unknown_villages },
            notes: preflight.notes.iter().cloned().map(PreflightNoteWire::from).collect(),
            groups: preflight.groups.iter().map(PreflightGroupWire::from).collect(),
        }
    }
}

impl From<&PreflightGroup> for PreflightGroupWire {
    fn from(group: &PreflightGroup) -> Self {
        Self {
            villages: group.villages.iter().map(PreflightVillageWire::from).collect(),
            languages: group.languages.iter().map(ToString::to_string).collect(),
            zone: group.zone.name(),
            starts: group.starts.iter().map(PreflightStartWire::from).collect(),
        }
    }
}

impl From<&PreflightVillage> for PreflightVillageWire {
    fn from(village: &PreflightVillage) -> Self {
        let ids = |path: &AreaPath| self::path(path);
        let node = |(id, name): &(loa_protocol::ids::NodeId, String)| PreflightNodeWire {
            id: id.to_string(),
            name: name.clone(),
        };
        Self {
            area: village.area.to_string(),
            path: ids(&village.path),
            name: village.name.clone(),
            households: village.households,
            nodes: village.nodes.iter().map(node).collect(),
        }
    }
}

impl From<&PreflightStart> for PreflightStartWire {
    fn from(foreseen: &PreflightStart) -> Self {
        let start = &foreseen.start;
        let span = |(from, until): &(_, _)| SpanWire { from: instant(*from), until: instant(*until) };
        Self {
            schedule: start.schedule.to_string(),
            bulletin: start.bulletin.to_string(),
            title: start.title.clone(),
            class: start.class.as_str(),
            planned: instant(start.planned),
            sounds: start.sounds.iter().map(span).collect(),
            sound_ms: start.sound_ms,
            languages: start.languages.iter().map(ToString::to_string).collect(),
            outcome: start.outcome.as_str(),
            reason: start.outcome.reason().map(|reason| reason.as_str()),
            rule: foreseen.rule(),
            why: foreseen.why().map(PreflightNoteWire::from),
            forbidden_by: start.forbidden_by.iter().map(ToString::to_string).collect(),
            forbidden_by_board: start.forbidden_by_board,
            winner: start.winner.as_ref().map(|(schedule, title)| PreflightWinnerWire {
                schedule: schedule.to_string(),
                title: title.clone(),
            }),
        }
    }
}

/// How far to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PreflightAsked {
    /// Days from now, 1 to 31; absent: 7.
    days: Option<u32>,
}

/// Schedules that do not stand yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreflightForm {
    /// At most 1,000.
    schedules: Vec<ScheduleForm>,
    /// Days from now, 1 to 31; absent: 7.
    days: Option<u32>,
}

/// A plan that a file could not be read as.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// The file is no such JSON.
    #[error(
        "the plan cannot be read: it is {{\"schedules\": [...]}} with schedules as POST /api/v1/schedules takes them"
    )]
    Unreadable(#[from] serde_json::Error),
    /// A schedule in it is refused.
    #[error(transparent)]
    Refused(#[from] ServiceError),
    /// A schedule in it is refused before the services see it.
    #[error("a schedule of the plan cannot be used: {0}")]
    Schedule(String),
}

/// The schedules of a plan in a file: the body of `POST /api/v1/schedules/preflight`.
///
/// # Errors
/// [`PlanFileError`].
pub fn plan_file(json: &[u8]) -> Result<Vec<ScheduleDraft>, PlanFileError> {
    let form: PreflightForm = serde_json::from_slice(json)?;
    drafts(form.schedules).map_err(|refused| match refused {
        HttpError::Service(error) => PlanFileError::Refused(error),
        other @ (HttpError::Enrolment(_) | HttpError::Unreadable { .. } | HttpError::CrossSite) => {
            PlanFileError::Schedule(other.to_string())
        }
    })
}

/// A preflight as the API gives it.
///
/// # Errors
/// Never: its keys are texts.
pub fn preflight_json(preflight: &Preflight) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&PreflightWire::from(preflight))
}

fn drafts(forms: Vec<ScheduleForm>) -> Result<Vec<ScheduleDraft>, HttpError> {
    let several = forms.len() > 1;
    let draft = |(number, form): (usize, ScheduleForm)| match form.draft() {
        Err(HttpError::Service(ServiceError::Invalid(found))) if several => {
            Err(found.within(&format!("schedules[{number}]")).into())
        }
        other => other,
    };
    forms.into_iter().enumerate().map(draft).collect()
}

async fn run(
    state: &AppState,
    visit: &crate::services::Visit,
    of: PreflightOf,
    days: Option<u32>,
) -> Result<Json<PreflightWire>, HttpError> {
    let preflights = &state.services.preflights;
    let preflight = preflights.run(&visit.principal, of, days.unwrap_or(DAYS_DEFAULT)).await?;
    Ok(Json(PreflightWire::from(&preflight)))
}

/// What will sound of a schedule, where, and what keeps it from sounding
#[utoipa::path(get, path = "/schedules/{id}/preflight", tag = "preflight", security(("session" = [])), params(("id" = String, Path), PreflightAsked), responses((status = 200, body = PreflightWire)))]
pub(super) async fn of_schedule(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(schedule): Named<String>,
    Asked(asked): Asked<PreflightAsked>,
) -> Result<Json<PreflightWire>, HttpError> {
    run(&state, &visit, PreflightOf::Schedule(id(&schedule, Thing::Schedule)?), asked.days).await
}

/// What would sound if these schedules stood too; nothing is stored
#[utoipa::path(post, path = "/schedules/preflight", tag = "preflight", security(("session" = [])), request_body = PreflightForm, responses((status = 200, body = PreflightWire)))]
pub(super) async fn of_drafts(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<PreflightForm>,
) -> Result<Json<PreflightWire>, HttpError> {
    run(&state, &visit, PreflightOf::Drafts(drafts(form.schedules)?), form.days).await
}

/// All that will sound in an area and below
#[utoipa::path(get, path = "/areas/{id}/preflight", tag = "preflight", security(("session" = [])), params(("id" = String, Path), PreflightAsked), responses((status = 200, body = PreflightWire)))]
pub(super) async fn of_area(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(area): Named<String>,
    Asked(asked): Asked<PreflightAsked>,
) -> Result<Json<PreflightWire>, HttpError> {
    run(&state, &visit, PreflightOf::Area(id(&area, Thing::Area)?), asked.days).await
}
