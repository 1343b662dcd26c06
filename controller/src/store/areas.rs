//! Areas.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::rows::{Columns as _, path_text, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::area::{Area, AreaValues};
use crate::domain::role::Scope;

/// Adds an area.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is taken.
pub async fn insert(c: &mut Connection, area: &Area, now: UnixMs) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO area (id, parent_id, path, name, level, languages, zone, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(area.id.as_str())
    .bind(area.parent().map(AreaId::as_str))
    .bind(path_text(&area.path))
    .bind(&area.name)
    .bind(&area.level)
    .bind(languages_text(&area.languages))
    .bind(area.zone.map(|z| z.name()))
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Changes an area's own values.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn update(c: &mut Connection, id: &AreaId, values: &AreaValues) -> Result<(), StoreError> {
    sqlx::query("UPDATE area SET name = $2, level = $3, languages = $4, zone = $5 WHERE id = $1")
        .bind(id.as_str())
        .bind(&values.name)
        .bind(&values.level)
        .bind(languages_text(&values.languages))
        .bind(values.zone.map(|z| z.name()))
        .execute(c)
        .await?;
    Ok(())
}

/// One area.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &AreaId) -> Result<Option<Area>, StoreError> {
    let row = sqlx::query("SELECT id, path, name, level, languages, zone FROM area WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(c)
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// Whether an area of this id exists.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn exists(c: &mut Connection, id: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM area WHERE id = $1").bind(id).fetch_optional(c).await?.is_some())
}

/// The areas in the scopes, each after the one that contains it.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<Area>, StoreError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT id, path, name, level, languages, zone FROM area WHERE ");
    push_in_scopes(&mut query, "path", scopes);
    query.push(" ORDER BY path");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// The areas of a path, the root first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn chain(c: &mut Connection, path: &AreaPath) -> Result<Vec<Area>, StoreError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT id, path, name, level, languages, zone FROM area WHERE id IN (");
    let mut ids = query.separated(", ");
    for id in path.areas() {
        ids.push_bind(id.as_str().to_owned());
    }
    query.push(") ORDER BY length(path)");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Area, StoreError> {
    let languages: &str = row.try_get("languages")?;
    let languages =
        languages.split(',').filter(|t| !t.is_empty()).map(Language::new).collect::<Result<_, _>>();
    Ok(Area {
        id: row.parsed("id")?,
        path: row.path("path")?,
        name: row.text("name")?,
        level: row.text("level")?,
        languages: languages
            .map_err(|e| StoreError::Damaged { column: "languages".to_owned(), problem: e.to_string() })?,
        zone: row.parsed_opt("zone")?,
    })
}

fn languages_text(languages: &[Language]) -> String {
    languages.iter().map(Language::as_str).collect::<Vec<_>>().join(",")
}
