//! How far nodes are with a sound, and how audio gets to them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::instant;
use crate::domain::role::Action;
use crate::http::query::{Named, id};
use crate::http::{AppState, HttpError, Visitor};
use crate::services::{DeliveryFigures, Ready, ServiceError, Thing};

/// How far nodes are with a sound.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyWire {
    /// Nodes that are to play it.
    nodes: usize,
    /// Of these, nodes that have all of it.
    ready: usize,
    /// Nodes that know of it and fetch it.
    fetching: usize,
    /// Connected nodes that have not said that they know of it.
    waiting: usize,
    /// Nodes that are not connected and have not said so.
    away: usize,
    /// Blocks that are there on those that fetch, in all of their objects of this schedule.
    blocks_have: u64,
    /// Blocks that there are to be on those.
    blocks_total: u64,
}

impl From<&Ready> for ReadyWire {
    fn from(of: &Ready) -> Self {
        let Ready { nodes, ready, fetching, waiting, away, blocks_have, blocks_total } = *of;
        Self { nodes, ready, fetching, waiting, away, blocks_have, blocks_total }
    }
}

/// How far the nodes of a schedule are with its sound.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadinessWire {
    /// The start that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// All nodes, each once.
    all: ReadyWire,
    /// Those in each target area, by its id.
    areas: BTreeMap<String, ReadyWire>,
    /// Those that it names by themselves.
    named: ReadyWire,
}

/// How many of a schedule's nodes have its sound; all zero while no plan carries it
#[utoipa::path(get, path = "/schedules/{id}/readiness", tag = "schedules", security(("session" = [])), params(("id" = String, Path)), responses((status = 200, body = ReadinessWire)))]
pub(super) async fn readiness(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
    Named(schedule): Named<String>,
) -> Result<Json<ReadinessWire>, HttpError> {
    let (who, schedules) = (&visit.principal, &state.services.schedules);
    let view = schedules.get(who, &id(&schedule, Thing::Schedule)?).await?;
    let views = std::slice::from_ref(&view);
    let of = schedules.readiness(who, views).await?.remove(&view.schedule.id).unwrap_or_default();
    Ok(Json(ReadinessWire {
        next: view.next.map(|next| instant(next.at)),
        all: ReadyWire::from(&of.all),
        areas: of.areas.iter().map(|(area, ready)| (area.to_string(), ReadyWire::from(ready))).collect(),
        named: ReadyWire::from(&of.named),
    }))
}

/// How audio got to nodes since the controller began.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveriesWire {
    /// Blocks that went to one node.
    single_blocks: u64,
    /// Blocks that went to a whole area at once, each counted once.
    wave_blocks: u64,
    /// How often a whole area was sent an object, or what many lacked of it.
    waves: u64,
    /// Bytes handed to the broker.
    published_bytes: u64,
    /// Bytes that the broker hands to nodes.
    delivered_bytes: u64,
    /// Of these, bytes for nodes that had them already, as far as was known.
    wasted_bytes: u64,
    /// Requests for what a node's plans do not name.
    refused_wants: u64,
    /// Requests that were not answered, because a node asks for the same for ever.
    slowed_wants: u64,
}

/// How audio got to nodes since the controller began
#[utoipa::path(get, path = "/deliveries", tag = "nodes", security(("session" = [])), responses((status = 200, body = DeliveriesWire)))]
pub(super) async fn deliveries(
    State(state): State<AppState>,
    Visitor(visit): Visitor,
) -> Result<Json<DeliveriesWire>, HttpError> {
    if !visit.principal.may_somewhere(Action::ManageNodes) {
        let refused = crate::domain::role::Forbidden { action: Action::ManageNodes };
        return Err(ServiceError::from(refused).into());
    }
    let DeliveryFigures {
        single_blocks,
        wave_blocks,
        waves,
        published_bytes,
        delivered_bytes,
        wasted_bytes,
        refused_wants,
        slowed_wants,
    } = state.services.deliveries().figures();
    Ok(Json(DeliveriesWire {
        single_blocks,
        wave_blocks,
        waves,
        published_bytes,
        delivered_bytes,
        wasted_bytes,
        refused_wants,
        slowed_wants,
    }))
}
