//! Emergencies that are given at once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::tracks::TrackWire;
use super::wire::{instant, path};
use crate::domain::alert::{AlertDraft, Ended, ExpiryDraft, severity_word};
use crate::domain::bulletin::{SourceDraft, TrackDraft};
use crate::domain::live_order::reason_words;
use crate::domain::message::UiLanguage;
use crate::http::query::{Asked, Body, Named, id, required};
use crate::http::{AppState, HttpError, ReaderLanguage, Visitor};
use crate::services::{AlertView, Thing, Wave};
use crate::store::alert_answers::{Counts, NodeAnswer};

/// An emergency that is given at once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertWire {
    /// Also the id of its bulletin: receipts name it.
    id: String,
    /// `speaking`, `waiting`, `sent`, `returned`, `cancelled` or `over`.
    state: &'static str,
    /// `actual`, `exercise` or `test`, as CAP has it.
    status: &'static str,
    /// `minor`, `moderate`, `severe` or `extreme`, as CAP has it.
    severity: &'static str,
    title: String,
    text: String,
    tracks: Vec<TrackWire>,
    /// Ids of the areas in which it sounds; none inside another.
    areas: Vec<String>,
    /// Ids from the root to the narrowest area that holds them all.
    path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// The alert in whose place it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<String>,
    /// How often it sounds.
    rounds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_s: Option<u32>,
    expires: String,
    /// How long it sounds where every track is heard, in milliseconds; absent while a sound is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    length_ms: Option<i64>,
    /// Households of its areas, as far as known.
    households: u64,
    /// Whether nobody has said of a part of its areas how many live there. Then two people approve it.
    households_unknown: bool,
    approvers_needed: u32,
    approvals: Vec<ApprovalWire>,
    created: String,
    /// Id of who gave it, or `operator`.
    created_by: String,
    /// When the last approval that it needs was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<EndedWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled: Option<EndedWire>,
    /// Why it cannot be approved, or does not sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Hand it back with an approval: it names the words, the sounds, the places and all else that was seen.
    seen: String,
    /// How far it got; with one alert, not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<WaveWire>,
}

/// An approval.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalWire {
    /// Id of the person.
    by: String,
    at: String,
}

/// Why and by whom it was ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndedWire {
    at: String,
    /// Id of a person, or `operator`.
    by: String,
    /// As typed; where a correction took its place, words that say so, in the reader's language.
    reason: String,
}

impl EndedWire {
    fn of(ended: &Ended, language: UiLanguage) -> Self {
        let reason = reason_words(&ended.reason).text(language).to_owned();
        Self { at: instant(ended.stamp.at), by: ended.stamp.by.clone(), reason }
    }
}

/// What nodes said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaveWire {
    /// In all areas that you may see.
    all: CountsWire,
    areas: Vec<AreaCountsWire>,
    /// Those first that need a look: refused, silent, not sounding. At most 200.
    nodes: Vec<NodeAnswerWire>,
}

/// How many nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountsWire {
    nodes: u64,
    /// Connected at this moment.
    online: u64,
    received: u64,
    verified: u64,
    /// Have begun to sound.
    sounding: u64,
    refused: u64,
    /// Have said nothing.
    silent: u64,
}

/// How many nodes of one area.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AreaCountsWire {
    area: String,
    counts: CountsWire,
}

/// What one node said. Instants are its own clock's.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeAnswerWire {
    node: String,
    name: String,
    path: Vec<String>,
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<String>,
    /// Code of the reason for which it refused the document, and never verified one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
    /// When its first sample was at the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    sounding: Option<String>,
}

impl From<&Counts> for CountsWire {
    fn from(counts: &Counts) -> Self {
        let Counts { nodes, online, received, verified, sounding, refused } = *counts;
        Self { nodes, online, received, verified, sounding, refused, silent: counts.silent() }
    }
}

impl From<&NodeAnswer> for NodeAnswerWire {
    fn from(answer: &NodeAnswer) -> Self {
        Self {
            node: answer.node.to_string(),
            name: answer.name.clone(),
            path: path(&answer.path),
            online: answer.online,
            received: answer.received.map(instant),
            verified: answer.verified.map(instant),
            refused: answer.refused().map(|number| crate::domain::refused::numbered(number).code),
            sounding: answer.started.map(instant),
        }
    }
}

impl From<&Wave> for WaveWire {
    fn from(wave: &Wave) -> Self {
        let area = |(area, counts): &(loa_protocol::ids::AreaId, Counts)| AreaCountsWire {
            area: area.to_string(),
            counts: CountsWire::from(counts),
        };
        Self {
            all: CountsWire::from(&wave.all),
            areas: wave.areas.iter().map(area).collect(),
            nodes: wave.nodes.iter().map(NodeAnswerWire::from).collect(),
        }
    }
}

