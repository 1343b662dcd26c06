//! What nodes say of themselves: the last state, the last few health reports.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::NodeId;
use loa_protocol::report::{Health, State};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::OwnGuards;
use loa_protocol::wire::Wire as _;

use super::many::{Said, pieces};
use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::role::Scope;

/// How many health reports of a node are kept.
pub const HEALTH_KEPT: u32 = 96;

/// Keeps nodes' states, one of each.
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn put_states(c: &mut Connection, said: &[Said<'_, State>]) -> Result<(), StoreError> {
    for said in pieces(said) {
        let mut query = QueryBuilder::new(
            "INSERT INTO node_report (node_id, seen_ms, firmware, clock, storage, objects_ready, objects_fetching, state,
             state_ms, own_guards) ",
        );
        query.push_values(said, |mut row, Said { node, at, word }| {
            row.push_bind(node.as_str())
                .push_bind(at.0)
                .push_bind(&word.firmware)
                .push_bind(word.clock.as_str())
                .push_bind(word.storage.as_str())
                .push_bind(i64::from(word.objects_ready))
                .push_bind(i64::try_from(word.fetching.len()).unwrap_or(i64::MAX))
                .push_bind(word.to_cbor())
                .push_bind(at.0)
                .push_bind(word.own_guards.as_ref().and_then(|own| minicbor::to_vec(own).ok()));
        });
        query.push(
            " ON CONFLICT (node_id) DO UPDATE SET seen_ms = excluded.seen_ms, firmware = excluded.firmware,
             clock = excluded.clock, storage = excluded.storage, objects_ready = excluded.objects_ready,
             objects_fetching = excluded.objects_fetching, state = excluded.state, state_ms = excluded.state_ms,
             own_guards = excluded.own_guards",
        );
        query.build().execute(c).await?;
    }
    Ok(())
}

