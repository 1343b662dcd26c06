//! Recordings as staff uploaded them. The bytes are in [`super::blobs`].

use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// An uploaded recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// SHA-256 of its bytes.
    pub hash: ObjectHash,
    /// Its size.
    pub size_bytes: u64,
    /// The name that it had.
    pub file_name: String,
    /// Who first uploaded these bytes: a user's id, or `operator`.
    pub uploaded_by: String,
    /// When these bytes last came.
    pub created: UnixMs,
}

/// Records an upload whose bytes are stored; of the same bytes again, when they came.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn insert(c: &mut Connection, upload: &Upload) -> Result<(), StoreError> {
    query(
        "INSERT INTO upload (hash, size_bytes, file_name, uploaded_by, created_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (hash) DO UPDATE SET created_ms = excluded.created_ms",
    )
    .bind(upload.hash.to_string())
    .bind(i64::try_from(upload.size_bytes).unwrap_or(i64::MAX))
    .bind(&upload.file_name)
    .bind(&upload.uploaded_by)
    .bind(upload.created.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Recordings that nobody needs, with their sizes: those that no track took, when they came before `untaken_before`; and
/// those named by no revision that may still sound or be worked on, nor by one of a bulletin on which anything was done
/// since `over_before`. A recording that may go into the speech data set is kept for as long as its speaker's consent
/// stands.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn unneeded(
    c: &mut Connection,
    untaken_before: UnixMs,
    over_before: UnixMs,
    limit: u32,
) -> Result<Vec<(ObjectHash, u64)>, StoreError> {
    let rows = query(
        "SELECT x.hash, x.size_bytes FROM upload x
         WHERE x.created_ms < CASE WHEN EXISTS (SELECT 1 FROM track t WHERE t.upload_hash = x.hash) THEN $1 ELSE $2 END
         AND NOT EXISTS (SELECT 1 FROM track t JOIN bulletin b ON b.id = t.bulletin_id
          WHERE t.upload_hash = x.hash
          AND ((b.withdrawn_ms IS NULL AND (t.revision = b.latest_revision OR t.revision = b.on_air_revision))
            OR COALESCE(b.withdrawn_ms, 0) >= $1
            OR EXISTS (SELECT 1 FROM revision r WHERE r.bulletin_id = b.id
                AND (r.edited_ms >= $1 OR COALESCE(r.decided_ms, 0) >= $1))))
         AND NOT EXISTS (SELECT 1 FROM recording_consent c JOIN bulletin b ON b.id = c.bulletin_id
          JOIN track t ON t.bulletin_id = c.bulletin_id AND t.upload_hash = c.upload_hash AND t.body IS NOT NULL
          JOIN revision r ON r.bulletin_id = t.bulletin_id AND r.revision = t.revision
          WHERE c.upload_hash = x.hash AND c.withdrawn_ms IS NULL AND b.withdrawn_ms IS NULL
          AND r.state IN ('approved', 'superseded') AND r.decided_ms IS NOT NULL)
         ORDER BY x.hash LIMIT $3",
    )
    .bind(over_before.0)
    .bind(untaken_before.0)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| Ok((row.parsed("hash")?, row.number("size_bytes")?))).collect()
}

/// Forgets an upload, and what was measured on it.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, hash: &ObjectHash) -> Result<(), StoreError> {
    query("DELETE FROM recording_report WHERE upload_hash = $1")
        .bind(hash.to_string())
        .execute(&mut *c)
        .await?;
    query("DELETE FROM upload WHERE hash = $1").bind(hash.to_string()).execute(c).await?;
    Ok(())
}

/// One upload.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, hash: &ObjectHash) -> Result<Option<Upload>, StoreError> {
    let row =
        query("SELECT hash, size_bytes, file_name, uploaded_by, created_ms FROM upload WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_optional(c)
            .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Upload {
        hash: row.parsed("hash")?,
        size_bytes: row.number("size_bytes")?,
        file_name: row.text("file_name")?,
        uploaded_by: row.text("uploaded_by")?,
        created: row.instant("created_ms")?,
    }))
}

/// Whether a track of the bulletin, in whichever revision, is this recording.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn is_of_bulletin(
    c: &mut Connection,
    bulletin: &BulletinId,
    hash: &ObjectHash,
) -> Result<bool, StoreError> {
    let row = query("SELECT 1 FROM track WHERE bulletin_id = $1 AND upload_hash = $2 LIMIT 1")
        .bind(bulletin.as_str())
        .bind(hash.to_string())
        .fetch_optional(c)
        .await?;
    Ok(row.is_some())
}
