//! Loudspeaker clusters.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use loa_protocol::clock::ClockSource;
use loa_protocol::report::{Event, Health};
use loa_protocol::time::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{instant, path};
use crate::domain::doubt::Doubt;
use crate::domain::message::Message;
use crate::domain::node::{LineClass, Node, NodeDraft, NodeStatus};
use crate::domain::refused;
use crate::http::query::{Body, Named, id, required};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::Thing;

/// A loudspeaker cluster.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeWire {
    id: String,
    /// Ids from the root to the area in which it stands.
    path: Vec<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    /// `pending`, `enrolled` or `revoked`.
    state: &'static str,
    /// Loudness of the horn, 0 to 100.
    volume_percent: u8,
    /// What its line carries: `unknown` (taken for 4G), `fibre`, `mobile` (4G) or `thin` (64 kbit/s).
    line: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_expires: Option<String>,
    /// What it last said; absent where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<NodeStatusWire>,
}

/// What a node last said of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NodeStatusWire {
    online: bool,
    /// When anything was last heard of it.
    seen: Option<String>,
    firmware: Option<String>,
    /// `trusted`, `holdover` or `unknown`.
    clock: Option<String>,
    /// `good`, `full` or `failing`.
    storage: Option<String>,
    objects_ready: Option<u32>,
    objects_fetching: Option<u32>,
}

impl NodeWire {
    fn of(node: &Node, status: Option<&NodeStatus>) -> Self {
        Self {
            id: node.id.to_string(),
            path: path(&node.path),
            name: node.name.clone(),
            serial: node.serial.clone(),
            state: node.state.as_str(),
            volume_percent: node.volume_percent,
            line: node.line.as_str(),
            certificate_expires: node.certificate.as_ref().map(|c| instant(c.expires)),
            status: status.map(|status| NodeStatusWire {
                online: status.online,
                seen: status.seen.map(instant),
                firmware: status.firmware.clone(),
                clock: status.clock.clone(),
                storage: status.storage.clone(),
                objects_ready: status.objects_ready,
                objects_fetching: status.objects_fetching,
            }),
        }
    }
}

/// A node as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NodeForm {
    name: String,
    /// Id of the area in which it stands.
    area: String,
    /// The board's serial number; empty: not known.
    #[serde(default)]
    serial: String,
    /// Loudness of the horn, 0 to 100; absent: 80.
    volume_percent: Option<u8>,
    /// What its line carries: `unknown`, `fibre`, `mobile` or `thin`; empty: `unknown`.
    #[serde(default)]
    line: String,
}

impl NodeForm {
    fn draft(self) -> Result<NodeDraft, HttpError> {
        let area = required("area", &self.area)?;
        let line = match self.line.as_str() {
            "" => LineClass::default(),
            line => required("line", line)?,
        };
        let volume_percent = self.volume_percent;
        Ok(NodeDraft { name: self.name, area, serial: self.serial, volume_percent, line })
    }
}

/// The nodes that one may see, by place and name
#[utoipa::path(get, path = "/nodes", tag = "nodes", security(("session" = [])), responses((status = 200, body = Vec<NodeWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<Vec<NodeWire>>, HttpError> {
    let nodes = state.services.nodes.list(&visit.principal).await?;
    Ok(Json(nodes.iter().map(|(node, status)| NodeWire::of(node, Some(status))).collect()))
}

/// Enter a node that no board has enrolled for
#[utoipa::path(post, path = "/nodes", tag = "nodes", security(("session" = [])), request_body = NodeForm, responses((status = 201, body = NodeWire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Body(form): Body<NodeForm>,
) -> Result<(StatusCode, Json<NodeWire>), HttpError> {
    let node = state.services.nodes.create(&visit.principal, &form.draft()?).await?;
    Ok((StatusCode::CREATED, Json(NodeWire::of(&node, None))))
}

/// One node
#[utoipa::path(get, path = "/nodes/{id}", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = NodeWire)))]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<Json<NodeWire>, HttpError> {
    let (node, status) = state.services.nodes.get(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok(Json(NodeWire::of(&node, Some(&status))))
}

/// Change a node's name, place, serial number or volume
#[utoipa::path(put, path = "/nodes/{id}", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), request_body = NodeForm, responses((status = 200, body = NodeWire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
    Body(form): Body<NodeForm>,
) -> Result<Json<NodeWire>, HttpError> {
    let node = id(&node, Thing::Node)?;
    let node = state.services.nodes.update(&visit.principal, &node, &form.draft()?).await?;
    Ok(Json(NodeWire::of(&node, None)))
}

/// How a node's board was. What the board cannot measure is absent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthWire {
    received: String,
    measured: String,
    uptime_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supply_mv: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_free_bytes: Option<u64>,
    receipts_waiting: u32,
    refused: u32,
    clock: &'static str,
    /// Where it has the time from: `system`, `exchange` (from the controller), `held` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_source: Option<&'static str>,
    /// By how much its clock may be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_error_ms: Option<u64>,
    /// By how much the board's time service is ahead of the controller: there only where one of them is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker_works: Option<bool>,
    /// Bytes of audio that came since the board's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_bytes: Option<u64>,
    /// Of these, bytes that were of no use to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_wasted_bytes: Option<u64>,
}

