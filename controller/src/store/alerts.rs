//! Emergencies that are given at once. Their words are bulletins of the same ids; see [`super::bulletins`].

use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Repeats;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::alert::{Alert, AlertArea, Approval, Ended, Reached, SeverityWord, severity_word};
use crate::domain::bulletin::Stamp;
use crate::domain::role::Scope;

const SELECT: &str = "SELECT l.id, a.path, l.template_id, l.status, l.severity, l.rounds, l.gap_ms, l.expires_ms, l.households,
    l.some_unknown, l.approvers_needed, l.corrects_id, l.form_digest, l.created_ms, l.created_by, l.released_ms,
    l.returned_ms, l.returned_by, l.returned_note, l.cancelled_ms, l.cancelled_by, l.cancelled_note
    FROM alert l JOIN bulletin b ON b.id = l.id JOIN area a ON a.id = b.area_id WHERE ";

/// Keeps an alert with its areas. Its bulletin is there already.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is taken, [`StoreError::Reference`] when the bulletin or an area does not exist.
pub async fn insert(c: &mut Connection, alert: &Alert) -> Result<(), StoreError> {
    query(
        "INSERT INTO alert (id, template_id, status, severity, rounds, gap_ms, expires_ms, households, some_unknown,
         approvers_needed, corrects_id, form_digest, created_ms, created_by, released_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(alert.id.as_str())
    .bind(alert.template.as_ref().map(BulletinId::as_str))
    .bind(alert.status.as_str())
    .bind(severity_word(alert.severity))
    .bind(alert.repeats.map_or(1, |repeats| i64::from(repeats.rounds)))
    .bind(alert.repeats.map(|repeats| i64::from(repeats.gap_ms)))
    .bind(alert.expires.0)
    .bind(i64::try_from(alert.reached.households).unwrap_or(i64::MAX))
    .bind(i64::from(alert.reached.some_unknown))
    .bind(i64::from(alert.approvers_needed))
    .bind(alert.corrects.as_ref().map(BulletinId::as_str))
    .bind(&alert.form_digest)
    .bind(alert.created.at.0)
    .bind(&alert.created.by)
    .bind(alert.released.map(|at| at.0))
    .execute(&mut *c)
    .await?;
    for area in &alert.areas {
        query("INSERT INTO alert_area (alert_id, area_id) VALUES ($1, $2)")
            .bind(alert.id.as_str())
            .bind(area.id.as_str())
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// One alert.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &BulletinId) -> Result<Option<Alert>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("l.id = ").push_bind(id.as_str().to_owned());
    Ok(fetch(c, query).await?.pop())
}

/// Whether a bulletin says what an alert says.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn exists(c: &mut Connection, id: &BulletinId) -> Result<bool, StoreError> {
    let row = query("SELECT 1 FROM alert WHERE id = $1").bind(id.as_str()).fetch_optional(c).await?;
    Ok(row.is_some())
}

/// The alerts that sound anywhere in the scopes, the latest first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope], limit: u32) -> Result<Vec<Alert>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(
        "EXISTS (SELECT 1 FROM alert_area t JOIN area ta ON ta.id = t.area_id WHERE t.alert_id = l.id AND ",
    );
    push_in_scopes(&mut query, "ta.path", scopes);
    query.push(") ORDER BY l.created_ms DESC, l.id DESC LIMIT ").push_bind(i64::from(limit));
    fetch(c, query).await
}

/// The alerts in force, the earliest released first: released, not stopped, and with time left.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn in_force(c: &mut Connection, now: UnixMs) -> Result<Vec<Alert>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("l.released_ms IS NOT NULL AND l.cancelled_ms IS NULL AND l.expires_ms > ").push_bind(now.0);
    query.push(" ORDER BY l.released_ms, l.id");
    fetch(c, query).await
}

/// The alerts that lack approvals, the earliest given first: not released, not ended, and with time left.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn unapproved(c: &mut Connection, now: UnixMs) -> Result<Vec<Alert>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push(
            "l.released_ms IS NULL AND l.returned_ms IS NULL AND l.cancelled_ms IS NULL AND l.expires_ms > ",
        )
        .push_bind(now.0);
    query.push(" ORDER BY l.created_ms, l.id");
    fetch(c, query).await
}

/// Keeps an approval; a second one of the same person changes nothing.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn add_approval(
    c: &mut Connection,
    id: &BulletinId,
    approval: &Approval,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO alert_approval (alert_id, user_id, digest, approved_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (alert_id, user_id) DO NOTHING",
    )
    .bind(id.as_str())
    .bind(approval.by.as_str())
    .bind(approval.digest.to_string())
    .bind(approval.at.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Notes that an alert has all approvals that it needs.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_released(c: &mut Connection, id: &BulletinId, at: UnixMs) -> Result<(), StoreError> {
    query("UPDATE alert SET released_ms = $2 WHERE id = $1 AND released_ms IS NULL")
        .bind(id.as_str())
        .bind(at.0)
        .execute(c)
        .await?;
    Ok(())
}

/// How an alert ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// An approver gave it back.
    Returned,
    /// It was stopped, or replaced by a correction.
    Cancelled,
}