impl AlertWire {
    fn of(view: &AlertView, wave: Option<&Wave>, ReaderLanguage(language): ReaderLanguage) -> Self {
        let alert = &view.alert;
        Self {
            id: alert.id.to_string(),
            state: view.state.as_str(),
            status: alert.status.as_str(),
            severity: severity_word(alert.severity),
            title: view.revision.title.clone(),
            text: view.revision.text.clone(),
            tracks: view.revision.tracks.iter().map(TrackWire::from).collect(),
            areas: alert.areas.iter().map(|area| area.id.to_string()).collect(),
            path: path(&alert.path),
            template: alert.template.as_ref().map(ToString::to_string),
            corrects: alert.corrects.as_ref().map(ToString::to_string),
            rounds: alert.repeats.map_or(1, |repeats| repeats.rounds),
            gap_s: alert.repeats.map(|repeats| repeats.gap_ms / 1_000),
            expires: instant(alert.expires),
            length_ms: view.length_ms,
            households: alert.reached.households,
            households_unknown: alert.reached.some_unknown,
            approvers_needed: alert.approvers_needed,
            approvals: alert
                .approvals
                .iter()
                .map(|approval| ApprovalWire { by: approval.by.to_string(), at: instant(approval.at) })
                .collect(),
            created: instant(alert.created.at),
            created_by: alert.created.by.clone(),
            released: alert.released.map(instant),
            returned: alert.returned.as_ref().map(|ended| EndedWire::of(ended, language)),
            cancelled: alert.cancelled.as_ref().map(|ended| EndedWire::of(ended, language)),
            problem: view.problem.as_ref().map(|problem| problem.text(language).to_owned()),
            seen: view.seen().to_string(),
            wave: wave.map(WaveWire::from),
        }
    }
}

/// One language's words.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SpokenForm {
    /// Code of the language.
    language: String,
    text: String,
    /// Empty: the configured one.
    #[serde(default)]
    voice: String,
}

impl SpokenForm {
    pub(super) fn drafts(forms: Vec<Self>) -> Vec<TrackDraft> {
        let draft = |Self { language, text, voice }: Self| TrackDraft {
            source: SourceDraft::Speech { text, voice, words_per_minute: None },
            language,
        };
        forms.into_iter().map(draft).collect()
    }
}

/// An emergency as given. Either `template`, or `title` and `text`; either `expires`, or `valid_minutes`.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AlertForm {
    /// Names the form: the same form sent twice with it gives one alert. 32 hex digits, such as a UUID without hyphens.
    #[serde(default)]
    id: Option<String>,
    /// Ids of the areas. Of areas inside one another the widest is taken.
    #[serde(default)]
    areas: Vec<String>,
    /// Id of an approved template. One person may send it.
    #[serde(default)]
    template: String,
    #[serde(default)]
    title: String,
    /// In Vietnamese.
    #[serde(default)]
    text: String,
    /// Words in other languages. One in Vietnamese says which voice speaks the text; its own words are ignored.
    #[serde(default)]
    tracks: Vec<SpokenForm>,
    /// `disaster_prevention` unless told.
    #[serde(default)]
    category: String,
    #[serde(default)]
    severity: String,
    /// `actual` unless told. An exercise or a test says so in its title, and first and last in what sounds.
    #[serde(default)]
    status: String,
    /// Nothing begins at or after this instant (RFC 3339), at most 24 hours from now.
    #[serde(default)]
    expires: Option<String>,
    /// The same in minutes from now; 60 unless either is told.
    #[serde(default)]
    valid_minutes: Option<u32>,
    /// How often it sounds, 1 to 10; 2 unless told.
    #[serde(default)]
    rounds: Option<u32>,
    /// Silence between two rounds, in seconds; 5 unless told.
    #[serde(default)]
    gap_s: Option<u32>,
    /// Id of the alert in whose place it comes. That one is stopped when this one is sent.
    #[serde(default)]
    corrects: String,
}

/// How often an alert sounds unless somebody says.
const ROUNDS: u32 = 2;
/// For how many minutes it holds unless somebody says.
const VALID_MINUTES: u32 = 60;

impl AlertForm {
    fn draft(self) -> AlertDraft {
        let expiry = match (self.expires, self.valid_minutes) {
            (Some(at), _) => ExpiryDraft::At(at),
            (None, minutes) => ExpiryDraft::Minutes(minutes.unwrap_or(VALID_MINUTES)),
        };
        AlertDraft {
            areas: self.areas,
            template: self.template,
            title: self.title,
            text: self.text,
            category: self.category,
            tracks: SpokenForm::drafts(self.tracks),
            severity: self.severity,
            status: self.status,
            expiry,
            rounds: self.rounds.unwrap_or(ROUNDS),
            gap_s: self.gap_s,
            corrects: self.corrects,
        }
    }
}

/// Give an emergency, now
///
/// Its sounds are made at once, ahead of all others. It is sent when it has as many approvals as it needs: two where it reaches more
/// households than the operator set or nobody knows how many, else one; none where it says the words of an approved template. The same
/// form with the same `id` gives the same alert; another form with it is refused (409 `alert.id_used`).
#[utoipa::path(post, path = "/alerts", tag = "alerts", security(("session" = [])), request_body = AlertForm, responses((status = 201, body = AlertWire)))]
pub(super) async fn give(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Body(form): Body<AlertForm>,
) -> Result<(StatusCode, Json<AlertWire>), HttpError> {
    let id = form.id.as_deref().map(|id| required("id", id)).transpose()?;
    let view = state.services.alerts.give(&visit.principal, &form.draft(), id).await?;
    Ok((StatusCode::CREATED, Json(AlertWire::of(&view, None, language))))
}

