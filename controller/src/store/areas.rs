//! Areas.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, path_text, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::area::{Area, AreaValues};
use crate::domain::role::Scope;

/// Adds an area.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is taken.
pub async fn insert(c: &mut Connection, area: &Area, now: UnixMs) -> Result<(), StoreError> {
    query(
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
    query("UPDATE area SET name = $2, level = $3, languages = $4, zone = $5 WHERE id = $1")
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
    let row =
        query("SELECT id, path, name, level, languages, zone FROM area WHERE id = $1 AND removed_ms IS NULL")
            .bind(id.as_str())
            .fetch_optional(c)
            .await?;
    row.map(|row| read(&row)).transpose()
}

/// Gives an area another place: its path becomes `to`, and the paths below it follow. They must not be too deep there.
///
/// # Errors
/// [`StoreError::Reference`] when the area above does not exist.
pub async fn set_place(
    c: &mut Connection,
    id: &AreaId,
    from: &AreaPath,
    to: &AreaPath,
) -> Result<(), StoreError> {
    let above = to.areas().len().checked_sub(2).and_then(|at| to.areas().get(at));
    query("UPDATE area SET parent_id = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(above.map(AreaId::as_str))
        .execute(&mut *c)
        .await?;
    let from = path_text(from);
    query("UPDATE area SET path = $2 || substr(path, length($1) + 1) WHERE substr(path, 1, length($1)) = $1")
        .bind(&from)
        .bind(path_text(to))
        .execute(c)
        .await?;
    Ok(())
}

/// Takes an area out of sight. Its id is never given again; people whose home it is belong to the area above.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_removed(c: &mut Connection, id: &AreaId, now: UnixMs) -> Result<(), StoreError> {
    query(
        "UPDATE users SET home_area_id = (SELECT parent_id FROM area WHERE id = $1) WHERE home_area_id = $1",
    )
    .bind(id.as_str())
    .execute(&mut *c)
    .await?;
    query("UPDATE area SET removed_ms = $2 WHERE id = $1").bind(id.as_str()).bind(now.0).execute(c).await?;
    Ok(())
}

/// What stands in the way of taking an area out of sight: how many of each there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AreaContent {
    /// Areas directly inside.
    pub areas: u64,
    /// Nodes directly inside.
    pub nodes: u64,
    /// Bulletins on its behalf that were not withdrawn, without the words of emergencies.
    pub bulletins: u64,
    /// Emergencies that sound in it or may yet: while it is out of sight nobody could stop them.
    pub alerts: u64,
    /// Schedules that aim at it and may still sound.
    pub schedules: u64,
    /// Roles that hold in it and below.
    pub roles: u64,
}

/// What an area holds.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn content(c: &mut Connection, id: &AreaId, now: UnixMs) -> Result<AreaContent, StoreError> {
    let row = query(
        "SELECT (SELECT COUNT(*) FROM area WHERE parent_id = $1 AND removed_ms IS NULL) AS areas,
         (SELECT COUNT(*) FROM node WHERE area_id = $1 AND removed_ms IS NULL) AS nodes,
         (SELECT COUNT(*) FROM bulletin b WHERE b.area_id = $1 AND b.withdrawn_ms IS NULL
          AND NOT EXISTS (SELECT 1 FROM alert l WHERE l.id = b.id)) AS bulletins,
         (SELECT COUNT(*) FROM alert l JOIN alert_area t ON t.alert_id = l.id WHERE t.area_id = $1
          AND l.cancelled_ms IS NULL AND l.returned_ms IS NULL AND l.expires_ms > $2) AS alerts,
         (SELECT COUNT(*) FROM schedule s JOIN schedule_target t ON t.schedule_id = s.id
          JOIN bulletin b ON b.id = s.bulletin_id
          WHERE t.area_id = $1 AND s.cancelled_ms IS NULL AND b.withdrawn_ms IS NULL
          AND (s.at_ms IS NULL OR s.at_ms + s.start_within_ms > $2)
          AND (s.valid_until_ms IS NULL OR s.valid_until_ms + s.start_within_ms > $2)) AS schedules,
         (SELECT COUNT(*) FROM role_grant WHERE area_id = $1) AS roles",
    )
    .bind(id.as_str())
    .bind(now.0)
    .fetch_one(c)
    .await?;
    Ok(AreaContent {
        areas: row.number("areas")?,
        nodes: row.number("nodes")?,
        bulletins: row.number("bulletins")?,
        alerts: row.number("alerts")?,
        schedules: row.number("schedules")?,
        roles: row.number("roles")?,
    })
}

/// Whether an area of this id exists, or was there and is out of sight.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn exists(c: &mut Connection, id: &str) -> Result<bool, StoreError> {
    Ok(query("SELECT 1 FROM area WHERE id = $1").bind(id).fetch_optional(c).await?.is_some())
}

/// The areas in the scopes, each after the one that contains it.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<Area>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT id, path, name, level, languages, zone FROM area WHERE removed_ms IS NULL AND ",
    );
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
        QueryBuilder::new("SELECT id, path, name, level, languages, zone FROM area WHERE id IN (");
    let mut ids = query.separated(", ");
    for id in path.areas() {
        ids.push_bind(id.as_str().to_owned());
    }
    query.push(") ORDER BY length(path)");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Area, StoreError> {
    let languages = row.text("languages")?;
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
