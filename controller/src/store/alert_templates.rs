//! Bulletins that are prepared for the hour of need.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::ids::{AreaId, BulletinId, ObjectHash};
use loa_protocol::time::UnixMs;
use loa_protocol::timeline::Severity;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::alert::template::TemplateKind;
use crate::domain::alert::{SeverityWord, severity_word};
use crate::domain::bulletin::ContentDigest;
use crate::domain::ids::UserId;
use crate::domain::role::Scope;

/// What a bulletin is prepared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The bulletin.
    pub bulletin: BulletinId,
    /// What it is for.
    pub kind: TemplateKind,
    /// How severe it usually is.
    pub severity: Severity,
}

/// Notes that a bulletin is a template.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Reference`].
pub async fn insert(c: &mut Connection, template: &Template) -> Result<(), StoreError> {
    query("INSERT INTO alert_template (bulletin_id, kind, severity) VALUES ($1, $2, $3)")
        .bind(template.bulletin.as_str())
        .bind(template.kind.as_str())
        .bind(severity_word(template.severity))
        .execute(c)
        .await?;
    Ok(())
}

/// What a bulletin is prepared for; `None`: it is no template.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, bulletin: &BulletinId) -> Result<Option<Template>, StoreError> {
    let row = query("SELECT bulletin_id, kind, severity FROM alert_template WHERE bulletin_id = $1")
        .bind(bulletin.as_str())
        .fetch_optional(c)
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// The templates of areas in the scopes that were not withdrawn, by kind, the latest first.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<Template>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT t.bulletin_id, t.kind, t.severity FROM alert_template t JOIN bulletin b ON b.id = t.bulletin_id
         JOIN area a ON a.id = b.area_id WHERE b.withdrawn_ms IS NULL AND ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY t.kind, t.bulletin_id DESC");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// Keeps an approval of a revision of a template, and gives how many people have approved it as it is.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn add_approval(
    c: &mut Connection,
    bulletin: &BulletinId,
    revision: u32,
    by: &UserId,
    digest: &ContentDigest,
    now: UnixMs,
) -> Result<u32, StoreError> {
    query(
        "INSERT INTO alert_template_approval (bulletin_id, revision, user_id, digest, approved_ms)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (bulletin_id, revision, user_id) DO UPDATE SET digest = excluded.digest,
         approved_ms = excluded.approved_ms",
    )
    .bind(bulletin.as_str())
    .bind(i64::from(revision))
    .bind(by.as_str())
    .bind(digest.to_string())
    .bind(now.0)
    .execute(&mut *c)
    .await?;
    approvals(c, bulletin, revision, digest).await
}

/// How many people have approved a revision as it is.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn approvals(
    c: &mut Connection,
    bulletin: &BulletinId,
    revision: u32,
    digest: &ContentDigest,
) -> Result<u32, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS approvals FROM alert_template_approval
         WHERE bulletin_id = $1 AND revision = $2 AND digest = $3",
    )
    .bind(bulletin.as_str())
    .bind(i64::from(revision))
    .bind(digest.to_string())
    .fetch_one(c)
    .await?;
    row.number("approvals")
}

/// The sounds of approved templates, by the area in whose name each is: nodes fetch them in advance.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn prepared(c: &mut Connection) -> Result<BTreeMap<AreaId, BTreeSet<ObjectHash>>, StoreError> {
    let rows = query(
        "SELECT b.area_id, k.object_hash FROM alert_template t JOIN bulletin b ON b.id = t.bulletin_id
         JOIN track k ON k.bulletin_id = b.id AND k.revision = b.on_air_revision
         WHERE b.withdrawn_ms IS NULL AND k.object_hash IS NOT NULL",
    )
    .fetch_all(c)
    .await?;
    let mut by_area: BTreeMap<AreaId, BTreeSet<ObjectHash>> = BTreeMap::new();
    for row in &rows {
        by_area.entry(row.parsed("area_id")?).or_default().insert(row.parsed("object_hash")?);
    }
    Ok(by_area)
}

fn read(row: &Row) -> Result<Template, StoreError> {
    let SeverityWord(severity) = row.parsed("severity")?;
    Ok(Template { bulletin: row.parsed("bulletin_id")?, kind: row.parsed("kind")?, severity })
}
