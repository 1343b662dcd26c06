//! When and where bulletins sound.

use std::collections::BTreeMap;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, BulletinId, CalendarId, ItemId, NodeId};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::{CronPattern, Repeats, Start};

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError, bulletins};
use crate::domain::bulletin::Revision;
use crate::domain::message::Message;
use crate::domain::role::Scope;
use crate::domain::schedule::{Schedule, ScheduleValues};
use crate::domain::schedule_rules::{ScheduleRules, after_interruption, dates, interruption_word};

const SELECT: &str = "SELECT s.id, s.bulletin_id, s.at_ms, s.cron, s.zone, s.valid_from_ms, s.valid_until_ms,
    s.start_within_ms, s.created_ms, s.cancelled_ms, s.excluded_dates, s.rounds, s.gap_ms, s.after_interruption
    FROM schedule s JOIN bulletin b ON b.id = s.bulletin_id JOIN area a ON a.id = b.area_id WHERE ";

/// Adds a schedule with its targets.
///
/// # Errors
/// [`StoreError::Reference`] when the bulletin or a target does not exist.
pub async fn insert(
    c: &mut Connection,
    id: &ItemId,
    bulletin: &BulletinId,
    values: &ScheduleValues,
    by: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let (at, cron) = match &values.start {
        Start::At(at) => (Some(at.0), None),
        Start::Cron(pattern) => (None, Some(pattern.as_str())),
    };
    let rules = &values.rules;
    query(
        "INSERT INTO schedule (id, bulletin_id, at_ms, cron, zone, valid_from_ms, valid_until_ms, start_within_ms,
         created_ms, created_by, excluded_dates, rounds, gap_ms, after_interruption)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(id.as_str())
    .bind(bulletin.as_str())
    .bind(at)
    .bind(cron)
    .bind(values.zone.name())
    .bind(values.valid_from.map(|t| t.0))
    .bind(values.valid_until.map(|t| t.0))
    .bind(i64::from(values.start_within_ms))
    .bind(now.0)
    .bind(by)
    .bind(rules.excluded_dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    .bind(rules.repeats.map(|repeats| i64::from(repeats.rounds)))
    .bind(rules.repeats.map(|repeats| i64::from(repeats.gap_ms)))
    .bind(interruption_word(rules.after_interruption))
    .execute(&mut *c)
    .await?;
    let named = rules.not_on.iter().map(|calendar| (calendar, false));
    for (calendar, only_on) in named.chain(rules.only_on.iter().map(|calendar| (calendar, true))) {
        query("INSERT INTO schedule_calendar (schedule_id, calendar, only_on) VALUES ($1, $2, $3)")
            .bind(id.as_str())
            .bind(calendar.as_str())
            .bind(only_on)
            .execute(&mut *c)
            .await?;
    }
    for area in &values.areas {
        insert_target(c, id, Some(area.as_str()), None).await?;
    }
    for node in &values.nodes {
        insert_target(c, id, None, Some(node.as_str())).await?;
    }
    Ok(())
}

/// What the schedule's own row says of its rules; the calendars are rows of their own.
fn read_rules(row: &Row) -> Result<ScheduleRules, StoreError> {
    let damaged = |column: &str| {
        let column = column.to_owned();
        move |problem: Message| StoreError::Damaged { column, problem: problem.to_string() }
    };
    let repeats = row.number_opt("rounds")?.zip(row.number_opt("gap_ms")?);
    let after = row.text("after_interruption")?;
    Ok(ScheduleRules {
        excluded_dates: dates(&row.text("excluded_dates")?).map_err(damaged("excluded_dates"))?,
        repeats: repeats.map(|(rounds, gap_ms)| Repeats { rounds, gap_ms }),
        after_interruption: after_interruption(&after).map_err(damaged("after_interruption"))?,
        ..ScheduleRules::default()
    })
}

async fn insert_target(
    c: &mut Connection,
    id: &ItemId,
    area: Option<&str>,
    node: Option<&str>,
) -> Result<(), StoreError> {
    query("INSERT INTO schedule_target (schedule_id, area_id, node_id) VALUES ($1, $2, $3)")
        .bind(id.as_str())
        .bind(area)
        .bind(node)
        .execute(c)
        .await?;
    Ok(())
}

/// Notes that a schedule counts no more. Gives whether it counted.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn cancel(c: &mut Connection, id: &ItemId, by: &str, now: UnixMs) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE schedule SET cancelled_ms = $2, cancelled_by = $3 WHERE id = $1 AND cancelled_ms IS NULL",
    )
    .bind(id.as_str())
    .bind(now.0)
    .bind(by)
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One schedule.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &ItemId) -> Result<Option<Schedule>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("s.id = ").push_bind(id.as_str().to_owned());
    let found = fetch(c, query).await?;
    Ok(found.into_iter().next())
}

/// Which schedules to list, the latest made first.
#[derive(Debug, Clone, Default)]
pub struct ScheduleFilter {
    /// Of this bulletin alone.
    pub bulletin: Option<BulletinId>,
    /// With those that were cancelled, and single starts before [`ScheduleFilter::since`].
    pub with_past: bool,
    /// The instant that divides past from future.
    pub since: UnixMs,
    /// Made before this one: the next page.
    pub before: Option<ItemId>,
    /// How many at most.
    pub limit: u32,
}

