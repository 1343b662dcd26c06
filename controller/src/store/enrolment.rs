//! Enrolment tokens: one a node at a time, single-use, expiring.

use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};

/// A token as it is kept: the public half of its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentTokenRecord {
    /// The node that the board becomes.
    pub node: NodeId,
    /// Ed25519 public key; see [`loa_protocol::enrolment`].
    pub verifier: [u8; 32],
    /// The board's serial number that the token is bound to.
    pub serial: Option<String>,
    /// When it ends.
    pub expires: UnixMs,
    /// What was answered when it was used.
    pub used: Option<UsedToken>,
}

/// What a used token was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedToken {
    /// When.
    pub at: UnixMs,
    /// SHA-256 of the certificate request (DER).
    pub csr_sha256: [u8; 32],
    /// The answer, as sent.
    pub answer: Vec<u8>,
}

/// Puts a token in place of any earlier one of the node.
///
/// # Errors
/// [`StoreError::Reference`] when the node does not exist.
pub async fn replace(
    c: &mut Connection,
    token: &EnrolmentTokenRecord,
    now: UnixMs,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO enrolment_token (node_id, verifier, serial, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (node_id) DO UPDATE SET verifier = excluded.verifier, serial = excluded.serial,
         created_ms = excluded.created_ms, expires_ms = excluded.expires_ms,
         used_ms = NULL, csr_sha256 = NULL, answer = NULL",
    )
    .bind(token.node.as_str())
    .bind(&token.verifier[..])
    .bind(&token.serial)
    .bind(now.0)
    .bind(token.expires.0)
    .execute(c)
    .await?;
    Ok(())
}

/// The token of a node.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, node: &NodeId) -> Result<Option<EnrolmentTokenRecord>, StoreError> {
    let row = query(
        "SELECT node_id, verifier, serial, expires_ms, used_ms, csr_sha256, answer
         FROM enrolment_token WHERE node_id = $1",
    )
    .bind(node.as_str())
    .fetch_optional(c)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let used = match row.instant_opt("used_ms")? {
        None => None,
        Some(at) => {
            Some(UsedToken { at, csr_sha256: row.array("csr_sha256")?, answer: row.bytes("answer")? })
        }
    };
    Ok(Some(EnrolmentTokenRecord {
        node: row.parsed("node_id")?,
        verifier: row.array("verifier")?,
        serial: row.text_opt("serial")?,
        expires: row.instant("expires_ms")?,
        used,
    }))
}

/// Marks a node's token used, if it is still the one with this verifier and is not used already. Gives whether it was
/// this call that used it.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_used(
    c: &mut Connection,
    node: &NodeId,
    verifier: &[u8; 32],
    used: &UsedToken,
) -> Result<bool, StoreError> {
    let done = query(
        "UPDATE enrolment_token SET used_ms = $2, csr_sha256 = $3, answer = $4
         WHERE node_id = $1 AND verifier = $5 AND used_ms IS NULL",
    )
    .bind(node.as_str())
    .bind(used.at.0)
    .bind(&used.csr_sha256[..])
    .bind(&used.answer)
    .bind(&verifier[..])
    .execute(c)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets a node's token.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, node: &NodeId) -> Result<(), StoreError> {
    query("DELETE FROM enrolment_token WHERE node_id = $1").bind(node.as_str()).execute(c).await?;
    Ok(())
}
