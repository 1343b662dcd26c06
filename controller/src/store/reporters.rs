//! What must be known of many nodes at once to judge what they report.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;

use super::many::pieces;
use super::query::QueryBuilder;
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::node::NodeState;

/// A node that reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporter {
    /// How far it has come.
    pub state: NodeState,
    /// Where it stands.
    pub path: AreaPath,
    /// SHA-256 of its certificate, lower-case hex.
    pub fingerprint: Option<String>,
}

/// Those of these nodes that exist.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of(c: &mut Connection, ids: &[&NodeId]) -> Result<BTreeMap<NodeId, Reporter>, StoreError> {
    let mut found = BTreeMap::new();
    for ids in pieces(ids) {
        let mut query = asking(ids);
        query.push(
            "SELECT n.id, n.state, a.path, n.certificate_fingerprint FROM asked CROSS JOIN node n
             JOIN area a ON a.id = n.area_id WHERE n.id = asked.id AND n.removed_ms IS NULL",
        );
        for row in &query.build().fetch_all(c).await? {
            let reporter = Reporter {
                state: row.parsed("state")?,
                path: row.path("path")?,
                fingerprint: row.text_opt("certificate_fingerprint")?,
            };
            found.insert(row.parsed("id")?, reporter);
        }
    }
    Ok(found)
}

/// The latest instant at which each of these nodes is known to have said something: when it last reported or connected, else
/// when its board enrolled or it was entered.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn last_heard(c: &mut Connection, ids: &[&NodeId]) -> Result<BTreeMap<NodeId, UnixMs>, StoreError> {
    let mut found = BTreeMap::new();
    for ids in pieces(ids) {
        let mut query = asking(ids);
        query.push(
            "SELECT n.id, r.seen_ms, p.changed_ms, n.enrolled_ms, n.created_ms FROM asked CROSS JOIN node n
             LEFT JOIN node_report r ON r.node_id = n.id LEFT JOIN node_presence p ON p.node_id = n.id
             WHERE n.id = asked.id",
        );
        for row in &query.build().fetch_all(c).await? {
            let heard = row.instant_opt("seen_ms")?.max(row.instant_opt("changed_ms")?);
            let enrolled = row.instant_opt("enrolled_ms")?.unwrap_or(row.instant("created_ms")?);
            found.insert(row.parsed("id")?, heard.unwrap_or(enrolled));
        }
    }
    Ok(found)
}

/// Those of these nodes that have ever signed a receipt that is here.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn have_signed(c: &mut Connection, ids: &[&NodeId]) -> Result<BTreeSet<NodeId>, StoreError> {
    let mut found = BTreeSet::new();
    for ids in pieces(ids) {
        let mut query = asking(ids);
        query.push(
            "SELECT asked.id FROM asked WHERE EXISTS
             (SELECT 1 FROM receipt r WHERE r.node_id = asked.id AND r.signed = 1)",
        );
        for row in &query.build().fetch_all(c).await? {
            found.insert(row.parsed("id")?);
        }
    }
    Ok(found)
}

/// The beginning of a query over these nodes, as the table `asked`.
fn asking<'q>(ids: &[&'q NodeId]) -> QueryBuilder<'q> {
    let mut query = QueryBuilder::new("WITH asked (id) AS (");
    query.push_values(ids, |mut row, id| {
        row.push_bind(id.as_str());
    });
    query.push(") ");
    query
}
