//! Who did what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::wire::instant;
use crate::http::query::Asked;
use crate::http::{AppState, HttpError, Visitor};
use crate::store::audit::{AuditFilter, AuditRecord};

/// One entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditWire {
    id: i64,
    at: String,
    /// Id of the person; absent: the operator at the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    actor_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// `thing.deed`, such as `bulletin.approved`.
    action: String,
    /// Id of the thing.
    subject: String,
    /// What was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// What is after.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

impl From<AuditRecord> for AuditWire {
    fn from(record: AuditRecord) -> Self {
        // What the services wrote is JSON; anything else is shown as the text that it is.
        let read = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            id: record.id,
            at: instant(record.at),
            actor: record.actor_id,
            actor_name: record.actor_name,
            address: record.address,
            action: record.action,
            subject: record.subject_id,
            before: record.before.map(read),
            after: record.after.map(read),
        }
    }
}

/// Which entries to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditAsked {
    /// Id of a thing.
    subject: Option<String>,
    /// Id of the last entry of the page before.
    before: Option<i64>,
    /// At most so many, 1 to 500; absent: 100.
    limit: Option<u32>,
}

/// Who did what in the areas whose log one may read, the latest first
#[utoipa::path(get, path = "/audit", tag = "audit", security(("session" = [])), params(AuditAsked), responses((status = 200, body = Vec<AuditWire>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Asked(asked): Asked<AuditAsked>,
) -> Result<Json<Vec<AuditWire>>, HttpError> {
    let filter =
        AuditFilter { subject_id: asked.subject, before_id: asked.before, limit: asked.limit.unwrap_or(100) };
    let entries = state.services.audit.list(&visit.principal, &filter).await?;
    Ok(Json(entries.into_iter().map(AuditWire::from).collect()))
}
