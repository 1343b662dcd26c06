//! The sounds of a revision, one for each language.

use loa_protocol::ids::{BulletinId, ObjectHash};

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError, speech_jobs};
use crate::domain::bulletin::{Making, MakingError, Spoken, Track, TrackContent, TrackSource};
use crate::domain::ids::TrackId;

const SELECT_OF_REVISION: &str =
    "SELECT t.id, t.language, t.source, t.body, t.voice, t.words_per_minute, t.upload_hash, t.file_name,
    t.object_hash, t.spoken_by, t.words_digest, t.instead_code, t.instead_vi, t.instead_en, j.state, j.progress_percent, j.error_code, j.error_vi, j.error_en
    FROM track t LEFT JOIN speech_job j ON j.track_id = t.id
    WHERE t.bulletin_id = $1 AND t.revision = $2 ORDER BY t.position";

const SELECT_ONE: &str =
    "SELECT t.id, t.language, t.source, t.body, t.voice, t.words_per_minute, t.upload_hash, t.file_name,
    t.object_hash, t.spoken_by, t.words_digest, t.instead_code, t.instead_vi, t.instead_en, j.state, j.progress_percent, j.error_code, j.error_vi, j.error_en
    FROM track t LEFT JOIN speech_job j ON j.track_id = t.id WHERE t.id = $1";

/// Adds a track at a place of the form; `object` when its sound is known already.
///
/// # Errors
/// [`StoreError::Duplicate`] when the revision has this language already.
pub async fn insert(
    c: &mut Connection,
    revision: (&BulletinId, u32),
    position: usize,
    id: &TrackId,
    content: &TrackContent,
    object: Option<&ObjectHash>,
) -> Result<(), StoreError> {
    let (source, text, voice, words_per_minute, upload, file_name) = match &content.source {
        TrackSource::Speech { text, voice, words_per_minute } => {
            ("speech", Some(text), voice.as_ref(), words_per_minute.map(i64::from), None, None)
        }
        TrackSource::Recording { upload, file_name, transcript } => {
            let transcript = Some(transcript).filter(|text| !text.is_empty());
            ("recording", transcript, None, None, Some(upload.to_string()), Some(file_name))
        }
    };
    query(
        "INSERT INTO track (id, bulletin_id, revision, position, language, source, body, voice, words_per_minute,
         upload_hash, file_name, object_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id.as_str())
    .bind(revision.0.as_str())
    .bind(i64::from(revision.1))
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .bind(content.language.as_str())
    .bind(source)
    .bind(text)
    .bind(voice)
    .bind(words_per_minute)
    .bind(upload)
    .bind(file_name)
    .bind(object.map(ToString::to_string))
    .execute(c)
    .await?;
    Ok(())
}

/// Moves a track to another place of the form.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_position(c: &mut Connection, id: &TrackId, position: usize) -> Result<(), StoreError> {
    query("UPDATE track SET position = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .execute(c)
        .await?;
    Ok(())
}

/// Removes a track and the work of making its sound.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, id: &TrackId) -> Result<(), StoreError> {
    query("DELETE FROM track WHERE id = $1").bind(id.as_str()).execute(c).await?;
    Ok(())
}

/// One track with its bulletin and revision.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &TrackId) -> Result<Option<Track>, StoreError> {
    let row = query(SELECT_ONE).bind(id.as_str()).fetch_optional(c).await?;
    row.map(|row| read(&row)).transpose()
}

/// The tracks of a revision, in the order of the form.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of_revision(
    c: &mut Connection,
    bulletin: &BulletinId,
    number: u32,
) -> Result<Vec<Track>, StoreError> {
    let rows = query(SELECT_OF_REVISION).bind(bulletin.as_str()).bind(i64::from(number)).fetch_all(c).await?;
    rows.iter().map(read).collect()
}

/// Sets a track's finished sound, once: what was heard and approved is never exchanged. Gives whether the track is
/// there and has this sound.
///
/// # Errors
/// [`StoreError::Reference`] when the object is not recorded.
pub async fn set_object(c: &mut Connection, id: &TrackId, object: &ObjectHash) -> Result<bool, StoreError> {
    let done = query("UPDATE track SET object_hash = $2 WHERE id = $1 AND COALESCE(object_hash, $2) = $2")
        .bind(id.as_str())
        .bind(object.to_string())
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes who spoke a track.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_spoken(c: &mut Connection, id: &TrackId, spoken: &Spoken) -> Result<(), StoreError> {
    let instead = spoken.instead.as_ref();
    query(
        "UPDATE track SET spoken_by = $2, words_digest = $3, instead_code = $4, instead_vi = $5, instead_en = $6
         WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(&spoken.by)
    .bind(&spoken.words_digest)
    .bind(instead.map(|why| &why.code))
    .bind(instead.map(|why| &why.vi))
    .bind(instead.map(|why| &why.en))
    .execute(c)
    .await?;
    Ok(())
}

fn read_spoken(row: &Row) -> Result<Option<Spoken>, StoreError> {
    let Some(by) = row.text_opt("spoken_by")? else { return Ok(None) };
    let instead = match row.text_opt("instead_code")? {
        Some(code) => Some(MakingError {
            code,
            vi: row.text_opt("instead_vi")?.unwrap_or_default(),
            en: row.text_opt("instead_en")?.unwrap_or_default(),
        }),
        None => None,
    };
    let words_digest = row.text_opt("words_digest")?.unwrap_or_default();
    Ok(Some(Spoken { by, words_digest, instead }))
}

fn read(row: &Row) -> Result<Track, StoreError> {
    let source = match row.text("source")?.as_str() {
        "recording" => TrackSource::Recording {
            upload: row.parsed("upload_hash")?,
            file_name: row.text_opt("file_name")?.unwrap_or_default(),
            transcript: row.text_opt("body")?.unwrap_or_default(),
        },
        _ => TrackSource::Speech {
            text: row.text_opt("body")?.unwrap_or_default(),
            voice: row.text_opt("voice")?,
            words_per_minute: row.number_opt("words_per_minute")?,
        },
    };
    let object: Option<ObjectHash> = row.parsed_opt("object_hash")?;
    let making = if object.is_some() { Making::Done } else { speech_jobs::read_making(row)? };
    Ok(Track {
        id: row.parsed("id")?,
        content: TrackContent { language: row.parsed("language")?, source },
        object,
        making,
        spoken: read_spoken(row)?,
    })
}