impl HealthWire {
    fn of(health: &Health, received: UnixMs) -> Self {
        Self {
            received: instant(received),
            measured: instant(health.measured),
            uptime_s: health.uptime_s,
            temperature_celsius: health.temperature_decidegrees.map(|t| f64::from(t) / 10.0),
            supply_mv: health.supply_mv,
            memory_bytes: health.memory_bytes,
            disk_free_bytes: health.disk_free_bytes,
            receipts_waiting: health.receipts_waiting,
            refused: health.refused,
            clock: health.clock.as_str(),
            clock_source: health.clock_source.map(ClockSource::as_str),
            clock_error_ms: health.clock_error_ms,
            clock_ahead_ms: health.clock_ahead_ms,
            speaker_works: health.speaker_works,
            audio_bytes: health.audio_bytes,
            audio_wasted_bytes: health.audio_wasted_bytes,
        }
    }
}

/// A node's last health reports, the latest first
#[utoipa::path(get, path = "/nodes/{id}/health", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<HealthWire>)))]
pub(super) async fn health(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<Json<Vec<HealthWire>>, HttpError> {
    let reports = state.services.nodes.health(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok(Json(reports.iter().map(|(health, received)| HealthWire::of(health, *received)).collect()))
}

/// Something that a node refused: a signed document, a block of audio, an object in its cache.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventWire {
    received: String,
    /// On the node's own clock.
    at: String,
    /// Such as `refused.signature` or `block.wrong_hash`.
    code: &'static str,
    vi: String,
    en: String,
}

impl EventWire {
    fn of(event: &Event, received: UnixMs) -> Self {
        let Message { code, vi, en } = refused::words(&event.kind);
        Self {
            received: instant(received),
            at: instant(event.at),
            code,
            vi: vi.into_owned(),
            en: en.into_owned(),
        }
    }
}

/// What a node refused of late, the latest first
#[utoipa::path(get, path = "/nodes/{id}/events", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<EventWire>)))]
pub(super) async fn events(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<Json<Vec<EventWire>>, HttpError> {
    let events = state.services.nodes.events(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok(Json(events.iter().map(|(event, received)| EventWire::of(event, *received)).collect()))
}

/// Something that speaks against a node's receipts. The receipts themselves are kept all the same.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DoubtWire {
    /// When it was found.
    found: String,
    /// Number of the receipt, in the node's own count.
    number: u64,
    /// `hole`: the receipt before it is missing; it may still come. `changed`: it does not fit those next to it, or came before with
    /// other content. `forged`: it came under a signature that is not this node's. `unsigned`: it came without one, from a node that
    /// signs.
    doubt: &'static str,
    vi: String,
    en: String,
}

impl DoubtWire {
    fn of((number, doubt, found): (u64, Doubt, UnixMs)) -> Self {
        let Message { vi, en, .. } = doubt.words(number);
        Self {
            found: instant(found),
            number,
            doubt: doubt.as_str(),
            vi: vi.into_owned(),
            en: en.into_owned(),
        }
    }
}

/// What speaks against a node's receipts, the latest found first
#[utoipa::path(get, path = "/nodes/{id}/doubts", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = Vec<DoubtWire>)))]
pub(super) async fn doubts(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<Json<Vec<DoubtWire>>, HttpError> {
    let doubts = state.services.nodes.doubts(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok(Json(doubts.into_iter().map(DoubtWire::of).collect()))
}

/// An enrolment token. It is shown once and kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenWire {
    /// The line to carry to the board.
    token: String,
    expires: String,
}

/// Make a node's enrolment token; an earlier one stops working
#[utoipa::path(post, path = "/nodes/{id}/enrolment-token", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 201, body = TokenWire)))]
pub(super) async fn issue_token(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<(StatusCode, Json<TokenWire>), HttpError> {
    let shown = state.enrolments.issue(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok((StatusCode::CREATED, Json(TokenWire { token: shown.text, expires: instant(shown.expires) })))
}

/// Why a node is revoked.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RevokeForm {
    /// For the audit log.
    #[serde(default)]
    reason: String,
}

/// Make a node's certificate worthless, at once
#[utoipa::path(post, path = "/nodes/{id}/revoke", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), request_body = RevokeForm, responses((status = 200, body = NodeWire)))]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
    Body(form): Body<RevokeForm>,
) -> Result<Json<NodeWire>, HttpError> {
    let node = id(&node, Thing::Node)?;
    let node = state.services.nodes.revoke(&visit.principal, &node, &form.reason).await?;
    Ok(Json(NodeWire::of(&node, None)))
}

/// Remove a node that is revoked, or for which no board ever enrolled; its receipts stay
#[utoipa::path(delete, path = "/nodes/{id}", tag = "nodes", security(("session" = [])), params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(node): Named<String>,
) -> Result<StatusCode, HttpError> {
    state.services.nodes.remove(&visit.principal, &id(&node, Thing::Node)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
