//! What nodes refused of late.

use loa_protocol::ids::NodeId;
use loa_protocol::report::Event;
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire as _;

use super::many::{Said, pieces};
use super::query::{QueryBuilder, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// How many events of a node are kept; what arrived at one instant is kept or forgotten together.
pub const EVENTS_KEPT: u32 = 50;

/// Keeps nodes' events, one of each, once however often they are delivered; forgets the oldest of a node above [`EVENTS_KEPT`].
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn insert(c: &mut Connection, said: &[Said<'_, Event>]) -> Result<(), StoreError> {
    for said in pieces(said) {
        let mut query = QueryBuilder::new("INSERT INTO node_event (node_id, event, received_ms) ");
        query.push_values(said, |mut row, Said { node, at, word }| {
            row.push_bind(node.as_str()).push_bind(word.to_cbor()).push_bind(at.0);
        });
        // Which columns tell events apart differs between the databases: no index of PostgreSQL holds so many bytes.
        query.push(" ON CONFLICT DO NOTHING");
        query.build().execute(c).await?;

        let mut query =
            QueryBuilder::new("DELETE FROM node_event WHERE (node_id, event) IN (WITH told (id) AS (");
        query.push_values(said, |mut row, said| {
            row.push_bind(said.node.as_str());
        });
        query.push(
            ") SELECT e.node_id, e.event FROM told CROSS JOIN node_event e WHERE e.node_id = told.id
             AND e.received_ms < (SELECT k.received_ms FROM node_event k WHERE k.node_id = told.id
                 ORDER BY k.received_ms DESC LIMIT 1 OFFSET ",
        );
        query.push_bind(i64::from(EVENTS_KEPT - 1)).push("))");
        query.build().execute(c).await?;
    }
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
