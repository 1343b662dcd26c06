//! The latest signed document of each audience.

use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// Whom a signed document is for, as the key of its record: `a:{area}`, `n:{node}`, `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlanAudience {
    /// Every node of an area.
    Area(AreaId),
    /// One node.
    Node(NodeId),
    /// Everybody: the key set.
    Keys,
}

impl std::fmt::Display for PlanAudience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Area(area) => write!(f, "a:{area}"),
            Self::Node(node) => write!(f, "n:{node}"),
            Self::Keys => f.write_str("keys"),
        }
    }
}

impl PlanAudience {
    /// The area, where it is one.
    pub fn area(&self) -> Option<&AreaId> {
        match self {
            Self::Area(area) => Some(area),
            Self::Node(_) | Self::Keys => None,
        }
    }
}

/// A text that names no audience.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no audience")]
pub struct UnknownAudience(String);

impl std::str::FromStr for PlanAudience {
    type Err = UnknownAudience;
    fn from_str(text: &str) -> Result<Self, UnknownAudience> {
        let unknown = || UnknownAudience(text.to_owned());
        match text.split_once(':') {
            Some(("a", id)) => AreaId::new(id).map(Self::Area).map_err(|_| unknown()),
            Some(("n", id)) => NodeId::new(id).map(Self::Node).map_err(|_| unknown()),
            None if text == "keys" => Ok(Self::Keys),
            _ => Err(unknown()),
        }
    }
}

/// A signed document as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRecord {
    /// Whom it is for.
    pub audience: PlanAudience,
    /// Its version.
    pub epoch: u64,
    /// Digest of the signed bytes, as nodes report it.
    pub digest: [u8; 16],
    /// Digest of what was compiled, without epoch and times.
    pub content_digest: [u8; 32],
    /// The signed bytes.
    pub envelope: Vec<u8>,
    /// When the signature ends.
    pub expires: UnixMs,
    /// When it was signed.
    pub updated: UnixMs,
}

/// A signed document without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanHead {
    /// Whom it is for.
    pub audience: PlanAudience,
    /// Its version.
    pub epoch: u64,
    /// Digest of the signed bytes, as nodes report it.
    pub digest: [u8; 16],
    /// Digest of what was compiled, without epoch and times.
    pub content_digest: [u8; 32],
    /// When the signature ends.
    pub expires: UnixMs,
}

impl PlanHead {
    /// What a record says besides its bytes.
    pub fn of(record: &PlanRecord) -> Self {
        let PlanRecord { audience, epoch, digest, content_digest, expires, .. } = record;
        Self {
            audience: audience.clone(),
            epoch: *epoch,
            digest: *digest,
            content_digest: *content_digest,
            expires: *expires,
        }
    }
}

/// Keeps a document, unless one of the same or a higher epoch is kept already. Gives whether it was kept.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn put(c: &mut Connection, plan: &PlanRecord) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO plan_epoch (audience, epoch, digest, content_digest, envelope, expires_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (audience) DO UPDATE SET epoch = excluded.epoch, digest = excluded.digest,
         content_digest = excluded.content_digest, envelope = excluded.envelope,
         expires_ms = excluded.expires_ms, updated_ms = excluded.updated_ms
         WHERE excluded.epoch > plan_epoch.epoch",
    )
    .bind(plan.audience.to_string())
    .bind(i64::try_from(plan.epoch).unwrap_or(i64::MAX))
    .bind(&plan.digest[..])
    .bind(&plan.content_digest[..])
    .bind(&plan.envelope)
    .bind(plan.expires.0)
    .bind(plan.updated.0)
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The document of an audience.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, audience: &PlanAudience) -> Result<Option<PlanRecord>, StoreError> {
    let row = query(
        "SELECT audience, epoch, digest, content_digest, envelope, expires_ms, updated_ms
         FROM plan_epoch WHERE audience = $1",
    )
    .bind(audience.to_string())
    .fetch_optional(c)
    .await?;
    row.map(|row| read(&row)).transpose()
}

/// All documents, without their bytes.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn heads(c: &mut Connection) -> Result<Vec<PlanHead>, StoreError> {
    let rows =
        query("SELECT audience, epoch, digest, content_digest, expires_ms FROM plan_epoch ORDER BY audience")
            .fetch_all(c)
            .await?;
    let head = |row: &Row| {
        Ok(PlanHead {
            audience: row.parsed("audience")?,
            epoch: row.number("epoch")?,
            digest: row.array("digest")?,
            content_digest: row.array("content_digest")?,
            expires: row.instant("expires_ms")?,
        })
    };
    rows.iter().map(head).collect()
}

/// The documents of these audiences, some hundred at most, as far as there are any.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of(c: &mut Connection, audiences: &[PlanAudience]) -> Result<Vec<PlanRecord>, StoreError> {
    if audiences.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT audience, epoch, digest, content_digest, envelope, expires_ms, updated_ms
         FROM plan_epoch WHERE audience IN (",
    );
    let mut keys = query.separated(", ");
    for audience in audiences {
        keys.push_bind(audience.to_string());
    }
    query.push(") ORDER BY audience");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<PlanRecord, StoreError> {
    Ok(PlanRecord {
        audience: row.parsed("audience")?,
        epoch: row.number("epoch")?,
        digest: row.array("digest")?,
        content_digest: row.array("content_digest")?,
        envelope: row.bytes("envelope")?,
        expires: row.instant("expires_ms")?,
        updated: row.instant("updated_ms")?,
    })
}
