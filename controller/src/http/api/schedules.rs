//! When and where bulletins sound.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::ids::ItemId;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Start;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bulletins::MissingLanguageWire;
use super::wire::instant;
use crate::domain::message::{FieldErrors, Message};
use crate::domain::schedule::{ScheduleDraft, StartDraft};
use crate::domain::schedule_rules::{ScheduleRulesDraft, interruption_word};
use crate::http::query::{Asked, Body, Named, field, id, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{SchedulePreview, ScheduleView, Thing};
use crate::store::schedules::ScheduleFilter;

/// How many starts a preview shows.
const PREVIEW_STARTS: usize = 10;

/// When and where a bulletin sounds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleWire {
    id: String,
    bulletin: String,
    title: String,
    class: &'static str,
    /// Whether plans carry it: approved, not cancelled, with a start to come.
    on_air: bool,
    /// The single start.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// The repeating pattern, in the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    zone: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    start_within_s: u32,
    /// Local dates on which it does not sound.
    excluded_dates: Vec<String>,
    /// Ids of calendars on whose days it does not sound.
    not_on: Vec<String>,
    /// Id of the calendar on whose days alone it sounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_on: Option<String>,
    /// How often it sounds in one session.
    rounds: u32,
    /// Silence between two rounds, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_s: Option<u32>,
    /// What happens when an emergency or a power cut interrupts it: `drop`, `resume` or `restart`.
    after_interruption: &'static str,
    areas: Vec<String>,
    nodes: Vec<String>,
    /// The next start at any target: nodes read a repeating time on the wall clock of the target's area.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The zone of the target at which that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_zone: Option<&'static str>,
    /// Why it does not get to nodes, or not to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ScheduleProblemWire>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled: Option<String>,
}

/// Why a schedule does not get to nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleProblemWire {
    code: &'static str,
    vi: String,
    en: String,
}

impl From<&ScheduleView> for ScheduleWire {
    fn from(view: &ScheduleView) -> Self {
        let values = &view.schedule.values;
        let rules = &values.rules;
        let (at, cron) = match &values.start {
            Start::At(at) => (Some(instant(*at)), None),
            Start::Cron(pattern) => (None, Some(pattern.to_string())),
        };
        Self {
            id: view.schedule.id.to_string(),
            bulletin: view.schedule.bulletin.to_string(),
            title: view.title().to_owned(),
            class: view.class().as_str(),
            on_air: view.is_on_air(),
            at,
            cron,
            zone: values.zone.name(),
            valid_from: values.valid_from.map(instant),
            valid_until: values.valid_until.map(instant),
            start_within_s: values.start_within_ms / 1000,
            excluded_dates: rules.excluded_dates.iter().map(ToString::to_string).collect(),
            not_on: rules.not_on.iter().map(ToString::to_string).collect(),
            only_on: rules.only_on.as_ref().map(ToString::to_string),
            rounds: rules.repeats.map_or(1, |repeats| repeats.rounds),
            gap_s: rules.repeats.map(|repeats| repeats.gap_ms / 1000),
            after_interruption: interruption_word(rules.after_interruption),
            areas: values.areas.iter().map(ToString::to_string).collect(),
            nodes: values.nodes.iter().map(ToString::to_string).collect(),
            next: view.next.map(|next| instant(next.at)),
            next_zone: view.next.map(|next| next.zone.name()),
            problem: view.problem.map(|problem| {
                let Message { code, vi, en } = problem.message();
                ScheduleProblemWire { code, vi: vi.into_owned(), en: en.into_owned() }
            }),
            created: instant(view.schedule.created),
            cancelled: view.schedule.cancelled.map(instant),
        }
    }
}

/// A schedule as typed. Times are on the wall clock of the bulletin's area.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleForm {
    /// Id of the bulletin.
    bulletin: String,
    /// Drawn by the caller, so that the same form sent twice makes one schedule. Absent: drawn here.
    id: Option<String>,
    /// Single start: `2026-11-22T17:30`. Either this or `cron`.
    at: Option<String>,
    /// Repeating start, five fields: `30 17 * * 1-5`.
    cron: Option<String>,
    /// First moment at which a repeating start counts.
    #[serde(default)]
    valid_from: String,
    /// Moment from which it counts no more.
    #[serde(default)]
    valid_until: String,
    /// How late a start may still be, 1 to 86,400 seconds; absent: 300.
    start_within_s: Option<u32>,
    /// Local dates on which it does not sound, at most 400: `2026-12-25`.
    #[serde(default)]
    #[schema(example = json!(["2026-12-25"]))]
    excluded_dates: Vec<String>,
    /// Ids of calendars on whose days it does not sound: `vn-public-holidays`.
    #[serde(default)]
    #[schema(example = json!(["vn-public-holidays"]))]
    not_on: Vec<String>,
    /// Id of the calendar on whose days alone it sounds: `vn-lunar-1-15`; empty: on all days.
    #[serde(default)]
    #[schema(example = "")]
    only_on: String,
    /// How often it sounds in one session, 1 to 10; absent: once.
    #[schema(example = 2)]
    rounds: Option<u32>,
    /// Silence between two rounds, 1 to 600 seconds; absent: 5.
    #[schema(example = 10)]
    gap_s: Option<u32>,
    /// What happens when an emergency or a power cut interrupts it: `drop`, it ends (also where this is empty); `resume`, it goes
    /// on with the part that was cut; `restart`, it begins again.
    #[serde(default)]
    #[schema(example = "resume")]
    after_interruption: String,
    /// Ids of areas: every node in them, connected or not.
    #[serde(default)]
    areas: Vec<String>,
    /// Ids of single nodes.
    #[serde(default)]
    nodes: Vec<String>,
}

