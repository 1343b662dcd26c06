//! Bulletins and their revisions. Tracks are in [`super::tracks`].

use loa_protocol::ids::{AreaId, BulletinId};
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError, tracks};
use crate::domain::bulletin::{
    Bulletin, BulletinSummary, Content, ContentDigest, Revision, RevisionState, Stamp,
};
use crate::domain::ids::UserId;
use crate::domain::role::Scope;

/// Adds a bulletin without revisions.
///
/// # Errors
/// [`StoreError::Reference`] when the area does not exist.
pub async fn insert(
    c: &mut Connection,
    id: &BulletinId,
    area: &AreaId,
    now: UnixMs,
) -> Result<(), StoreError> {
    query("INSERT INTO bulletin (id, area_id, latest_revision, created_ms) VALUES ($1, $2, 0, $3)")
        .bind(id.as_str())
        .bind(area.as_str())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// One bulletin.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &BulletinId) -> Result<Option<Bulletin>, StoreError> {
    let row = query(
        "SELECT b.id, a.path, b.latest_revision, b.on_air_revision, b.created_ms, b.withdrawn_ms
         FROM bulletin b JOIN area a ON a.id = b.area_id WHERE b.id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(c)
    .await?;
    row.map(|row| read_bulletin(&row)).transpose()
}

/// Adds a draft as the latest revision, without tracks and authors.
///
/// # Errors
/// [`StoreError::Duplicate`] when the revision exists.
pub async fn insert_revision(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    content: &Content,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO revision (bulletin_id, revision, state, title, body, category, class, created_ms, edited_ms)
         VALUES ($1, $2, 'draft', $3, $4, $5, $6, $7, $7)",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .bind(&content.title)
    .bind(&content.text)
    .bind(content.category.as_str())
    .bind(content.class.as_str())
    .bind(now.0)
    .execute(&mut *c)
    .await?;
    query("UPDATE bulletin SET latest_revision = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(i64::from(number))
        .execute(c)
        .await?;
    Ok(())
}

/// Changes a revision's words.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn update_revision(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    content: &Content,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "UPDATE revision SET title = $3, body = $4, category = $5, class = $6, edited_ms = $7
         WHERE bulletin_id = $1 AND revision = $2",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .bind(&content.title)
    .bind(&content.text)
    .bind(content.category.as_str())
    .bind(content.class.as_str())
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Sets where a revision stands.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_state(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    state: RevisionState,
) -> Result<(), StoreError> {
    query("UPDATE revision SET state = $3 WHERE bulletin_id = $1 AND revision = $2")
        .bind(id.as_str())
        .bind(i64::from(number))
        .bind(state.as_str())
        .execute(c)
        .await?;
    Ok(())
}

/// Notes who submitted a revision.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_submitted(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    stamp: &Stamp,
) -> Result<(), StoreError> {
    query(
        "UPDATE revision SET submitted_ms = $3, submitted_by = $4 WHERE bulletin_id = $1 AND revision = $2",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .bind(stamp.at.0)
    .bind(&stamp.by)
    .execute(c)
    .await?;
    Ok(())
}

/// Notes who approved or rejected a revision, what exactly, and with which words.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_decided(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    stamp: &Stamp,
    digest: &ContentDigest,
    note: Option<&str>,
) -> Result<(), StoreError> {
    query(
        "UPDATE revision SET decided_ms = $3, decided_by = $4, decided_digest = $5, decision_note = $6
         WHERE bulletin_id = $1 AND revision = $2",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .bind(stamp.at.0)
    .bind(&stamp.by)
    .bind(digest.to_string())
    .bind(note)
    .execute(c)
    .await?;
    Ok(())
}

/// Sets which revision plans carry.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_on_air(c: &mut Connection, id: &BulletinId, number: Option<u32>) -> Result<(), StoreError> {
    query("UPDATE bulletin SET on_air_revision = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(number.map(i64::from))
        .execute(c)
        .await?;
    Ok(())
}

/// Notes that a bulletin was taken back for good; nothing of it is on air.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_withdrawn(c: &mut Connection, id: &BulletinId, now: UnixMs) -> Result<(), StoreError> {
    query("UPDATE bulletin SET withdrawn_ms = $2, on_air_revision = NULL WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// Notes that somebody wrote a part of a revision.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn add_author(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
    author: &UserId,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO revision_author (bulletin_id, revision, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .bind(author.as_str())
    .execute(c)
    .await?;
    Ok(())
}

/// One revision with tracks and authors.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn revision(
    c: &mut Connection,
    id: &BulletinId,
    number: u32,
) -> Result<Option<Revision>, StoreError> {
    let row = query(
        "SELECT state, title, body, category, class, created_ms, edited_ms, submitted_ms, submitted_by,
         decided_ms, decided_by, decision_note FROM revision WHERE bulletin_id = $1 AND revision = $2",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .fetch_optional(&mut *c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let authors = query(
        "SELECT user_id FROM revision_author WHERE bulletin_id = $1 AND revision = $2 ORDER BY user_id",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .fetch_all(&mut *c)
    .await?;
    let stamp = |at: &str, by: &str| -> Result<Option<Stamp>, StoreError> {
        Ok(row.instant_opt(at)?.zip(row.text_opt(by)?).map(|(at, by)| Stamp { at, by }))
    };
    Ok(Some(Revision {
        bulletin: id.clone(),
        number,
        state: row.parsed("state")?,
        title: row.text("title")?,
        text: row.text("body")?,
        category: row.parsed("category")?,
        class: row.parsed("class")?,
        tracks: tracks::of_revision(c, id, number).await?,
        authors: authors.iter().map(|a| a.parsed("user_id")).collect::<Result<_, _>>()?,
        created: row.instant("created_ms")?,
        edited: row.instant("edited_ms")?,
        submitted: stamp("submitted_ms", "submitted_by")?,
        decided: stamp("decided_ms", "decided_by")?,
        decision_note: row.text_opt("decision_note")?,
    }))
}

/// Which bulletins to list, the latest begun first.
#[derive(Debug, Clone, Default)]
pub struct BulletinFilter {
    /// Whose latest revision stands so.
    pub state: Option<RevisionState>,
    /// With a revision on air.
    pub on_air: Option<bool>,
    /// Begun before this one: the next page.
    pub before: Option<BulletinId>,
    /// How many at most.
    pub limit: u32,
}

/// The bulletins of areas in the scopes.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(
    c: &mut Connection,
    scopes: &[Scope],
    filter: &BulletinFilter,
) -> Result<Vec<BulletinSummary>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT b.id, a.path, a.name AS area_name, b.latest_revision, b.on_air_revision, b.created_ms, b.withdrawn_ms,
         r.state, r.title, r.category, r.class, r.edited_ms
         FROM bulletin b JOIN area a ON a.id = b.area_id
         JOIN revision r ON r.bulletin_id = b.id AND r.revision = b.latest_revision WHERE ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" AND NOT EXISTS (SELECT 1 FROM alert l WHERE l.id = b.id)");
    if let Some(state) = filter.state {
        query.push(" AND r.state = ").push_bind(state.as_str());
    }
    if let Some(on_air) = filter.on_air {
        query.push(if on_air {
            " AND b.on_air_revision IS NOT NULL"
        } else {
            " AND b.on_air_revision IS NULL"
        });
    }
    if let Some(before) = &filter.before {
        query.push(" AND b.id < ").push_bind(before.as_str().to_owned());
    }
    query.push(" ORDER BY b.id DESC LIMIT ").push_bind(i64::from(filter.limit));
    let rows = query.build().fetch_all(&mut *c).await?;
    let mut summaries = Vec::with_capacity(rows.len());
    for row in &rows {
        let bulletin = read_bulletin(row)?;
        let authors = author_logins(c, &bulletin.id, bulletin.latest).await?;
        summaries.push(BulletinSummary {
            bulletin,
            area_name: row.text("area_name")?,
            state: row.parsed("state")?,
            title: row.text("title")?,
            category: row.parsed("category")?,
            class: row.parsed("class")?,
            edited: row.instant("edited_ms")?,
            authors,
        });
    }
    Ok(summaries)
}

async fn author_logins(c: &mut Connection, id: &BulletinId, number: u32) -> Result<Vec<String>, StoreError> {
    let rows = query(
        "SELECT u.login FROM revision_author w JOIN users u ON u.id = w.user_id
         WHERE w.bulletin_id = $1 AND w.revision = $2 ORDER BY u.login",
    )
    .bind(id.as_str())
    .bind(i64::from(number))
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| row.text("login")).collect()
}

fn read_bulletin(row: &Row) -> Result<Bulletin, StoreError> {
    Ok(Bulletin {
        id: row.parsed("id")?,
        path: row.path("path")?,
        latest: row.number("latest_revision")?,
        on_air: row.number_opt("on_air_revision")?,
        created: row.instant("created_ms")?,
        withdrawn: row.instant_opt("withdrawn_ms")?,
    })
}
