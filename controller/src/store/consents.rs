//! Who let a recording be used in the speech data set.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::bulletin::{Consent, ConsentDraft, Stamp};

/// Notes a consent, in place of an earlier one for the same recording of the same bulletin.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn note(
    c: &mut Connection,
    bulletin: &BulletinId,
    upload: &ObjectHash,
    consent: &ConsentDraft,
    noted: &Stamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO recording_consent (bulletin_id, upload_hash, speaker, place, noted_ms, noted_by)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (bulletin_id, upload_hash) DO UPDATE SET speaker = excluded.speaker, place = excluded.place,
         noted_ms = excluded.noted_ms, noted_by = excluded.noted_by, withdrawn_ms = NULL, withdrawn_by = NULL",
    )
    .bind(bulletin.as_str())
    .bind(upload.to_string())
    .bind(&consent.speaker)
    .bind(&consent.place)
    .bind(noted.at.0)
    .bind(&noted.by)
    .execute(c)
    .await?;
    Ok(())
}

/// Takes a consent back, and forgets the speaker. Gives whether one stood.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn withdraw(
    c: &mut Connection,
    bulletin: &BulletinId,
    upload: &ObjectHash,
    withdrawn: &Stamp,
) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE recording_consent SET speaker = '', place = '', withdrawn_ms = $3, withdrawn_by = $4
         WHERE bulletin_id = $1 AND upload_hash = $2 AND withdrawn_ms IS NULL",
    )
    .bind(bulletin.as_str())
    .bind(upload.to_string())
    .bind(withdrawn.at.0)
    .bind(&withdrawn.by)
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was noted about the recordings of a bulletin, of whichever revision, in the order in which it was.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of_bulletin(
    c: &mut Connection,
    bulletin: &BulletinId,
) -> Result<Vec<(ObjectHash, Consent)>, StoreError> {
    let rows = query(
        "SELECT upload_hash, speaker, place, noted_ms, noted_by, withdrawn_ms, withdrawn_by FROM recording_consent
         WHERE bulletin_id = $1 ORDER BY noted_ms, upload_hash",
    )
    .bind(bulletin.as_str())
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| Ok((row.parsed("upload_hash")?, read(row)?))).collect()
}

/// Forgets what was noted about recordings that can go into no data set any more: those that no track names, those of
/// withdrawn bulletins, and those of revisions that are over without having been approved with their words. What was
/// taken back stays, without a name, and keeps the same recording out wherever it comes from.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn forget_useless(c: &mut Connection) -> Result<u64, StoreError> {
    let done = query(
        "DELETE FROM recording_consent WHERE withdrawn_ms IS NULL AND NOT EXISTS (
         SELECT 1 FROM track t JOIN bulletin b ON b.id = t.bulletin_id
         JOIN revision r ON r.bulletin_id = t.bulletin_id AND r.revision = t.revision
         WHERE t.bulletin_id = recording_consent.bulletin_id AND t.upload_hash = recording_consent.upload_hash
         AND b.withdrawn_ms IS NULL
         AND (t.revision = b.latest_revision
           OR (t.body IS NOT NULL AND r.state IN ('approved', 'superseded') AND r.decided_ms IS NOT NULL)))",
    )
    .execute(c)
    .await?;
    Ok(done.rows_affected())
}

/// A recording with all that decides whether it goes into the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// SHA-256 of the file as it came.
    pub upload: ObjectHash,
    /// The area on whose behalf the bulletin speaks.
    pub path: AreaPath,
    /// The language spoken.
    pub language: Language,
    /// What is read in it; empty where nobody wrote it down.
    pub transcript: String,
    /// When a revision with this recording and these words was last approved.
    pub approved: Option<UnixMs>,
    /// What was noted about it.
    pub consent: Option<Consent>,
    /// Whether a consent to the same bytes was taken back, here or in another bulletin.
    pub withdrawn_anywhere: bool,
    /// Whether the file is still there.
    pub kept: bool,
}

/// Every recording of every bulletin, once for each bulletin, language and wording, the latest approved first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn recordings(c: &mut Connection) -> Result<Vec<Recording>, StoreError> {
    // A revision that was superseded before anybody judged it has no decision. Why a bulletin was taken back is not
    // known; nothing of it counts as approved.
    let rows = query(
        "SELECT t.upload_hash, t.language, COALESCE(t.body, '') AS transcript, a.path,
         MAX(CASE WHEN b.withdrawn_ms IS NULL AND r.state IN ('approved', 'superseded') THEN r.decided_ms END)
             AS approved_ms,
         c.speaker, c.place, c.noted_ms, c.noted_by, c.withdrawn_ms, c.withdrawn_by,
         EXISTS (SELECT 1 FROM recording_consent w WHERE w.upload_hash = t.upload_hash AND w.withdrawn_ms IS NOT NULL)
             AS withdrawn_anywhere,
         EXISTS (SELECT 1 FROM upload u WHERE u.hash = t.upload_hash) AS kept
         FROM track t JOIN bulletin b ON b.id = t.bulletin_id JOIN area a ON a.id = b.area_id
         JOIN revision r ON r.bulletin_id = t.bulletin_id AND r.revision = t.revision
         LEFT JOIN recording_consent c ON c.bulletin_id = t.bulletin_id AND c.upload_hash = t.upload_hash
         WHERE t.source = 'recording'
         GROUP BY t.bulletin_id, t.upload_hash, t.language, t.body, a.path,
         c.speaker, c.place, c.noted_ms, c.noted_by, c.withdrawn_ms, c.withdrawn_by
         ORDER BY approved_ms DESC NULLS LAST, t.upload_hash, t.bulletin_id, transcript",
    )
    .fetch_all(c)
    .await?;
    let recording = |row: &Row| {
        Ok(Recording {
            upload: row.parsed("upload_hash")?,
            path: row.path("path")?,
            language: row.parsed("language")?,
            transcript: row.text("transcript")?,
            approved: row.instant_opt("approved_ms")?,
            consent: row.instant_opt("noted_ms")?.map(|_| read(row)).transpose()?,
            withdrawn_anywhere: row.flag("withdrawn_anywhere")?,
            kept: row.flag("kept")?,
        })
    };
    rows.iter().map(recording).collect()
}

/// The secret of the speakers' ids. `fresh` becomes it where there is none yet.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn secret(c: &mut Connection, fresh: &[u8; 32]) -> Result<[u8; 32], StoreError> {
    query("INSERT INTO speech_data_secret (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
        .bind(fresh.as_slice())
        .execute(&mut *c)
        .await?;
    let row = query("SELECT secret FROM speech_data_secret WHERE id = 1").fetch_one(c).await?;
    row.array("secret")
}

fn read(row: &Row) -> Result<Consent, StoreError> {
    let withdrawn = match row.instant_opt("withdrawn_ms")? {
        Some(at) => Some(Stamp { at, by: row.text_opt("withdrawn_by")?.unwrap_or_default() }),
        None => None,
    };
    Ok(Consent {
        speaker: row.text("speaker")?,
        place: row.text("place")?,
        noted: Stamp { at: row.instant("noted_ms")?, by: row.text("noted_by")? },
        withdrawn,
    })
}
