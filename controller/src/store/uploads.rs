//! Recordings as staff uploaded them. The bytes are in [`super::blobs`].

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;

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
    /// When.
    pub created: UnixMs,
}

/// Records an upload whose bytes are stored; the same bytes again change nothing.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn insert(c: &mut Connection, upload: &Upload) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO upload (hash, size_bytes, file_name, uploaded_by, created_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (hash) DO NOTHING",
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

/// One upload.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, hash: &ObjectHash) -> Result<Option<Upload>, StoreError> {
    let row = sqlx::query(
        "SELECT hash, size_bytes, file_name, uploaded_by, created_ms FROM upload WHERE hash = $1",
    )
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