/// Keeps nodes' health, one report of each, and forgets all but the last [`HEALTH_KEPT`] of a node.
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn put_healths(c: &mut Connection, said: &[Said<'_, Health>]) -> Result<(), StoreError> {
    for said in pieces(said) {
        let mut query =
            QueryBuilder::new("INSERT INTO node_report (node_id, seen_ms, clock, health, health_ms) ");
        query.push_values(said, |mut row, Said { node, at, word }| {
            row.push_bind(node.as_str())
                .push_bind(at.0)
                .push_bind(word.clock.as_str())
                .push_bind(word.to_cbor())
                .push_bind(at.0);
        });
        query.push(
            " ON CONFLICT (node_id) DO UPDATE SET seen_ms = excluded.seen_ms, clock = excluded.clock,
             health = excluded.health, health_ms = excluded.health_ms",
        );
        query.build().execute(c).await?;

        let mut query = QueryBuilder::new("INSERT INTO node_health (node_id, received_ms, health) ");
        query.push_values(said, |mut row, Said { node, at, word }| {
            row.push_bind(node.as_str()).push_bind(at.0).push_bind(word.to_cbor());
        });
        query.push(" ON CONFLICT (node_id, received_ms) DO UPDATE SET health = excluded.health");
        query.build().execute(c).await?;

        let mut query =
            QueryBuilder::new("DELETE FROM node_health WHERE (node_id, received_ms) IN (WITH told (id) AS (");
        query.push_values(said, |mut row, said| {
            row.push_bind(said.node.as_str());
        });
        query.push(
            ") SELECT h.node_id, h.received_ms FROM told CROSS JOIN node_health h WHERE h.node_id = told.id
             AND h.received_ms <= (SELECT k.received_ms FROM node_health k WHERE k.node_id = told.id
                 ORDER BY k.received_ms DESC LIMIT 1 OFFSET ",
        );
        query.push_bind(i64::from(HEALTH_KEPT)).push("))");
        query.build().execute(c).await?;
    }
    Ok(())
}

/// Notes that something was heard of nodes.
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn touch<T>(c: &mut Connection, said: &[Said<'_, T>]) -> Result<(), StoreError> {
    for said in pieces(said) {
        let mut query = QueryBuilder::new("INSERT INTO node_report (node_id, seen_ms) ");
        query.push_values(said, |mut row, said| {
            row.push_bind(said.node.as_str()).push_bind(said.at.0);
        });
        query.push(" ON CONFLICT (node_id) DO UPDATE SET seen_ms = excluded.seen_ms");
        query.build().execute(c).await?;
    }
    Ok(())
}

/// A node's last state, and when it came. Nothing when none came, or when it was written in a form that this version
/// does not read: the node says it again on its next connection.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn state(c: &mut Connection, node: &NodeId) -> Result<Option<(State, UnixMs)>, StoreError> {
    let row = query("SELECT state, state_ms FROM node_report WHERE node_id = $1")
        .bind(node.as_str())
        .fetch_optional(c)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (Some(bytes), Some(at)) = (row.bytes_opt("state")?, row.instant_opt("state_ms")?) else {
        return Ok(None);
    };
    Ok(State::from_cbor(&bytes).ok().map(|state| (state, at)))
}

/// Every enrolled node in the scopes, where it stands, whether it is connected, and its last state, as [`state`] gives it.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn states(
    c: &mut Connection,
    scopes: &[Scope],
) -> Result<Vec<(NodeId, AreaPath, bool, Option<State>)>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT n.id, a.path, p.online, r.state FROM node n JOIN area a ON a.id = n.area_id
         LEFT JOIN node_presence p ON p.node_id = n.id LEFT JOIN node_report r ON r.node_id = n.id
         WHERE n.removed_ms IS NULL AND n.state = 'enrolled' AND ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY n.id");
    let read = |row: &Row| {
        let online = row.number_opt::<i64>("online")? == Some(1);
        let state = row.bytes_opt("state")?.and_then(|bytes| State::from_cbor(&bytes).ok());
        Ok((row.parsed("id")?, row.path("path")?, online, state))
    };
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// What boards forbid by their own configuration, as they last said; those that forbid nothing, and what this version does not
/// read, are left out.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn own_guards(c: &mut Connection) -> Result<BTreeMap<NodeId, OwnGuards>, StoreError> {
    let rows = query("SELECT node_id, own_guards FROM node_report WHERE own_guards IS NOT NULL")
        .fetch_all(c)
        .await?;
    let mut guards = BTreeMap::new();
    for row in &rows {
        if let Ok(own) = minicbor::decode(&row.bytes("own_guards")?) {
            guards.insert(row.parsed("node_id")?, own);
        }
    }
    Ok(guards)
}

/// A node's last health reports, the latest first, with the instants at which they came.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn health(c: &mut Connection, node: &NodeId) -> Result<Vec<(Health, UnixMs)>, StoreError> {
    let rows =
        query("SELECT received_ms, health FROM node_health WHERE node_id = $1 ORDER BY received_ms DESC")
            .bind(node.as_str())
            .fetch_all(c)
            .await?;
    let mut reports = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Ok(report) = Health::from_cbor(&row.bytes("health")?) {
            reports.push((report, row.instant("received_ms")?));
        }
    }
    Ok(reports)
}

/// The last health report of every node in the scopes that has sent one.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn last_health(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<(NodeId, Health)>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT r.node_id, r.health FROM node_report r JOIN node n ON n.id = r.node_id
         JOIN area a ON a.id = n.area_id WHERE r.health IS NOT NULL AND ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY r.node_id");
    let mut reports = Vec::new();
    for row in &query.build().fetch_all(c).await? {
        // A report in a form that this version does not read is replaced within minutes.
        if let Ok(report) = Health::from_cbor(&row.bytes("health")?) {
            reports.push((row.parsed("node_id")?, report));
        }
    }
    Ok(reports)
}
