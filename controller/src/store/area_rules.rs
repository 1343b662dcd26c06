//! What areas state beyond their names.

use std::collections::BTreeMap;

use loa_protocol::ids::AreaId;
use loa_protocol::timeline::Guards;

use super::query::{QueryBuilder, Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::area_rules::{AreaRules, quiet_hours, ranges_text};

const SELECT: &str =
    "SELECT area_id, households, quiet_hours, normal_minutes_a_day, priority_minutes_a_day, sessions_a_day,
    longest_session_ms, volume_ceiling_percent, own_priority_first FROM area_rules";

/// What one area states; nothing where it has said nothing.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &AreaId) -> Result<AreaRules, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE area_id = ").push_bind(id.as_str().to_owned());
    let row = query.build().fetch_optional(c).await?;
    Ok(row.map(|row| read(&row)).transpose()?.map(|(_, rules)| rules).unwrap_or_default())
}

/// What all areas state, those left out that have said nothing.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn all(c: &mut Connection) -> Result<BTreeMap<AreaId, AreaRules>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" ORDER BY area_id");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// Keeps what an area states, in place of what it stated before.
///
/// # Errors
/// [`StoreError::Reference`] when the area does not exist.
pub async fn put(c: &mut Connection, id: &AreaId, rules: &AreaRules) -> Result<(), StoreError> {
    let Guards {
        quiet_hours,
        normal_minutes_a_day,
        priority_minutes_a_day,
        sessions_a_day,
        longest_session_ms,
        volume_ceiling_percent,
    } = &rules.guards;
    query(
        "INSERT INTO area_rules (area_id, households, quiet_hours, normal_minutes_a_day, priority_minutes_a_day,
         sessions_a_day, longest_session_ms, volume_ceiling_percent, own_priority_first)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (area_id) DO UPDATE SET households = $2, quiet_hours = $3, normal_minutes_a_day = $4,
         priority_minutes_a_day = $5, sessions_a_day = $6, longest_session_ms = $7, volume_ceiling_percent = $8,
         own_priority_first = $9",
    )
    .bind(id.as_str())
    .bind(rules.households.map(i64::from))
    .bind(ranges_text(quiet_hours))
    .bind(normal_minutes_a_day.map(i64::from))
    .bind(priority_minutes_a_day.map(i64::from))
    .bind(sessions_a_day.map(i64::from))
    .bind(longest_session_ms.map(i64::from))
    .bind(volume_ceiling_percent.map(i64::from))
    .bind(rules.own_priority_first)
    .execute(c)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<(AreaId, AreaRules), StoreError> {
    let quiet = quiet_hours(&row.text("quiet_hours")?).map_err(|problem| StoreError::Damaged {
        column: "quiet_hours".to_owned(),
        problem: problem.to_string(),
    })?;
    let rules = AreaRules {
        guards: Guards {
            quiet_hours: quiet,
            normal_minutes_a_day: row.number_opt("normal_minutes_a_day")?,
            priority_minutes_a_day: row.number_opt("priority_minutes_a_day")?,
            sessions_a_day: row.number_opt("sessions_a_day")?,
            longest_session_ms: row.number_opt("longest_session_ms")?,
            volume_ceiling_percent: row.number_opt("volume_ceiling_percent")?,
        },
        own_priority_first: row.flag("own_priority_first")?,
        households: row.number_opt("households")?,
    };
    Ok((row.parsed("area_id")?, rules))
}
