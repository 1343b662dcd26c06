//! What nodes said of alerts, and how many did.

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, BulletinId, NodeId};
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, query};
use super::rows::{Columns as _, subtree};
use super::{Connection, StoreError};

/// Most rows of one statement.
const ROWS_MAX: usize = 500;

/// A node's word on a document: when it came, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentAnswer {
    /// The node.
    pub node: NodeId,
    /// The area whose document it is.
    pub area: AreaId,
    /// The document's epoch.
    pub epoch: u64,
    /// When it came, on the node's clock.
    pub received: UnixMs,
    /// When it was verified, on the node's clock; `None`: it was refused.
    pub verified: Option<UnixMs>,
    /// The number of the refusal.
    pub refusal: Option<u16>,
}

/// A node's word that an alert sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundingAnswer {
    /// The node.
    pub node: NodeId,
    /// The alert.
    pub alert: BulletinId,
    /// When its document came, on the node's clock.
    pub received: UnixMs,
    /// When the first sample was at the device, on the node's clock.
    pub started: UnixMs,
}

/// Keeps what nodes said of documents, for each alert that those carried. What comes twice changes nothing; what was verified once
/// stays so.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn note_documents(
    c: &mut Connection,
    answers: &[DocumentAnswer],
    now: UnixMs,
) -> Result<(), StoreError> {
    for answers in answers.chunks(ROWS_MAX) {
        let mut query =
            QueryBuilder::new("WITH told (node_id, area_id, epoch, received_ms, verified_ms, refusal) AS (");
        query.push_values(answers, |mut row, answer| {
            row.push_bind(answer.node.as_str().to_owned())
                .push_bind(answer.area.as_str().to_owned())
                .push_bind(i64::try_from(answer.epoch).unwrap_or(i64::MAX))
                .push_bind(answer.received.0)
                .push_bind(answer.verified.map(|at| at.0))
                .push_bind(answer.refusal.map(i64::from));
        });
        query
            .push(
                ") INSERT INTO alert_answer (alert_id, node_id, received_ms, verified_ms, refusal, told_ms)
             SELECT d.alert_id, t.node_id, MIN(t.received_ms), MIN(t.verified_ms), MAX(t.refusal), ",
            )
            .push_bind(now.0)
            .push(
                " FROM told t JOIN alert_in_document d ON d.area_id = t.area_id AND d.epoch = t.epoch
             JOIN node n ON n.id = t.node_id GROUP BY d.alert_id, t.node_id
             ON CONFLICT (alert_id, node_id) DO UPDATE SET
             verified_ms = COALESCE(alert_answer.verified_ms, excluded.verified_ms),
             refusal = COALESCE(excluded.refusal, alert_answer.refusal)",
            );
        query.build().execute(&mut *c).await?;
    }
    Ok(())
}

/// Keeps from when on alerts sounded on nodes: the earliest that each said. What sounds was received and verified, even if the word of
/// that was lost.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn note_sounding(
    c: &mut Connection,
    answers: &[SoundingAnswer],
    now: UnixMs,
) -> Result<(), StoreError> {
    for answers in answers.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::new("WITH told (node_id, alert_id, received_ms, started_ms) AS (");
        query.push_values(answers, |mut row, answer| {
            row.push_bind(answer.node.as_str().to_owned())
                .push_bind(answer.alert.as_str().to_owned())
                .push_bind(answer.received.0)
                .push_bind(answer.started.0);
        });
        query
            .push(
                ") INSERT INTO alert_answer (alert_id, node_id, received_ms, verified_ms, started_ms, told_ms)
             SELECT l.id, t.node_id, MIN(t.received_ms), MIN(t.received_ms), MIN(t.started_ms), ",
            )
            .push_bind(now.0)
            .push(
                " FROM told t JOIN alert l ON l.id = t.alert_id JOIN node n ON n.id = t.node_id
             GROUP BY l.id, t.node_id
             ON CONFLICT (alert_id, node_id) DO UPDATE SET
             verified_ms = COALESCE(alert_answer.verified_ms, excluded.verified_ms),
             started_ms = COALESCE(alert_answer.started_ms, excluded.started_ms)",
            );
        query.build().execute(&mut *c).await?;
    }
    Ok(())
}

/// How far an alert got in one of its areas, in nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Enrolled nodes there.
    pub nodes: u64,
    /// Of these, connected at this moment.
    pub online: u64,
    /// Have the document.
    pub received: u64,
    /// Have verified it.
    pub verified: u64,
    /// Have begun to sound.
    pub sounding: u64,
    /// Have refused it.
    pub refused: u64,
}

