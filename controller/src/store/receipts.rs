//! What became of each occurrence on each node: the proof of play.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{BulletinId, Digest, ItemId, NodeId, OccurrenceId};
use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{Past, Sounded};

use super::many::pieces;
use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::role::Scope;

/// A receipt that came, with what shows that it is what its node wrote.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// The node.
    pub node: &'a NodeId,
    /// What it wrote.
    pub receipt: &'a Receipt,
    /// The digest of the receipt as it was sent.
    pub digest: Option<Digest>,
    /// Whether it came under the node's own signature.
    pub is_signed: bool,
    /// When it came.
    pub at: UnixMs,
}

#[cfg(test)]
impl<'a> Arrived<'a> {
    /// A receipt that nothing proves.
    pub(crate) fn unproven(node: &'a NodeId, receipt: &'a Receipt, at: UnixMs) -> Self {
        Self { node, receipt, digest: None, is_signed: false, at }
    }
}

/// Keeps receipts; those that are kept already change nothing. Gives how many were not.
///
/// # Errors
/// [`StoreError::Reference`] when a node does not exist.
pub async fn insert(c: &mut Connection, arrived: &[Arrived<'_>]) -> Result<u64, StoreError> {
    let mut kept = 0;
    for arrived in pieces(arrived) {
        let mut query = QueryBuilder::new(
            "INSERT INTO receipt (node_id, number, occurrence_id, item_id, bulletin_id, revision, nominal_start_ms,
             outcome, reason, started_ms, played_ms, clock, written_ms, received_ms, digest, previous, signed) ",
        );
        query.push_values(arrived, |mut row, Arrived { node, receipt, digest, is_signed, at }| {
            row.push_bind(node.as_str())
                .push_bind(i64::try_from(receipt.number).unwrap_or(i64::MAX))
                .push_bind(receipt.occurrence.to_string())
                .push_bind(receipt.item.as_str())
                .push_bind(receipt.bulletin.as_str())
                .push_bind(i64::from(receipt.revision))
                .push_bind(receipt.nominal.0)
                .push_bind(receipt.outcome.as_str())
                .push_bind(receipt.outcome.reason().map(|r| r.to_string()))
                .push_bind(receipt.sound.map(|s| s.started.0))
                .push_bind(receipt.sound.map(|s| i64::from(s.played_ms)))
                .push_bind(receipt.clock.as_str())
                .push_bind(receipt.written.0)
                .push_bind(at.0)
                .push_bind(digest.map(|digest| digest.as_bytes().to_vec()))
                .push_bind(receipt.previous.map(|digest| digest.as_bytes().to_vec()))
                .push_bind(*is_signed);
        });
        query.push(" ON CONFLICT (node_id, number, occurrence_id) DO NOTHING");
        kept += query.build().execute(c).await?.rows_affected();
    }
    Ok(kept)
}

/// A receipt as it was kept, with the place of its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRecord {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub node_name: String,
    /// Where it stands.
    pub path: AreaPath,
    /// Name of its area.
    pub area_name: String,
    /// The occurrence.
    pub occurrence: OccurrenceId,
    /// The schedule.
    pub item: ItemId,
    /// The bulletin.
    pub bulletin: BulletinId,
    /// The title of the revision that was planned, if it is still kept.
    pub title: Option<String>,
    /// The bulletin's revision that was planned.
    pub revision: u32,
    /// When it was planned.
    pub nominal: UnixMs,
    /// `played`, `partial` or `missed`.
    pub outcome: String,
    /// Why it did not sound wholly; see [`loa_protocol::receipt::Reason`].
    pub reason: Option<String>,
    /// When it began.
    pub started: Option<UnixMs>,
    /// How long it sounded.
    pub played_ms: Option<u32>,
    /// The node's own number of the receipt. Of two receipts of one occurrence, the later holds; numbers
    /// begin again with a board that was replaced, whose receipts come later.
    pub number: u64,
    /// How far the node trusted its clock.
    pub clock: String,
    /// When the receipt came.
    pub received: UnixMs,
}

impl ReceiptRecord {
    /// How late it began, negative when early.
    pub fn start_error_ms(&self) -> Option<i64> {
        self.started.map(|started| started.since(self.nominal))
    }
}

/// Which receipts to read, the latest planned first.
#[derive(Debug, Clone, Default)]
pub struct ReceiptFilter {
    /// Of this bulletin alone.
    pub bulletin: Option<BulletinId>,
    /// Of this occurrence alone.
    pub occurrence: Option<OccurrenceId>,
    /// Of this node alone.
    pub node: Option<NodeId>,
    /// Planned at or after this instant.
    pub from: Option<UnixMs>,
    /// Planned before this instant.
    pub until: Option<UnixMs>,
    /// How many at most.
    pub limit: u32,
}

