//! How many there are of what, for whoever watches the installation.

use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::node::NodeState;

/// A certificate that ends sooner is worth a look.
const EXPIRING_WITHIN_MS: i64 = 60 * 86_400_000;
/// How long after its release an emergency is still looked at.
const ALERT_SEEN_FOR_MS: i64 = 86_400_000;

/// How many there are of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Nodes by their state; a state that none has may be left out.
    pub nodes: Vec<(NodeState, i64)>,
    /// Enrolled nodes that are connected.
    pub connected: i64,
    /// Enrolled nodes whose certificate ends within 60 days.
    pub expiring: i64,
    /// Sounds that wait to be made, or are being made.
    pub sounds_waiting: i64,
}

/// Counts.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn read(c: &mut Connection, now: UnixMs) -> Result<Overview, StoreError> {
    let rows = query(
        "SELECT n.state, COUNT(*) AS nodes, CAST(COALESCE(SUM(COALESCE(p.online, 0)), 0) AS BIGINT) AS connected,
         CAST(COALESCE(SUM(CASE WHEN n.certificate_expires_ms < $1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS expiring
         FROM node n LEFT JOIN node_presence p ON p.node_id = n.id
         WHERE n.removed_ms IS NULL GROUP BY n.state ORDER BY n.state",
    )
    .bind(now.0.saturating_add(EXPIRING_WITHIN_MS))
    .fetch_all(&mut *c)
    .await?;
    let mut seen = Overview::default();
    for row in &rows {
        let state = row.parsed("state")?;
        seen.nodes.push((state, row.number("nodes")?));
        if state == NodeState::Enrolled {
            (seen.connected, seen.expiring) = (row.number("connected")?, row.number("expiring")?);
        }
    }
    let row = query("SELECT COUNT(*) AS count FROM speech_job WHERE state IN ('queued', 'running')")
        .fetch_one(c)
        .await?;
    seen.sounds_waiting = row.number("count")?;
    Ok(seen)
}

/// How far an emergency may get on a node, in this order.
pub const STAGES: [&str; 3] = ["received", "verified", "sounding"];

/// How far the last emergency got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSeen {
    /// The emergency.
    id: String,
    /// Each of [`STAGES`].
    pub stages: [StageSeen; 3],
}

/// How many nodes got so far, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageSeen {
    /// How many.
    pub nodes: i64,
    /// How long after the release the middle one, the slowest but one in a hundred, and the last got so far, in milliseconds, by their
    /// own clocks.
    pub after_ms: [Option<i64>; 3],
}

/// The emergency that was last released, within a day. `before` is what was seen the last time: as long as no more nodes have answered
/// it is given again.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn last_alert(
    c: &mut Connection,
    now: UnixMs,
    before: Option<AlertSeen>,
) -> Result<Option<AlertSeen>, StoreError> {
    let row = query(
        "SELECT id, released_ms FROM alert WHERE released_ms IS NOT NULL AND released_ms >= $1
         ORDER BY released_ms DESC, id LIMIT 1",
    )
    .bind(now.0.saturating_sub(ALERT_SEEN_FOR_MS))
    .fetch_optional(&mut *c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (id, released) = (row.text("id")?, row.instant("released_ms")?);
    let row = query(
        "SELECT COUNT(received_ms) AS received, COUNT(verified_ms) AS verified, COUNT(started_ms) AS sounding
         FROM alert_answer WHERE alert_id = $1",
    )
    .bind(&id)
    .fetch_one(&mut *c)
    .await?;
    let counts = [row.number("received")?, row.number("verified")?, row.number("sounding")?];
    if let Some(before) = before.filter(|before| before.id == id && before.stages.map(|s| s.nodes) == counts)
    {
        return Ok(Some(before));
    }
    let mut stages = [StageSeen::default(); 3];
    for ((stage, nodes), sql) in stages.iter_mut().zip(counts).zip([
        "SELECT received_ms AS at FROM alert_answer WHERE alert_id = $1 AND received_ms IS NOT NULL
         ORDER BY received_ms LIMIT 1 OFFSET $2",
        "SELECT verified_ms AS at FROM alert_answer WHERE alert_id = $1 AND verified_ms IS NOT NULL
         ORDER BY verified_ms LIMIT 1 OFFSET $2",
        "SELECT started_ms AS at FROM alert_answer WHERE alert_id = $1 AND started_ms IS NOT NULL
         ORDER BY started_ms LIMIT 1 OFFSET $2",
    ]) {
        stage.nodes = nodes;
        let last: i64 = nodes - 1;
        for (after, place) in stage.after_ms.iter_mut().zip([last / 2, last * 99 / 100, last]) {
            if nodes == 0 {
                continue;
            }
            let at = query(sql).bind(&id).bind(place).fetch_optional(&mut *c).await?;
            let at = at.map(|row: Row| row.instant("at")).transpose()?;
            *after = at.map(|at| at.since(released));
        }
    }
    Ok(Some(AlertSeen { id, stages }))
}