impl Counts {
    /// Have said nothing.
    pub fn silent(&self) -> u64 {
        self.nodes.saturating_sub(self.received)
    }

    /// Adds those of another area.
    pub fn add(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.online += other.online;
        self.received += other.received;
        self.verified += other.verified;
        self.sounding += other.sounding;
        self.refused += other.refused;
    }
}

/// How far an alert got in an area and below.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn counts(c: &mut Connection, alert: &BulletinId, area: &AreaPath) -> Result<Counts, StoreError> {
    let (from, below) = subtree(area);
    let row = query(
        "SELECT COUNT(*) AS nodes, COUNT(w.received_ms) AS received, COUNT(w.verified_ms) AS verified,
         COUNT(w.started_ms) AS sounding,
         CAST(COALESCE(SUM(CASE WHEN w.verified_ms IS NULL AND w.refusal IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS refused,
         CAST(COALESCE(SUM(COALESCE(p.online, 0)), 0) AS BIGINT) AS online
         FROM node n JOIN area a ON a.id = n.area_id
         LEFT JOIN node_presence p ON p.node_id = n.id
         LEFT JOIN alert_answer w ON w.node_id = n.id AND w.alert_id = $1
         WHERE n.state = 'enrolled' AND n.removed_ms IS NULL AND a.path >= $2 AND a.path < $3",
    )
    .bind(alert.as_str())
    .bind(from)
    .bind(below)
    .fetch_one(c)
    .await?;
    Ok(Counts {
        nodes: row.number("nodes")?,
        online: row.number("online")?,
        received: row.number("received")?,
        verified: row.number("verified")?,
        sounding: row.number("sounding")?,
        refused: row.number("refused")?,
    })
}

/// One node, and how far an alert got there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAnswer {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub path: AreaPath,
    /// Whether it is connected at this moment.
    pub online: bool,
    /// When it got the document, on its own clock.
    pub received: Option<UnixMs>,
    /// When it had verified it.
    pub verified: Option<UnixMs>,
    /// The number of the refusal.
    pub refusal: Option<u16>,
    /// When it began to sound.
    pub started: Option<UnixMs>,
}

impl NodeAnswer {
    /// The number of the refusal, unless it was verified after all.
    pub fn refused(&self) -> Option<u16> {
        self.refusal.filter(|_| self.verified.is_none())
    }

    /// How much it needs a look, least first: refused, silent, not sounding, sounding.
    pub fn need(&self) -> u8 {
        match self {
            Self { verified: None, refusal: Some(_), .. } => 0,
            Self { received: None, .. } => 1,
            Self { started: None, .. } => 2,
            Self { started: Some(_), .. } => 3,
        }
    }
}

/// The nodes of an area and below, those first that need a look: refused, silent, not sounding; then by place and name.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn nodes(
    c: &mut Connection,
    alert: &BulletinId,
    area: &AreaPath,
    limit: u32,
) -> Result<Vec<NodeAnswer>, StoreError> {
    let (from, below) = subtree(area);
    let rows = query(
        "SELECT n.id, n.name, a.path, COALESCE(p.online, 0) AS online, w.received_ms, w.verified_ms, w.refusal,
         w.started_ms
         FROM node n JOIN area a ON a.id = n.area_id
         LEFT JOIN node_presence p ON p.node_id = n.id
         LEFT JOIN alert_answer w ON w.node_id = n.id AND w.alert_id = $1
         WHERE n.state = 'enrolled' AND n.removed_ms IS NULL AND a.path >= $2 AND a.path < $3
         ORDER BY CASE WHEN w.verified_ms IS NULL AND w.refusal IS NOT NULL THEN 0 WHEN w.received_ms IS NULL THEN 1
          WHEN w.started_ms IS NULL THEN 2 ELSE 3 END, a.path, n.name, n.id LIMIT $4",
    )
    .bind(alert.as_str())
    .bind(from)
    .bind(below)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(NodeAnswer {
                node: row.parsed("id")?,
                name: row.text("name")?,
                path: row.path("path")?,
                online: row.number::<i64>("online")? == 1,
                received: row.instant_opt("received_ms")?,
                verified: row.instant_opt("verified_ms")?,
                refusal: row.number_opt("refusal")?,
                started: row.instant_opt("started_ms")?,
            })
        })
        .collect()
}
