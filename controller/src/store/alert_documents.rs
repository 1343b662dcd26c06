//! The latest signed document of each area's emergencies, and which alerts each document carried.

use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// A signed document as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertDocument {
    /// The area.
    pub area: AreaId,
    /// Its version.
    pub epoch: u64,
    /// Digest of the signed bytes, as nodes report it.
    pub digest: [u8; 16],
    /// Digest of what was compiled, without epoch and times.
    pub content_digest: [u8; 32],
    /// The signed bytes; empty where it was read after its signature had ended.
    pub envelope: Vec<u8>,
    /// When the signature ends.
    pub expires: UnixMs,
    /// When it was signed.
    pub updated: UnixMs,
}

/// Keeps a document and what it carries, unless one of the same or a higher epoch is kept already. Gives whether it was kept.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn put(
    c: &mut Connection,
    document: &AlertDocument,
    carries: &[BulletinId],
) -> Result<bool, StoreError> {
    let epoch = i64::try_from(document.epoch).unwrap_or(i64::MAX);
    let done = query(
        "INSERT INTO alert_document (area_id, epoch, digest, content_digest, envelope, expires_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (area_id) DO UPDATE SET epoch = excluded.epoch, digest = excluded.digest,
         content_digest = excluded.content_digest, envelope = excluded.envelope,
         expires_ms = excluded.expires_ms, updated_ms = excluded.updated_ms
         WHERE excluded.epoch > alert_document.epoch",
    )
    .bind(document.area.as_str())
    .bind(epoch)
    .bind(&document.digest[..])
    .bind(&document.content_digest[..])
    .bind(&document.envelope)
    .bind(document.expires.0)
    .bind(document.updated.0)
    .execute(&mut *c)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for alert in carries {
        query("INSERT INTO alert_in_document (area_id, epoch, alert_id) VALUES ($1, $2, $3)")
            .bind(document.area.as_str())
            .bind(epoch)
            .bind(alert.as_str())
            .execute(&mut *c)
            .await?;
    }
    Ok(true)
}

/// All documents; of those whose signature has ended, the bytes are left out: a row stays for ever, and its bytes may be many.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, now: UnixMs) -> Result<Vec<AlertDocument>, StoreError> {
    let rows = query(
        "SELECT area_id, epoch, digest, content_digest, CASE WHEN expires_ms > $1 THEN envelope END AS envelope,
         expires_ms, updated_ms FROM alert_document ORDER BY area_id",
    )
    .bind(now.0)
    .fetch_all(c)
    .await?;
    let document = |row: &Row| {
        Ok(AlertDocument {
            area: row.parsed("area_id")?,
            epoch: row.number("epoch")?,
            digest: row.array("digest")?,
            content_digest: row.array("content_digest")?,
            envelope: row.bytes_opt("envelope")?.unwrap_or_default(),
            expires: row.instant("expires_ms")?,
            updated: row.instant("updated_ms")?,
        })
    };
    rows.iter().map(document).collect()
}
