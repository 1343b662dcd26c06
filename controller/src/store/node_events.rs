//! What nodes refused of late.

use loa_protocol::ids::NodeId;
use loa_protocol::report::Event;
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire as _;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// How many events of a node are kept; what arrived at one instant is kept or forgotten together.
pub const EVENTS_KEPT: u32 = 50;

/// Keeps an event, once however often it is delivered, and forgets the oldest above [`EVENTS_KEPT`].
///
/// # Errors
/// [`StoreError::Reference`] when the node does not exist.
pub async fn insert(c: &mut Connection, node: &NodeId, event: &Event, now: UnixMs) -> Result<(), StoreError> {
    query(
        "INSERT INTO node_event (node_id, event, received_ms) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(node.as_str())
    .bind(event.to_cbor())
    .bind(now.0)
    .execute(&mut *c)
    .await?;
    query(
        "DELETE FROM node_event WHERE node_id = $1 AND received_ms <
         (SELECT received_ms FROM node_event WHERE node_id = $1 ORDER BY received_ms DESC LIMIT 1 OFFSET $2)",
    )
    .bind(node.as_str())
    .bind(i64::from(EVENTS_KEPT - 1))
    .execute(c)
    .await?;
    Ok(())
}

/// A node's last events, the latest first, with the instants at which they came. One in a form that this version
/// does not read is left out.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn list(c: &mut Connection, node: &NodeId) -> Result<Vec<(Event, UnixMs)>, StoreError> {
    let rows = query(
        "SELECT event, received_ms FROM node_event WHERE node_id = $1 ORDER BY received_ms DESC, event DESC LIMIT $2",
    )
    .bind(node.as_str())
    .bind(i64::from(EVENTS_KEPT))
    .fetch_all(c)
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Ok(event) = Event::from_cbor(&row.bytes("event")?) {
            events.push((event, row.instant("received_ms")?));
        }
    }
    Ok(events)
}
