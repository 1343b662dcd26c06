//! The work of making sounds: a queue that survives a restart.

use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError, tracks};
use crate::domain::bulletin::{Making, MakingError, Track};
use crate::domain::ids::TrackId;

/// A job that a worker has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechJob {
    /// What to make.
    pub track: Track,
    /// The track's bulletin.
    pub bulletin: BulletinId,
    /// The track's revision.
    pub revision: u32,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// Puts the making of a track's sound in line; one that failed is tried again, as often as a fresh one.
///
/// # Errors
/// [`StoreError::Reference`] when the track does not exist.
pub async fn enqueue(
    c: &mut Connection,
    track: &TrackId,
    urgency: u8,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO speech_job (track_id, state, urgency, created_ms, updated_ms) VALUES ($1, 'queued', $2, $3, $3)
         ON CONFLICT (track_id) DO UPDATE SET state = 'queued', progress_percent = 0, error_code = NULL,
         error_vi = NULL, error_en = NULL, attempts = 0, not_before_ms = 0, urgency = excluded.urgency, updated_ms = excluded.updated_ms",
    )
    .bind(track.as_str())
    .bind(i64::from(urgency))
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Gives a job that is not ended another urgency: that of the class which its bulletin has now.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_urgency(c: &mut Connection, track: &TrackId, urgency: u8) -> Result<(), StoreError> {
    query("UPDATE speech_job SET urgency = $2 WHERE track_id = $1 AND state IN ('queued', 'running')")
        .bind(track.as_str())
        .bind(i64::from(urgency))
        .execute(c)
        .await?;
    Ok(())
}

/// Takes the most urgent job in line that is not to wait, the longest waiting first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn claim(c: &mut Connection, now: UnixMs) -> Result<Option<SpeechJob>, StoreError> {
    claim_from(c, 0, now).await
}

/// The same, of the jobs of at least this urgency.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn claim_from(
    c: &mut Connection,
    urgency: u8,
    now: UnixMs,
) -> Result<Option<SpeechJob>, StoreError> {
    let row = query(
        "UPDATE speech_job SET state = 'running', progress_percent = 0, attempts = attempts + 1, updated_ms = $1
         WHERE track_id = (SELECT track_id FROM speech_job WHERE state = 'queued' AND not_before_ms <= $1
                           AND urgency >= $2 ORDER BY urgency DESC, created_ms, track_id LIMIT 1)
         RETURNING track_id, attempts",
    )
    .bind(now.0)
    .bind(i64::from(urgency))
    .fetch_optional(&mut *c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id: TrackId = row.parsed("track_id")?;
    let place = query("SELECT bulletin_id, revision FROM track WHERE id = $1")
        .bind(id.as_str())
        .fetch_one(&mut *c)
        .await?;
    let track = tracks::get(c, &id).await?.ok_or(StoreError::Reference)?;
    Ok(Some(SpeechJob {
        track,
        bulletin: place.parsed("bulletin_id")?,
        revision: place.number("revision")?,
        attempts: row.number("attempts")?,
    }))
}

/// Notes how far a running job is.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_progress(
    c: &mut Connection,
    track: &TrackId,
    percent: u8,
    now: UnixMs,
) -> Result<(), StoreError> {
    query("UPDATE speech_job SET progress_percent = $2, updated_ms = $3 WHERE track_id = $1 AND state = 'running'")
        .bind(track.as_str())
        .bind(i64::from(percent.min(100)))
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// Ends a job with its sound. Gives whether the track still wanted it: an edit meanwhile removes track and job.
///
/// # Errors
/// [`StoreError::Reference`] when the object is not recorded.
pub async fn finish(
    c: &mut Connection,
    track: &TrackId,
    object: &ObjectHash,
    now: UnixMs,
) -> Result<bool, StoreError> {
    if !tracks::set_object(c, track, object).await? {
        return Ok(false);
    }
    query(
        "UPDATE speech_job SET state = 'done', progress_percent = 100, updated_ms = $2 WHERE track_id = $1",
    )
    .bind(track.as_str())
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(true)
}

/// Ends a job that cannot succeed until the author changes something.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn fail(
    c: &mut Connection,
    track: &TrackId,
    error: &MakingError,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "UPDATE speech_job SET state = 'failed', error_code = $2, error_vi = $3, error_en = $4, updated_ms = $5
         WHERE track_id = $1",
    )
    .bind(track.as_str())
    .bind(&error.code)
    .bind(&error.vi)
    .bind(&error.en)
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// A job that is called running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningJob {
    /// Its track.
    pub track: TrackId,
    /// How often it was taken, this time included.
    pub attempts: u32,
}

/// The jobs that are called running: those of live workers, and those whose end was never stored.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn running(c: &mut Connection) -> Result<Vec<RunningJob>, StoreError> {
    let rows = query("SELECT track_id, attempts FROM speech_job WHERE state = 'running' ORDER BY track_id")
        .fetch_all(c)
        .await?;
    rows.iter()
        .map(|row| Ok(RunningJob { track: row.parsed("track_id")?, attempts: row.number("attempts")? }))
        .collect()
}

/// Puts one running job back in line, to be taken at `not_before` or later.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn requeue(
    c: &mut Connection,
    track: &TrackId,
    not_before: UnixMs,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "UPDATE speech_job SET state = 'queued', progress_percent = 0, not_before_ms = $2, updated_ms = $3
         WHERE track_id = $1 AND state = 'running'",
    )
    .bind(track.as_str())
    .bind(not_before.0)
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// How the making goes, from the job's columns beside a track; a track without job waits for one.
pub(super) fn read_making(row: &Row) -> Result<Making, StoreError> {
    Ok(match row.text_opt("state")?.as_deref() {
        Some("running") => Making::Running { percent: row.number("progress_percent")? },
        Some("failed") => Making::Failed(MakingError {
            code: row.text_opt("error_code")?.unwrap_or_default(),
            vi: row.text_opt("error_vi")?.unwrap_or_default(),
            en: row.text_opt("error_en")?.unwrap_or_default(),
        }),
        _ => Making::Queued,
    })
}
