//! The calendars that areas keep.

use loa_protocol::ids::CalendarId;
use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::calendar::{OwnCalendar, OwnDays, OwnValues};

/// All of them, by name.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn all(c: &mut Connection) -> Result<Vec<OwnCalendar>, StoreError> {
    let rows = query(
        "SELECT c.id, c.name, c.edited_by, c.edited_ms, a.path FROM calendar c JOIN area a ON a.id = c.area_id
         ORDER BY c.name, c.id",
    )
    .fetch_all(&mut *c)
    .await?;
    let mut calendars = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut calendar = read(row)?;
        let days =
            query("SELECT first, last, reason FROM calendar_days WHERE calendar_id = $1 ORDER BY first")
                .bind(calendar.id.as_str())
                .fetch_all(&mut *c)
                .await?;
        for row in &days {
            calendar.values.days.push(OwnDays {
                first: row.parsed("first")?,
                last: row.parsed("last")?,
                reason: row.text("reason")?,
            });
        }
        let includes =
            query("SELECT included FROM calendar_includes WHERE calendar_id = $1 ORDER BY included")
                .bind(calendar.id.as_str())
                .fetch_all(&mut *c)
                .await?;
        for row in &includes {
            calendar.values.includes.push(row.parsed("included")?);
        }
        calendars.push(calendar);
    }
    Ok(calendars)
}

/// Adds a calendar, or changes the one with its id.
///
/// # Errors
/// [`StoreError::Reference`] when there is no such area.
pub async fn put(c: &mut Connection, calendar: &OwnCalendar) -> Result<(), StoreError> {
    query(
        "INSERT INTO calendar (id, area_id, name, edited_by, edited_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, edited_by = excluded.edited_by,
         edited_ms = excluded.edited_ms",
    )
    .bind(calendar.id.as_str())
    .bind(calendar.area.areas().last().map(|area| area.as_str()))
    .bind(&calendar.values.name)
    .bind(&calendar.edited_by)
    .bind(calendar.edited.0)
    .execute(&mut *c)
    .await?;
    for forget in [
        "DELETE FROM calendar_days WHERE calendar_id = $1",
        "DELETE FROM calendar_includes WHERE calendar_id = $1",
    ] {
        query(forget).bind(calendar.id.as_str()).execute(&mut *c).await?;
    }
    for days in &calendar.values.days {
        query("INSERT INTO calendar_days (calendar_id, first, last, reason) VALUES ($1, $2, $3, $4)")
            .bind(calendar.id.as_str())
            .bind(days.first.to_string())
            .bind(days.last.to_string())
            .bind(&days.reason)
            .execute(&mut *c)
            .await?;
    }
    for included in &calendar.values.includes {
        query("INSERT INTO calendar_includes (calendar_id, included) VALUES ($1, $2)")
            .bind(calendar.id.as_str())
            .bind(included.as_str())
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// Takes a calendar away.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, id: &CalendarId) -> Result<(), StoreError> {
    query("DELETE FROM calendar WHERE id = $1").bind(id.as_str()).execute(c).await?;
    Ok(())
}

/// How many schedules that may still sound name a calendar.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn schedules_naming(c: &mut Connection, id: &CalendarId, now: UnixMs) -> Result<u32, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS count FROM schedule_calendar n JOIN schedule s ON s.id = n.schedule_id
         WHERE n.calendar = $1 AND s.cancelled_ms IS NULL
         AND (s.at_ms IS NULL OR s.at_ms + s.start_within_ms > $2)
         AND (s.valid_until_ms IS NULL OR s.valid_until_ms + s.start_within_ms > $2)",
    )
    .bind(id.as_str())
    .bind(now.0)
    .fetch_one(c)
    .await?;
    row.number("count")
}

fn read(row: &Row) -> Result<OwnCalendar, StoreError> {
    Ok(OwnCalendar {
        id: row.parsed("id")?,
        area: row.path("path")?,
        values: OwnValues { name: row.text("name")?, days: Vec::new(), includes: Vec::new() },
        edited_by: row.text("edited_by")?,
        edited: row.instant("edited_ms")?,
    })
}