/// How many alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertsAsked {
    /// At most so many, the latest first; 20 unless told, at most 100.
    limit: Option<u32>,
}

/// The emergencies that were given, the latest first
#[utoipa::path(get, path = "/alerts", tag = "alerts", security(("session" = [])), params(AlertsAsked), responses((status = 200, body = Vec<AlertWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Asked(asked): Asked<AlertsAsked>,
) -> Result<Json<Vec<AlertWire>>, HttpError> {
    let views = state.services.alerts.list(&visit.principal, asked.limit.unwrap_or(20)).await?;
    Ok(Json(views.iter().map(|view| AlertWire::of(view, None, language)).collect()))
}

/// One emergency, and how far it got
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = AlertWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(alert): Named<String>,
) -> Result<Json<AlertWire>, HttpError> {
    let alert = id(&alert, Thing::Alert)?;
    let alerts = &state.services.alerts;
    let view = alerts.get(&visit.principal, &alert).await?;
    let wave = alerts.wave(&visit.principal, &alert).await?;
    Ok(Json(AlertWire::of(&view, Some(&wave), language)))
}

/// What was seen and heard of an alert.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AlertSeen {
    /// `seen` of the alert that was shown.
    #[serde(default)]
    seen: String,
}

/// Approve an emergency; with the last approval that it needs it is sent
#[utoipa::path(post, path = "/alerts/{id}/approve", tag = "alerts", security(("session" = [])), params(("id" = String, Path)), request_body = AlertSeen, responses((status = 200, body = AlertWire)))]
pub(super) async fn approve(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(alert): Named<String>,
    Body(form): Body<AlertSeen>,
) -> Result<Json<AlertWire>, HttpError> {
    let alert = id(&alert, Thing::Alert)?;
    let seen = required("seen", &form.seen)?;
    let view = state.services.alerts.approve(&visit.principal, &alert, &seen).await?;
    Ok(Json(AlertWire::of(&view, None, language)))
}

/// Why an alert is ended.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AlertReason {
    /// On one line.
    #[serde(default)]
    reason: String,
}

/// Give an emergency back to its author, unsent
#[utoipa::path(post, path = "/alerts/{id}/return", tag = "alerts", security(("session" = [])), params(("id" = String, Path)), request_body = AlertReason, responses((status = 200, body = AlertWire)))]
pub(super) async fn give_back(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(alert): Named<String>,
    Body(form): Body<AlertReason>,
) -> Result<Json<AlertWire>, HttpError> {
    let alert = id(&alert, Thing::Alert)?;
    let view = state.services.alerts.give_back(&visit.principal, &alert, &form.reason).await?;
    Ok(Json(AlertWire::of(&view, None, language)))
}

/// Stop an emergency, wherever it is by now
///
/// Nodes end it within a second, and those that come later do not begin it. One person does it who may write or approve emergencies in
/// all of its areas.
#[utoipa::path(post, path = "/alerts/{id}/cancel", tag = "alerts", security(("session" = [])), params(("id" = String, Path)), request_body = AlertReason, responses((status = 200, body = AlertWire)))]
pub(super) async fn cancel(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(alert): Named<String>,
    Body(form): Body<AlertReason>,
) -> Result<Json<AlertWire>, HttpError> {
    let alert = id(&alert, Thing::Alert)?;
    let view = state.services.alerts.cancel(&visit.principal, &alert, &form.reason).await?;
    Ok(Json(AlertWire::of(&view, None, language)))
}

/// Give an emergency in the place of another
///
/// As `POST /alerts` with `corrects`: the other one is stopped when this one is sent.
#[utoipa::path(post, path = "/alerts/{id}/correct", tag = "alerts", security(("session" = [])), params(("id" = String, Path)), request_body = AlertForm, responses((status = 201, body = AlertWire)))]
pub(super) async fn correct(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    language: ReaderLanguage,
    Named(former): Named<String>,
    Body(form): Body<AlertForm>,
) -> Result<(StatusCode, Json<AlertWire>), HttpError> {
    let former: loa_protocol::ids::BulletinId = id(&former, Thing::Alert)?;
    let id = form.id.as_deref().map(|id| required("id", id)).transpose()?;
    let alerts = &state.services.alerts;
    let before = alerts.get(&visit.principal, &former).await?;
    let mut draft = form.draft();
    draft.corrects = former.to_string();
    if draft.areas.is_empty() {
        draft.areas = before.alert.areas.iter().map(|area| area.id.to_string()).collect();
    }
    let view = alerts.give(&visit.principal, &draft, id).await?;
    Ok((StatusCode::CREATED, Json(AlertWire::of(&view, None, language))))
}
