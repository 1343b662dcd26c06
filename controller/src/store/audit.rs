//! Who did what. Entries are added in the transaction of the deed; the database refuses to change or delete any.

use loa_protocol::area::AreaPath;
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, path_text, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::role::Scope;

/// An entry to add.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// The person's id; `None`: the operator at the machine.
    pub actor_id: Option<&'a str>,
    /// Their sign-in name at that moment.
    pub actor_name: &'a str,
    /// The network address of the request.
    pub address: Option<&'a str>,
    /// `thing.deed`, such as `bulletin.approved`.
    pub action: &'static str,
    /// Id of the thing.
    pub subject_id: &'a str,
    /// The area that it concerns; `None`: the whole installation.
    pub area: Option<&'a AreaPath>,
    /// What was before, as a short JSON object.
    pub before: Option<String>,
    /// What is after, as a short JSON object.
    pub after: Option<String>,
}

/// An entry as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number; rises with time.
    pub id: i64,
    /// When.
    pub at: UnixMs,
    /// The person's id; `None`: the operator at the machine.
    pub actor_id: Option<String>,
    /// Their sign-in name at that moment.
    pub actor_name: String,
    /// The network address of the request.
    pub address: Option<String>,
    /// `thing.deed`.
    pub action: String,
    /// Id of the thing.
    pub subject_id: String,
    /// What was before, as a short JSON object.
    pub before: Option<String>,
    /// What is after, as a short JSON object.
    pub after: Option<String>,
}

/// Which entries to read, the latest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this thing alone.
    pub subject_id: Option<String>,
    /// Before this entry: the next page.
    pub before_id: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// Adds an entry.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn append(c: &mut Connection, entry: &AuditEntry<'_>, now: UnixMs) -> Result<(), StoreError> {
    query(
        "INSERT INTO audit (at_ms, actor_id, actor_name, address, action, subject_id, area_path, before, after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(now.0)
    .bind(entry.actor_id)
    .bind(entry.actor_name)
    .bind(entry.address)
    .bind(entry.action)
    .bind(entry.subject_id)
    .bind(entry.area.map(path_text))
    .bind(&entry.before)
    .bind(&entry.after)
    .execute(c)
    .await?;
    Ok(())
}

/// How far the log has come: while it is the same, nobody has decided anything since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position(Vec<i64>);

/// How far the log has come.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn position(c: &mut Connection) -> Result<Position, StoreError> {
    // Not the last number alone: on PostgreSQL what nodes report has a lane of its own, and an entry from there may be seen before one
    // of staff with a lower number.
    let rows = query("SELECT id FROM audit ORDER BY id DESC LIMIT 32").fetch_all(c).await?;
    Ok(Position(rows.iter().map(|row| row.number("id")).collect::<Result<_, _>>()?))
}

/// Entries about the scopes, the latest first. Those of the whole installation are for a scope of everywhere.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(
    c: &mut Connection,
    scopes: &[Scope],
    filter: &AuditFilter,
) -> Result<Vec<AuditRecord>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT id, at_ms, actor_id, actor_name, address, action, subject_id, before, after FROM audit WHERE ",
    );
    push_in_scopes(&mut query, "area_path", scopes);
    if let Some(subject) = &filter.subject_id {
        query.push(" AND subject_id = ").push_bind(subject.clone());
    }
    if let Some(before) = filter.before_id {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(filter.limit));
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        id: row.number("id")?,
        at: row.instant("at_ms")?,
        actor_id: row.text_opt("actor_id")?,
        actor_name: row.text("actor_name")?,
        address: row.text_opt("address")?,
        action: row.text("action")?,
        subject_id: row.text("subject_id")?,
        before: row.text_opt("before")?,
        after: row.text_opt("after")?,
    })
}
