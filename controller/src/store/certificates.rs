//! Certificates that are good for nothing before their end.

use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// A certificate that nobody may take any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// Since when.
    pub revoked: UnixMs,
}

/// Notes that the certificate that a node has at this moment, if it has one, is good for nothing from now on.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn revoke_present(c: &mut Connection, node: &NodeId, now: UnixMs) -> Result<(), StoreError> {
    query(
        "INSERT INTO revoked_certificate (serial, node_id, revoked_ms, expires_ms)
         SELECT certificate_serial, id, $2, certificate_expires_ms FROM node
         WHERE id = $1 AND certificate_serial IS NOT NULL AND certificate_expires_ms IS NOT NULL
         ON CONFLICT (serial) DO NOTHING",
    )
    .bind(node.as_str())
    .bind(now.0)
    .execute(c)
    .await?;
    Ok(())
}

/// Those that would still be taken by their dates, by serial number.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn revoked(c: &mut Connection, now: UnixMs) -> Result<Vec<RevokedCertificate>, StoreError> {
    let rows =
        query("SELECT serial, revoked_ms FROM revoked_certificate WHERE expires_ms >= $1 ORDER BY serial")
            .bind(now.0)
            .fetch_all(c)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(RevokedCertificate { serial: row.text("serial")?, revoked: row.instant("revoked_ms")? })
        })
        .collect()
}
