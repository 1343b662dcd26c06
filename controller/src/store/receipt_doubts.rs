//! What speaks against receipts, and what of the chain is known.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::ids::{Digest, NodeId};
use loa_protocol::time::UnixMs;

use super::many::pieces;
use super::query::{QueryBuilder, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::doubt::Doubt;

/// Most doubts of a node that are kept. By then somebody has to look at the board, and nobody may fill the database.
pub const DOUBTS_KEPT: u32 = 50;

/// What is kept of a receipt's place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The receipt's number.
    pub number: u64,
    /// Its occurrence.
    pub occurrence: String,
    /// Its digest; `None` for one that was kept before digests were.
    pub digest: Option<Digest>,
    /// The digest that it names as that of the one before it.
    pub previous: Option<Digest>,
}

/// The links of nodes' receipts between two numbers each, the ends included, ascending.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn links(
    c: &mut Connection,
    spans: &[(&NodeId, (u64, u64))],
) -> Result<BTreeMap<NodeId, Vec<Link>>, StoreError> {
    let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let digest = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest);
    let mut links: BTreeMap<NodeId, Vec<Link>> = BTreeMap::new();
    for spans in pieces(spans) {
        let mut query = QueryBuilder::new("WITH span (id, low, high) AS (");
        query.push_values(spans, |mut row, (node, (first, last))| {
            row.push_bind(node.as_str()).push_bind(bound(*first)).push_bind(bound(*last));
        });
        query.push(
            ") SELECT r.node_id, r.number, r.occurrence_id, r.digest, r.previous FROM span CROSS JOIN receipt r
             WHERE r.node_id = span.id AND r.number BETWEEN span.low AND span.high ORDER BY r.node_id, r.number",
        );
        for row in &query.build().fetch_all(c).await? {
            let link = Link {
                number: row.number("number")?,
                occurrence: row.text("occurrence_id")?,
                digest: digest(row.bytes_opt("digest")?),
                previous: digest(row.bytes_opt("previous")?),
            };
            links.entry(row.parsed("node_id")?).or_default().push(link);
        }
    }
    Ok(links)
}

/// The receipts of these nodes before which one is missing.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn holes(c: &mut Connection, nodes: &[&NodeId]) -> Result<BTreeSet<(NodeId, u64)>, StoreError> {
    let mut holes = BTreeSet::new();
    for nodes in pieces(nodes) {
        let mut query = QueryBuilder::new("WITH asked (id) AS (");
        query.push_values(nodes, |mut row, node| {
            row.push_bind(node.as_str());
        });
        query.push(
            ") SELECT d.node_id, d.number FROM asked CROSS JOIN receipt_doubt d
             WHERE d.node_id = asked.id AND d.kind = 'hole'",
        );
        for row in &query.build().fetch_all(c).await? {
            holes.insert((row.parsed("node_id")?, row.number("number")?));
        }
    }
    Ok(holes)
}

/// Notes a doubt, once however often it is found. Gives whether it is new; above [`DOUBTS_KEPT`] none is.
///
/// # Errors
/// [`StoreError::Reference`] when the node does not exist.
pub async fn note(
    c: &mut Connection,
    node: &NodeId,
    (number, doubt): (u64, Doubt),
    now: UnixMs,
) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO receipt_doubt (node_id, number, kind, found_ms) SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM receipt_doubt WHERE node_id = $1) < $5
         ON CONFLICT (node_id, number, kind) DO NOTHING",
    )
    .bind(node.as_str())
    .bind(i64::try_from(number).unwrap_or(i64::MAX))
    .bind(doubt.as_str())
    .bind(now.0)
    .bind(i64::from(DOUBTS_KEPT))
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets that the receipt before this one is missing. Gives whether that was noted.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn fill(c: &mut Connection, node: &NodeId, number: u64) -> Result<bool, StoreError> {
    let done = query("DELETE FROM receipt_doubt WHERE node_id = $1 AND number = $2 AND kind = 'hole'")
        .bind(node.as_str())
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// What speaks against a node's receipts, the latest found first: the receipt's number, what, and since when.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, node: &NodeId) -> Result<Vec<(u64, Doubt, UnixMs)>, StoreError> {
    let rows = query(
        "SELECT number, kind, found_ms FROM receipt_doubt WHERE node_id = $1 ORDER BY found_ms DESC, number DESC, kind",
    )
    .bind(node.as_str())
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|row| Ok((row.number("number")?, row.parsed("kind")?, row.instant("found_ms")?)))
        .collect()
}
