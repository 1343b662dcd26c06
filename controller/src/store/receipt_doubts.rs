//! What speaks against receipts, and what of the chain is known.

use loa_protocol::ids::{Digest, NodeId};
use loa_protocol::time::UnixMs;

use super::query::query;
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

/// The links of a node's receipts with these numbers, the ends included.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn links(
    c: &mut Connection,
    node: &NodeId,
    (first, last): (u64, u64),
) -> Result<Vec<Link>, StoreError> {
    let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let rows = query(
        "SELECT number, occurrence_id, digest, previous FROM receipt
         WHERE node_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number",
    )
    .bind(node.as_str())
    .bind(bound(first))
    .bind(bound(last))
    .fetch_all(c)
    .await?;
    let digest = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest);
    rows.iter()
        .map(|row| {
            Ok(Link {
                number: row.number("number")?,
                occurrence: row.text("occurrence_id")?,
                digest: digest(row.bytes_opt("digest")?),
                previous: digest(row.bytes_opt("previous")?),
            })
        })
        .collect()
}

/// Whether the node has ever signed a receipt that is here.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn has_signed(c: &mut Connection, node: &NodeId) -> Result<bool, StoreError> {
    let found = query("SELECT 1 FROM receipt WHERE node_id = $1 AND signed = 1 LIMIT 1");
    Ok(found.bind(node.as_str()).fetch_optional(c).await?.is_some())
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