/// Notes why, when and by whom an alert ended before its time; what was noted first stays.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_ended(
    c: &mut Connection,
    id: &BulletinId,
    ending: Ending,
    ended: &Ended,
) -> Result<(), StoreError> {
    let sql = match ending {
        Ending::Returned => {
            "UPDATE alert SET returned_ms = $2, returned_by = $3, returned_note = $4
             WHERE id = $1 AND returned_ms IS NULL"
        }
        Ending::Cancelled => {
            "UPDATE alert SET cancelled_ms = $2, cancelled_by = $3, cancelled_note = $4
             WHERE id = $1 AND cancelled_ms IS NULL"
        }
    };
    query(sql)
        .bind(id.as_str())
        .bind(ended.stamp.at.0)
        .bind(&ended.stamp.by)
        .bind(&ended.reason)
        .execute(c)
        .await?;
    Ok(())
}

/// Withdraws the bulletins of alerts that are over, so that their sounds can be swept.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn withdraw_over(c: &mut Connection, now: UnixMs) -> Result<(), StoreError> {
    query(
        "UPDATE bulletin SET withdrawn_ms = $1 WHERE withdrawn_ms IS NULL AND id IN
         (SELECT id FROM alert WHERE expires_ms <= $1 OR cancelled_ms IS NOT NULL OR returned_ms IS NOT NULL)",
    )
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

async fn fetch(c: &mut Connection, asked: QueryBuilder<'_>) -> Result<Vec<Alert>, StoreError> {
    let rows = asked.build().fetch_all(&mut *c).await?;
    let mut alerts = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut alert = read(row)?;
        let areas = query(
            "SELECT t.area_id, a.path FROM alert_area t JOIN area a ON a.id = t.area_id
             WHERE t.alert_id = $1 ORDER BY t.area_id",
        )
        .bind(alert.id.as_str())
        .fetch_all(&mut *c)
        .await?;
        let area =
            |row: &Row| Ok(AlertArea { id: row.parsed::<AreaId>("area_id")?, path: row.path("path")? });
        alert.areas = areas.iter().map(area).collect::<Result<_, StoreError>>()?;
        let approvals = query(
            "SELECT user_id, digest, approved_ms FROM alert_approval WHERE alert_id = $1
             ORDER BY approved_ms, user_id",
        )
        .bind(alert.id.as_str())
        .fetch_all(&mut *c)
        .await?;
        let approval = |row: &Row| {
            Ok(Approval {
                by: row.parsed("user_id")?,
                at: row.instant("approved_ms")?,
                digest: row.parsed("digest")?,
            })
        };
        alert.approvals = approvals.iter().map(approval).collect::<Result<_, StoreError>>()?;
        alerts.push(alert);
    }
    Ok(alerts)
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let SeverityWord(severity) = row.parsed("severity")?;
    let rounds: u32 = row.number("rounds")?;
    let gap_ms: Option<u32> = row.number_opt("gap_ms")?;
    let ended = |at: &str, by: &str, note: &str| -> Result<Option<Ended>, StoreError> {
        let stamp = row.instant_opt(at)?.zip(row.text_opt(by)?).map(|(at, by)| Stamp { at, by });
        let reason = row.text_opt(note)?.unwrap_or_default();
        Ok(stamp.map(|stamp| Ended { stamp, reason }))
    };
    Ok(Alert {
        id: row.parsed("id")?,
        path: row.path("path")?,
        areas: Vec::new(),
        template: row.parsed_opt("template_id")?,
        status: row.parsed("status")?,
        severity,
        repeats: gap_ms.map(|gap_ms| Repeats { rounds, gap_ms }),
        expires: row.instant("expires_ms")?,
        reached: Reached {
            households: row.number("households")?,
            some_unknown: row.number::<i64>("some_unknown")? == 1,
        },
        approvers_needed: row.number("approvers_needed")?,
        corrects: row.parsed_opt("corrects_id")?,
        form_digest: row.text("form_digest")?,
        created: Stamp { at: row.instant("created_ms")?, by: row.text("created_by")? },
        approvals: Vec::new(),
        released: row.instant_opt("released_ms")?,
        returned: ended("returned_ms", "returned_by", "returned_note")?,
        cancelled: ended("cancelled_ms", "cancelled_by", "cancelled_note")?,
    })
}
