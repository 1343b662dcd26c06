//! Finished sounds and the recipes that made them. The bytes are in [`super::blobs`].

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// The codec of all sounds that are made here: Opus in Ogg.
pub const OGG_OPUS: &str = "ogg/opus";

/// A finished sound.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioObject {
    /// SHA-256 of its bytes.
    pub hash: ObjectHash,
    /// Its size.
    pub size_bytes: u64,
    /// How long it sounds.
    pub duration_ms: u32,
    /// What it is: [`OGG_OPUS`].
    pub codec: String,
    /// Integrated loudness (ITU-R BS.1770), where measured.
    pub loudness_lufs: Option<f64>,
    /// True peak, where measured.
    pub true_peak_dbtp: Option<f64>,
    /// When it was made.
    pub created: UnixMs,
}

/// Records a sound whose bytes are stored; of one that is known already, that it is there and was asked for.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn insert(c: &mut Connection, object: &AudioObject) -> Result<(), StoreError> {
    query(
        "INSERT INTO audio_object (hash, size_bytes, duration_ms, codec, loudness_lufs, true_peak_dbtp, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (hash) DO UPDATE SET removed_ms = NULL, used_ms = excluded.created_ms",
    )
    .bind(object.hash.to_string())
    .bind(i64::try_from(object.size_bytes).unwrap_or(i64::MAX))
    .bind(i64::from(object.duration_ms))
    .bind(&object.codec)
    .bind(object.loudness_lufs)
    .bind(object.true_peak_dbtp)
    .bind(object.created.0)
    .execute(c)
    .await?;
    Ok(())
}

/// One sound.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, hash: &ObjectHash) -> Result<Option<AudioObject>, StoreError> {
    let row = query(
        "SELECT hash, size_bytes, duration_ms, codec, loudness_lufs, true_peak_dbtp, created_ms
         FROM audio_object WHERE hash = $1",
    )
    .bind(hash.to_string())
    .fetch_optional(c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(AudioObject {
        hash: row.parsed("hash")?,
        size_bytes: row.number("size_bytes")?,
        duration_ms: row.number("duration_ms")?,
        codec: row.text("codec")?,
        loudness_lufs: row.real_opt("loudness_lufs")?,
        true_peak_dbtp: row.real_opt("true_peak_dbtp")?,
        created: row.instant("created_ms")?,
    }))
}

/// Notes that a track asks for a sound. Gives whether its file is kept.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn take(c: &mut Connection, hash: &ObjectHash, now: UnixMs) -> Result<bool, StoreError> {
    let done = query("UPDATE audio_object SET used_ms = $2 WHERE hash = $1 AND removed_ms IS NULL")
        .bind(hash.to_string())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sounds whose files nobody needs, with their sizes: asked for before an instant the last time, and named by no revision
/// that may still sound or be worked on, nor by one of a bulletin on which anything was done since.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn unneeded(
    c: &mut Connection,
    before: UnixMs,
    limit: u32,
) -> Result<Vec<(ObjectHash, u64)>, StoreError> {
    let rows = query(
        "SELECT x.hash, x.size_bytes FROM audio_object x
         WHERE x.removed_ms IS NULL AND COALESCE(x.used_ms, x.created_ms) < $1
         AND NOT EXISTS (SELECT 1 FROM track t JOIN bulletin b ON b.id = t.bulletin_id
          WHERE t.object_hash = x.hash
          AND ((b.withdrawn_ms IS NULL AND (t.revision = b.latest_revision OR t.revision = b.on_air_revision))
            OR COALESCE(b.withdrawn_ms, 0) >= $1
            OR EXISTS (SELECT 1 FROM revision r WHERE r.bulletin_id = b.id
                AND (r.edited_ms >= $1 OR COALESCE(r.decided_ms, 0) >= $1))))
         ORDER BY x.hash LIMIT $2",
    )
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| Ok((row.parsed("hash")?, row.number("size_bytes")?))).collect()
}

/// Notes that a sound's file is gone.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_removed(c: &mut Connection, hash: &ObjectHash, now: UnixMs) -> Result<(), StoreError> {
    query("UPDATE audio_object SET removed_ms = $2 WHERE hash = $1")
        .bind(hash.to_string())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// The sound that a recipe made, if it was made. A recipe is a hash of everything that decides the sound.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn by_recipe(c: &mut Connection, recipe: &str) -> Result<Option<ObjectHash>, StoreError> {
    let row = query("SELECT object_hash FROM speech_recipe WHERE recipe = $1")
        .bind(recipe)
        .fetch_optional(c)
        .await?;
    row.map(|row| row.parsed("object_hash")).transpose()
}

/// Records which sound a recipe made.
///
/// # Errors
/// [`StoreError::Reference`] when the object is not recorded.
pub async fn put_recipe(
    c: &mut Connection,
    recipe: &str,
    object: &ObjectHash,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO speech_recipe (recipe, object_hash, created_ms) VALUES ($1, $2, $3)
         ON CONFLICT (recipe) DO UPDATE SET object_hash = excluded.object_hash, created_ms = excluded.created_ms",
    )
    .bind(recipe)
    .bind(object.to_string())
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// The areas whose bulletins use a sound, and those in which it sounds as an emergency: who may listen to it.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn areas_using(
    c: &mut Connection,
    hash: &ObjectHash,
) -> Result<Vec<loa_protocol::area::AreaPath>, StoreError> {
    let rows = query(
        "SELECT a.path AS path FROM track t JOIN bulletin b ON b.id = t.bulletin_id
         JOIN area a ON a.id = b.area_id WHERE t.object_hash = $1
         UNION SELECT a.path FROM track t JOIN alert_area s ON s.alert_id = t.bulletin_id
         JOIN area a ON a.id = s.area_id WHERE t.object_hash = $1 ORDER BY path",
    )
    .bind(hash.to_string())
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| row.path("path")).collect()
}
