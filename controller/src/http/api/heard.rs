//! What sounded where.

use axum::Json;
use axum::extract::State;
use loa_protocol::time::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{instant, path};
use crate::domain::message::{FieldErrors, Message};
use crate::http::query::{Asked, Named, field, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{OccurrenceHeard, Thing, VillageHeard};
use crate::store::receipts::{ReceiptFilter, ReceiptRecord};

/// One planned start, and what became of it on every node that has said so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OccurrenceWire {
    occurrence: String,
    schedule: String,
    bulletin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// When it was planned.
    planned: String,
    played: usize,
    partial: usize,
    missed: usize,
    receipts: Vec<ReceiptWire>,
}

/// What became of one planned start on one node.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiptWire {
    node: String,
    node_name: String,
    path: Vec<String>,
    area_name: String,
    planned: String,
    /// `played`, `partial` or `missed`.
    outcome: String,
    /// Why it did not sound wholly.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    /// How late it began, negative when early, on the node's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_error_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    played_ms: Option<u32>,
    clock: String,
    received: String,
}

impl From<&ReceiptRecord> for ReceiptWire {
    fn from(receipt: &ReceiptRecord) -> Self {
        Self {
            node: receipt.node.to_string(),
            node_name: receipt.node_name.clone(),
            path: path(&receipt.path),
            area_name: receipt.area_name.clone(),
            planned: instant(receipt.nominal),
            outcome: receipt.outcome.clone(),
            reason: receipt.reason.clone(),
            started: receipt.started.map(instant),
            start_error_ms: receipt.start_error_ms(),
            played_ms: receipt.played_ms,
            clock: receipt.clock.clone(),
            received: instant(receipt.received),
        }
    }
}

impl From<&OccurrenceHeard> for OccurrenceWire {
    fn from(heard: &OccurrenceHeard) -> Self {
        Self {
            occurrence: heard.occurrence.to_string(),
            schedule: heard.item.to_string(),
            bulletin: heard.bulletin.to_string(),
            title: heard.title.clone(),
            planned: instant(heard.nominal),
            played: heard.count("played"),
            partial: heard.count("partial"),
            missed: heard.count("missed"),
            receipts: heard.receipts.iter().map(ReceiptWire::from).collect(),
        }
    }
}

/// Which receipts to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HeardAsked {
    /// Id of a bulletin.
    bulletin: Option<String>,
    /// An occurrence.
    occurrence: Option<String>,
    /// Id of a node.
    node: Option<String>,
    /// Planned at or after, RFC 3339.
    from: Option<String>,
    /// Planned before, RFC 3339.
    until: Option<String>,
    /// At most so many receipts, 1 to 5,000; absent: 500.
    limit: Option<u32>,
}

fn instant_asked(name: &'static str, text: Option<&str>) -> Result<Option<UnixMs>, HttpError> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(None) };
    chrono::DateTime::parse_from_rfc3339(text).map(|at| Some(UnixMs(at.timestamp_millis()))).map_err(|_| {
        let message = Message::written(
            "instant.unreadable",
            format!("“{text}” không phải thời điểm RFC 3339. Ví dụ đúng: 2026-11-22T10:30:00Z."),
            format!("“{text}” is no RFC 3339 instant. A right one: 2026-11-22T10:30:00Z."),
        );
        FieldErrors::one(name, message).into()
    })
}

/// What became of planned starts, the latest first
#[utoipa::path(get, path = "/heard", tag = "heard", security(("session" = [])), params(HeardAsked), responses((status = 200, body = Vec<OccurrenceWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Asked(asked): Asked<HeardAsked>,
) -> Result<Json<Vec<OccurrenceWire>>, HttpError> {
    let filter = ReceiptFilter {
        bulletin: field("bulletin", asked.bulletin.as_deref())?,
        occurrence: field("occurrence", asked.occurrence.as_deref())?,
        node: field("node", asked.node.as_deref())?,
        from: instant_asked("from", asked.from.as_deref())?,
        until: instant_asked("until", asked.until.as_deref())?,
        limit: asked.limit.unwrap_or(500),
    };
    let heard = state.services.heard.occurrences(&visit.principal, &filter).await?;
    Ok(Json(heard.iter().map(OccurrenceWire::from).collect()))
}

/// Who was to hear a bulletin, and who did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CoverageWire {
    /// Nodes that its schedules target.
    targeted: usize,
    /// Nodes on which it sounded wholly, the last time.
    played: usize,
    nodes: Vec<VillageWire>,
}

/// One targeted node, and the last that became of the bulletin there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VillageWire {
    node: String,
    node_name: String,
    path: Vec<String>,
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<ReceiptWire>,
}

impl From<&VillageHeard> for VillageWire {
    fn from(village: &VillageHeard) -> Self {
        Self {
            node: village.node.to_string(),
            node_name: village.node_name.clone(),
            path: path(&village.path),
            online: village.online,
            last: village.last.as_ref().map(ReceiptWire::from),
        }
    }
}

/// Who was to hear a bulletin, and who did
#[utoipa::path(get, path = "/bulletins/{id}/coverage", tag = "heard", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = CoverageWire)))]
pub(super) async fn coverage(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(bulletin): Named<String>,
) -> Result<Json<CoverageWire>, HttpError> {
    let bulletin = id(&bulletin, Thing::Bulletin)?;
    let coverage = state.services.heard.coverage(&visit.principal, &bulletin).await?;
    Ok(Json(CoverageWire {
        targeted: coverage.villages.len(),
        played: coverage.played(),
        nodes: coverage.villages.iter().map(VillageWire::from).collect(),
    }))
}
