//! The words of areas.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, BulletinId};

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, subtree};
use super::{Connection, StoreError};
use crate::domain::ids::{TrackId, WordId};
use crate::domain::lexicon::Word;

const SELECT: &str = "SELECT id, area_id, match_key, written, spoken, edited_by, edited_ms FROM lexicon_word";

/// Adds a word, or changes the one with its id.
///
/// # Errors
/// [`StoreError::Duplicate`] when the area has another word with this key; [`StoreError::Reference`] when there is no such
/// area.
pub async fn put(c: &mut Connection, word: &Word) -> Result<(), StoreError> {
    query(
        "INSERT INTO lexicon_word (id, area_id, match_key, written, spoken, edited_by, edited_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET match_key = excluded.match_key, written = excluded.written,
         spoken = excluded.spoken, edited_by = excluded.edited_by, edited_ms = excluded.edited_ms",
    )
    .bind(word.id.as_str())
    .bind(word.area.as_str())
    .bind(&word.key)
    .bind(&word.written)
    .bind(&word.spoken)
    .bind(&word.edited_by)
    .bind(word.edited.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Takes a word away.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, id: &WordId) -> Result<(), StoreError> {
    query("DELETE FROM lexicon_word WHERE id = $1").bind(id.as_str()).execute(c).await?;
    Ok(())
}

/// One word of an area.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, area: &AreaId, id: &WordId) -> Result<Option<Word>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE area_id = ").push_bind(area.as_str().to_owned());
    query.push(" AND id = ").push_bind(id.as_str().to_owned());
    query.build().fetch_optional(c).await?.map(|row| read(&row)).transpose()
}

/// The words of the areas of a path: those of the topmost area first, each area's by their key. The order does not depend
/// on when they were edited, so that a word that is changed and changed back names the same lexicon.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of_path(c: &mut Connection, path: &AreaPath) -> Result<Vec<Vec<Word>>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE area_id IN (");
    let mut ids = query.separated(", ");
    for id in path.areas() {
        ids.push_bind(id.as_str().to_owned());
    }
    query.push(") ORDER BY match_key");
    let rows = query.build().fetch_all(c).await?;
    let mut areas = vec![Vec::new(); path.areas().len()];
    for row in &rows {
        let word = read(row)?;
        if let Some(at) = path.areas().iter().position(|id| *id == word.area) {
            areas[at].push(word);
        }
    }
    Ok(areas)
}

/// A bulletin whose latest revision is a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The bulletin.
    pub bulletin: BulletinId,
    /// Number of the draft.
    pub revision: u32,
    /// The area on whose behalf it speaks.
    pub path: AreaPath,
    /// Its track in the language that was asked for.
    pub track: TrackId,
}

/// The drafts of an area and those below it that have a text spoken in `language`.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn drafts_below(
    c: &mut Connection,
    path: &AreaPath,
    language: &Language,
) -> Result<Vec<Draft>, StoreError> {
    let (from, below) = subtree(path);
    let rows = query(
        "SELECT b.id, b.latest_revision, a.path, t.id AS track_id FROM area a JOIN bulletin b ON b.area_id = a.id
         JOIN revision r ON r.bulletin_id = b.id AND r.revision = b.latest_revision
         JOIN track t ON t.bulletin_id = b.id AND t.revision = b.latest_revision
         WHERE a.path >= $1 AND a.path < $2 AND b.withdrawn_ms IS NULL AND r.state = 'draft'
         AND t.language = $3 AND t.source = 'speech' ORDER BY b.id",
    )
    .bind(from)
    .bind(below)
    .bind(language.as_str())
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Draft {
                bulletin: row.parsed("id")?,
                revision: row.number("latest_revision")?,
                path: row.path("path")?,
                track: row.parsed("track_id")?,
            })
        })
        .collect()
}

fn read(row: &Row) -> Result<Word, StoreError> {
    Ok(Word {
        id: row.parsed("id")?,
        area: row.parsed("area_id")?,
        key: row.text("match_key")?,
        written: row.text("written")?,
        spoken: row.text("spoken")?,
        edited_by: row.text("edited_by")?,
        edited: row.instant("edited_ms")?,
    })
}
