//! What was measured on a recording when it was mastered.

use loa_protocol::ids::ObjectHash;
use loa_speech::RecordingReport;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// Keeps the report of a recording, in place of an earlier one.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn put(
    c: &mut Connection,
    upload: &ObjectHash,
    report: &RecordingReport,
) -> Result<(), StoreError> {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    query(
        "INSERT INTO recording_report (upload_hash, original_ms, duration_ms, trimmed_start_ms, trimmed_end_ms,
         speech_dbfs, noise_dbfs, gate_db, clipped_ratio) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (upload_hash) DO UPDATE SET original_ms = excluded.original_ms, duration_ms = excluded.duration_ms,
         trimmed_start_ms = excluded.trimmed_start_ms, trimmed_end_ms = excluded.trimmed_end_ms,
         speech_dbfs = excluded.speech_dbfs, noise_dbfs = excluded.noise_dbfs, gate_db = excluded.gate_db,
         clipped_ratio = excluded.clipped_ratio",
    )
    .bind(upload.to_string())
    .bind(ms(report.original_ms))
    .bind(ms(report.duration_ms))
    .bind(ms(report.trimmed_start_ms))
    .bind(ms(report.trimmed_end_ms))
    .bind(report.speech_dbfs)
    .bind(report.noise_dbfs)
    .bind(report.gate_db)
    .bind(report.clipped_ratio)
    .execute(c)
    .await?;
    Ok(())
}

/// The report of a recording, once it was mastered.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, upload: &ObjectHash) -> Result<Option<RecordingReport>, StoreError> {
    let row = query(
        "SELECT original_ms, duration_ms, trimmed_start_ms, trimmed_end_ms, speech_dbfs, noise_dbfs, gate_db,
         clipped_ratio FROM recording_report WHERE upload_hash = $1",
    )
    .bind(upload.to_string())
    .fetch_optional(c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(RecordingReport {
        original_ms: row.number("original_ms")?,
        duration_ms: row.number("duration_ms")?,
        trimmed_start_ms: row.number("trimmed_start_ms")?,
        trimmed_end_ms: row.number("trimmed_end_ms")?,
        speech_dbfs: row.real("speech_dbfs")?,
        noise_dbfs: row.real_opt("noise_dbfs")?,
        gate_db: row.real("gate_db")?,
        clipped_ratio: row.real("clipped_ratio")?,
    }))
}
