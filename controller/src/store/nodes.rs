//! Nodes: their records. What they say of themselves is in [`super::reports`] and [`super::presence`].

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError, certificates};
use crate::domain::node::{CertificateRecord, LineClass, Node, NodeState, NodeStatus, NodeValues};
use crate::domain::role::Scope;

const SELECT: &str =
    "SELECT n.id, a.path, n.name, n.serial, n.state, n.volume_percent, n.line, n.certificate_fingerprint,
    n.certificate_serial, n.certificate_expires_ms, n.created_ms, n.enrolled_ms,
    p.online, p.changed_ms, r.seen_ms, r.firmware, r.clock, r.storage, r.objects_ready, r.objects_fetching
    FROM node n JOIN area a ON a.id = n.area_id
    LEFT JOIN node_presence p ON p.node_id = n.id
    LEFT JOIN node_report r ON r.node_id = n.id";

/// Adds a node that no board has enrolled for.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is taken.
pub async fn insert(
    c: &mut Connection,
    id: &NodeId,
    area: &AreaId,
    values: &NodeValues,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO node (id, area_id, name, serial, state, volume_percent, line, created_ms)
         VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7)",
    )
    .bind(id.as_str())
    .bind(area.as_str())
    .bind(&values.name)
    .bind(&values.serial)
    .bind(i64::from(values.volume_percent))
    .bind(values.line.as_str())
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Changes a node's own values and place.
///
/// # Errors
/// [`StoreError::Reference`] when the area does not exist.
pub async fn update(
    c: &mut Connection,
    id: &NodeId,
    area: &AreaId,
    values: &NodeValues,
) -> Result<(), StoreError> {
    query(
        "UPDATE node SET area_id = $2, name = $3, serial = $4, volume_percent = $5, line = $6 WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(area.as_str())
    .bind(&values.name)
    .bind(&values.serial)
    .bind(i64::from(values.volume_percent))
    .bind(values.line.as_str())
    .execute(c)
    .await?;
    Ok(())
}

/// Records the certificate that a board got: from now on this one alone is good, and an earlier one is revoked.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_enrolled(
    c: &mut Connection,
    id: &NodeId,
    certificate: &CertificateRecord,
    now: UnixMs,
) -> Result<(), StoreError> {
    certificates::revoke_present(c, id, now).await?;
    query(
        "UPDATE node SET state = 'enrolled', certificate_fingerprint = $2, certificate_serial = $3,
         certificate_expires_ms = $4, enrolled_ms = $5, revoked_ms = NULL WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(&certificate.fingerprint)
    .bind(&certificate.serial)
    .bind(certificate.expires.0)
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Makes a node's certificate worthless.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_revoked(c: &mut Connection, id: &NodeId, now: UnixMs) -> Result<(), StoreError> {
    certificates::revoke_present(c, id, now).await?;
    query("UPDATE node SET state = 'revoked', revoked_ms = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .execute(c)
        .await?;
    Ok(())
}

/// One node, and what it last said.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &NodeId) -> Result<Option<(Node, NodeStatus)>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE n.removed_ms IS NULL AND n.id = ").push_bind(id.as_str().to_owned());
    query.build().fetch_optional(c).await?.map(|row| read(&row)).transpose()
}

/// Takes a node out of sight: its receipts stay, and its id is never given again.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_removed(c: &mut Connection, id: &NodeId, now: UnixMs) -> Result<(), StoreError> {
    query("UPDATE node SET removed_ms = $2 WHERE id = $1").bind(id.as_str()).bind(now.0).execute(c).await?;
    Ok(())
}

/// Whether a node of this id exists, or was there and is out of sight.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn exists(c: &mut Connection, id: &str) -> Result<bool, StoreError> {
    Ok(query("SELECT 1 FROM node WHERE id = $1").bind(id).fetch_optional(c).await?.is_some())
}

/// How far a node has come; `None` for one that does not exist.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn state(c: &mut Connection, id: &NodeId) -> Result<Option<NodeState>, StoreError> {
    let row = query("SELECT state FROM node WHERE id = $1 AND removed_ms IS NULL")
        .bind(id.as_str())
        .fetch_optional(c)
        .await?;
    row.map(|row| row.parsed("state")).transpose()
}

/// The nodes in the scopes, by place and name.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<(Node, NodeStatus)>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE n.removed_ms IS NULL AND ");
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY a.path, n.name, n.id");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// What a node's documents and its connection follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledNode {
    /// The node.
    pub id: NodeId,
    /// Where it stands.
    pub path: AreaPath,
    /// What staff call it.
    pub name: String,
    /// Loudness of its horn.
    pub volume_percent: u8,
    /// What its line carries.
    pub line: LineClass,
    /// Serial number of its present certificate, lower-case hex.
    pub certificate_serial: Option<String>,
}

/// Every enrolled node, by its id. Nothing of what nodes say is read: this is for who asks again and again.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn enrolled(c: &mut Connection) -> Result<Vec<EnrolledNode>, StoreError> {
    let rows = query(
        "SELECT n.id, a.path, n.name, n.volume_percent, n.line, n.certificate_serial FROM node n
         JOIN area a ON a.id = n.area_id WHERE n.removed_ms IS NULL AND n.state = 'enrolled' ORDER BY n.id",
    )
    .fetch_all(c)
    .await?;
    let read = |row: &Row| {
        Ok(EnrolledNode {
            id: row.parsed("id")?,
            path: row.path("path")?,
            name: row.text("name")?,
            volume_percent: row.number("volume_percent")?,
            line: row.parsed("line")?,
            certificate_serial: row.text_opt("certificate_serial")?,
        })
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(Node, NodeStatus), StoreError> {
    let fingerprint = row.text_opt("certificate_fingerprint")?;
    let serial = row.text_opt("certificate_serial")?;
    let expires = row.instant_opt("certificate_expires_ms")?;
    let node = Node {
        id: row.parsed("id")?,
        path: row.path("path")?,
        name: row.text("name")?,
        serial: row.text_opt("serial")?,
        state: row.parsed::<NodeState>("state")?,
        volume_percent: row.number("volume_percent")?,
        line: row.parsed("line")?,
        certificate: fingerprint
            .zip(serial)
            .zip(expires)
            .map(|((fingerprint, serial), expires)| CertificateRecord { fingerprint, serial, expires }),
        created: row.instant("created_ms")?,
        enrolled: row.instant_opt("enrolled_ms")?,
    };
    let status = NodeStatus {
        online: row.number_opt::<i64>("online")? == Some(1),
        online_changed: row.instant_opt("changed_ms")?,
        seen: row.instant_opt("seen_ms")?,
        firmware: row.text_opt("firmware")?,
        clock: row.text_opt("clock")?,
        storage: row.text_opt("storage")?,
        objects_ready: row.number_opt("objects_ready")?,
        objects_fetching: row.number_opt("objects_fetching")?,
    };
    Ok((node, status))
}