impl ScheduleForm {
    pub(super) fn draft(self) -> Result<ScheduleDraft, HttpError> {
        let filled = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
        let start = match (filled(self.at), filled(self.cron)) {
            (Some(at), None) => StartDraft::Once(at),
            (None, Some(cron)) => StartDraft::Cron(cron),
            (Some(_), Some(_)) | (None, None) => {
                let message = Message::fixed(
                    "start.one",
                    "Chọn một lần phát hoặc lịch lặp lại, và chỉ một trong hai.",
                    "Give one start or a repeating pattern, and only one of them.",
                );
                return Err(FieldErrors::one("at", message).into());
            }
        };
        Ok(ScheduleDraft {
            bulletin: required("bulletin", &self.bulletin)?,
            start,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            start_within_s: self.start_within_s,
            areas: self.areas,
            nodes: self.nodes,
            rules: ScheduleRulesDraft {
                excluded_dates: self.excluded_dates.join(","),
                not_on: self.not_on,
                only_on: self.only_on,
                rounds: self.rounds,
                gap_s: self.gap_s,
                after_interruption: self.after_interruption,
            },
        })
    }
}

/// Which schedules to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SchedulesAsked {
    /// Id of a bulletin.
    bulletin: Option<String>,
    /// With those that were cancelled or are over.
    #[serde(default)]
    with_past: bool,
    /// Id of the last one of the page before.
    before: Option<String>,
    /// At most so many, 1 to 200; absent: 50.
    limit: Option<u32>,
}

/// The schedules of bulletins that one may see, the latest made first
#[utoipa::path(get, path = "/schedules", tag = "schedules", security(("session" = [])), params(SchedulesAsked), responses((status = 200, body = Vec<ScheduleWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Asked(asked): Asked<SchedulesAsked>,
) -> Result<Json<Vec<ScheduleWire>>, HttpError> {
    let filter = ScheduleFilter {
        bulletin: field("bulletin", asked.bulletin.as_deref())?,
        with_past: asked.with_past,
        since: UnixMs::default(),
        before: field("before", asked.before.as_deref())?,
        limit: asked.limit.unwrap_or(50),
    };
    let views = state.services.schedules.list(&visit.principal, &filter).await?;
    Ok(Json(views.iter().map(ScheduleWire::from).collect()))
}

/// Set when and where a bulletin sounds; plans carry it once the bulletin is approved
#[utoipa::path(post, path = "/schedules", tag = "schedules", security(("session" = [])), request_body = ScheduleForm, responses((status = 201, body = ScheduleWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<ScheduleForm>,
) -> Result<(StatusCode, Json<ScheduleWire>), HttpError> {
    let id: Option<ItemId> = field("id", form.id.as_deref())?;
    let view = state.services.schedules.create(&visit.principal, &form.draft()?, id).await?;
    Ok((StatusCode::CREATED, Json(ScheduleWire::from(&view))))
}

/// What a schedule would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewWire {
    zone: &'static str,
    /// The first starts at any target, at most ten.
    starts: Vec<String>,
    /// Languages that its villages need and the bulletin has no track in.
    missing_languages: Vec<MissingLanguageWire>,
}

impl PreviewWire {
    fn of(preview: &SchedulePreview, now: UnixMs) -> Self {
        let starts = std::iter::successors(preview.next_after(now), |last| preview.next_after(last.at));
        Self {
            zone: preview.values.zone.name(),
            starts: starts.take(PREVIEW_STARTS).map(|start| instant(start.at)).collect(),
            missing_languages: MissingLanguageWire::all(&preview.missing),
        }
    }
}

/// Check a schedule and see its first starts, without storing anything
#[utoipa::path(post, path = "/schedules/preview", tag = "schedules", security(("session" = [])), request_body = ScheduleForm, responses((status = 200, body = PreviewWire)))]
pub(super) async fn preview(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<ScheduleForm>,
) -> Result<Json<PreviewWire>, HttpError> {
    let preview = state.services.schedules.preview(&visit.principal, &form.draft()?).await?;
    Ok(Json(PreviewWire::of(&preview, state.services.clock().now())))
}

/// One schedule
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = ScheduleWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(schedule): Named<String>,
) -> Result<Json<ScheduleWire>, HttpError> {
    let view = state.services.schedules.get(&visit.principal, &id(&schedule, Thing::Schedule)?).await?;
    Ok(Json(ScheduleWire::from(&view)))
}

/// End a schedule
#[utoipa::path(post, path = "/schedules/{id}/cancel", tag = "schedules", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = ScheduleWire)))]
pub(super) async fn cancel(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(schedule): Named<String>,
) -> Result<Json<ScheduleWire>, HttpError> {
    let view = state.services.schedules.cancel(&visit.principal, &id(&schedule, Thing::Schedule)?).await?;
    Ok(Json(ScheduleWire::from(&view)))
}