/// The schedules whose bulletin's area lies in the scopes.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(
    c: &mut Connection,
    scopes: &[Scope],
    filter: &ScheduleFilter,
) -> Result<Vec<Schedule>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    push_in_scopes(&mut query, "a.path", scopes);
    if let Some(bulletin) = &filter.bulletin {
        query.push(" AND s.bulletin_id = ").push_bind(bulletin.as_str().to_owned());
    }
    if !filter.with_past {
        push_may_sound_after(&mut query, filter.since);
    }
    if let Some(before) = &filter.before {
        query.push(" AND s.id < ").push_bind(before.as_str().to_owned());
    }
    query.push(" ORDER BY s.id DESC LIMIT ").push_bind(i64::from(filter.limit));
    fetch(c, query).await
}

/// A schedule with the approved revision that it plays: what a plan is compiled from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnAir {
    /// When and where.
    pub schedule: Schedule,
    /// What.
    pub revision: Revision,
    /// The area on whose behalf the bulletin speaks: its approval holds in there alone.
    pub reach: AreaPath,
}

/// Everything that plans carry at the instant `now`: schedules that are not cancelled, whose bulletin has an approved
/// revision, and that may still start, single starts `start_within_ms` late included. Ascending by id.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn on_air(c: &mut Connection, now: UnixMs) -> Result<Vec<OnAir>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("b.on_air_revision IS NOT NULL");
    push_may_sound_after(&mut query, now);
    query.push(" ORDER BY s.id");
    let schedules = fetch(c, query).await?;
    let mut revisions: BTreeMap<BulletinId, Option<(Revision, AreaPath)>> = BTreeMap::new();
    let mut on_air = Vec::with_capacity(schedules.len());
    for schedule in schedules {
        if !revisions.contains_key(&schedule.bulletin) {
            let bulletin = bulletins::get(c, &schedule.bulletin).await?;
            let on_air = match bulletin.and_then(|b| Some((b.on_air?, b.path))) {
                Some((number, path)) => {
                    bulletins::revision(c, &schedule.bulletin, number).await?.map(|revision| (revision, path))
                }
                None => None,
            };
            revisions.insert(schedule.bulletin.clone(), on_air);
        }
        if let Some(Some((revision, reach))) = revisions.get(&schedule.bulletin) {
            on_air.push(OnAir { schedule, revision: revision.clone(), reach: reach.clone() });
        }
    }
    Ok(on_air)
}

fn push_may_sound_after(query: &mut QueryBuilder<'_>, now: UnixMs) {
    query.push(" AND s.cancelled_ms IS NULL AND (s.at_ms IS NULL OR s.at_ms + s.start_within_ms > ");
    query.push_bind(now.0);
    query.push(") AND (s.valid_until_ms IS NULL OR s.valid_until_ms + s.start_within_ms > ");
    query.push_bind(now.0).push(")");
}

async fn fetch(c: &mut Connection, built: QueryBuilder<'_>) -> Result<Vec<Schedule>, StoreError> {
    let rows = built.build().fetch_all(&mut *c).await?;
    let mut schedules = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut schedule = read(row)?;
        let targets = query(
            "SELECT area_id, node_id FROM schedule_target WHERE schedule_id = $1 ORDER BY area_id, node_id",
        )
        .bind(schedule.id.as_str())
        .fetch_all(&mut *c)
        .await?;
        for target in &targets {
            schedule.values.areas.extend(target.parsed_opt::<AreaId>("area_id")?);
            schedule.values.nodes.extend(target.parsed_opt::<NodeId>("node_id")?);
        }
        let calendars =
            query("SELECT calendar, only_on FROM schedule_calendar WHERE schedule_id = $1 ORDER BY calendar")
                .bind(schedule.id.as_str())
                .fetch_all(&mut *c)
                .await?;
        for named in &calendars {
            let calendar: CalendarId = named.parsed("calendar")?;
            match named.flag("only_on")? {
                false => schedule.values.rules.not_on.push(calendar),
                true => schedule.values.rules.only_on = Some(calendar),
            }
        }
        schedules.push(schedule);
    }
    Ok(schedules)
}

fn read(row: &Row) -> Result<Schedule, StoreError> {
    let start = match row.instant_opt("at_ms")? {
        Some(at) => Start::At(at),
        None => Start::Cron(row.parsed::<CronPattern>("cron")?),
    };
    Ok(Schedule {
        id: row.parsed("id")?,
        bulletin: row.parsed("bulletin_id")?,
        values: ScheduleValues {
            start,
            zone: row.parsed("zone")?,
            valid_from: row.instant_opt("valid_from_ms")?,
            valid_until: row.instant_opt("valid_until_ms")?,
            start_within_ms: row.number("start_within_ms")?,
            areas: Vec::new(),
            nodes: Vec::new(),
            rules: read_rules(row)?,
        },
        created: row.instant("created_ms")?,
        cancelled: row.instant_opt("cancelled_ms")?,
    })
}