/// Receipts of nodes that stand in the scopes, and of bulletins that are theirs wherever the node stands now: who ordered a
/// bulletin keeps the proof of it when a village moves. Of several of one node for one occurrence, the one that holds
/// comes first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(
    c: &mut Connection,
    scopes: &[Scope],
    filter: &ReceiptFilter,
) -> Result<Vec<ReceiptRecord>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT r.node_id, n.name AS node_name, a.path, a.name AS area_name, r.occurrence_id, r.item_id, r.bulletin_id,
         v.title, r.revision, r.number, r.nominal_start_ms, r.outcome, r.reason, r.started_ms, r.played_ms, r.clock, r.received_ms
         FROM receipt r JOIN node n ON n.id = r.node_id JOIN area a ON a.id = n.area_id
         LEFT JOIN revision v ON v.bulletin_id = r.bulletin_id AND v.revision = r.revision
         LEFT JOIN bulletin b ON b.id = r.bulletin_id LEFT JOIN area o ON o.id = b.area_id WHERE (",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" OR ");
    push_in_scopes(&mut query, "o.path", scopes);
    query.push(")");
    if let Some(bulletin) = &filter.bulletin {
        query.push(" AND r.bulletin_id = ").push_bind(bulletin.as_str().to_owned());
    }
    if let Some(occurrence) = &filter.occurrence {
        query.push(" AND r.occurrence_id = ").push_bind(occurrence.to_string());
    }
    if let Some(node) = &filter.node {
        query.push(" AND r.node_id = ").push_bind(node.as_str().to_owned());
    }
    if let Some(from) = filter.from {
        query.push(" AND r.nominal_start_ms >= ").push_bind(from.0);
    }
    if let Some(until) = filter.until {
        query.push(" AND r.nominal_start_ms < ").push_bind(until.0);
    }
    query.push(" ORDER BY r.nominal_start_ms DESC, r.occurrence_id, a.path, r.node_id, r.received_ms DESC, r.number DESC
         LIMIT ");
    query.push_bind(i64::from(filter.limit));
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// What nodes' receipts say of occurrences planned at `from` or later. Of several receipts of one node for one occurrence, the one
/// that holds; an occurrence of a bulletin that is no longer kept counts as of the normal class.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn past_since(c: &mut Connection, from: UnixMs) -> Result<BTreeMap<NodeId, Vec<Past>>, StoreError> {
    let rows = query(
        "SELECT r.node_id, r.item_id, r.occurrence_id, r.nominal_start_ms, r.started_ms, r.played_ms, r.written_ms, v.class
         FROM receipt r LEFT JOIN revision v ON v.bulletin_id = r.bulletin_id AND v.revision = r.revision
         WHERE r.nominal_start_ms >= $1 ORDER BY r.received_ms, r.number",
    )
    .bind(from.0)
    .fetch_all(c)
    .await?;
    let mut past: BTreeMap<NodeId, BTreeMap<OccurrenceId, Past>> = BTreeMap::new();
    for row in &rows {
        let occurrence = row.parsed("occurrence_id")?;
        let written = row.instant("written_ms")?;
        let sounded = row.instant_opt("started_ms")?.map(|from| (from, row.number_opt("played_ms")));
        let sounded = match sounded {
            None => None,
            Some((from, sound_ms)) => {
                Some(Sounded { from, until: written.max(from), sound_ms: sound_ms?.unwrap_or(0) })
            }
        };
        let told = Past {
            item: row.parsed("item_id")?,
            nominal: row.instant("nominal_start_ms")?,
            occurrence,
            class: row.parsed_opt("class")?.unwrap_or(Class::Normal),
            sounded,
        };
        past.entry(row.parsed("node_id")?).or_default().insert(occurrence, told);
    }
    Ok(past.into_iter().map(|(node, past)| (node, past.into_values().collect())).collect())
}

fn read(row: &Row) -> Result<ReceiptRecord, StoreError> {
    Ok(ReceiptRecord {
        node: row.parsed("node_id")?,
        node_name: row.text("node_name")?,
        path: row.path("path")?,
        area_name: row.text("area_name")?,
        occurrence: row.parsed("occurrence_id")?,
        item: row.parsed("item_id")?,
        bulletin: row.parsed("bulletin_id")?,
        title: row.text_opt("title")?,
        revision: row.number("revision")?,
        nominal: row.instant("nominal_start_ms")?,
        outcome: row.text("outcome")?,
        reason: row.text_opt("reason")?,
        started: row.instant_opt("started_ms")?,
        played_ms: row.number_opt("played_ms")?,
        number: row.number("number")?,
        clock: row.text("clock")?,
        received: row.instant("received_ms")?,
    })
}
