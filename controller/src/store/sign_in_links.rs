//! One-time links by which a person signs in without passphrase.

use loa_protocol::time::UnixMs;

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::ids::UserId;

/// Keeps a link under the hash of its secret; earlier unused links of the person stop working.
///
/// # Errors
/// [`StoreError::Reference`] when the person does not exist.
pub async fn replace(
    c: &mut Connection,
    token_hash: &str,
    user: &UserId,
    now: UnixMs,
    expires: UnixMs,
) -> Result<(), StoreError> {
    withdraw(c, user).await?;
    query("INSERT INTO sign_in_link (token_hash, user_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)")
        .bind(token_hash)
        .bind(user.as_str())
        .bind(now.0)
        .bind(expires.0)
        .execute(c)
        .await?;
    Ok(())
}

/// Ends all links of the person.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn withdraw(c: &mut Connection, user: &UserId) -> Result<(), StoreError> {
    query("DELETE FROM sign_in_link WHERE user_id = $1").bind(user.as_str()).execute(c).await?;
    Ok(())
}

/// Uses a link up. Gives the person, or nothing when it is unknown, used or over.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn redeem(c: &mut Connection, token_hash: &str, now: UnixMs) -> Result<Option<UserId>, StoreError> {
    let row = query(
        "UPDATE sign_in_link SET used_ms = $2
         WHERE token_hash = $1 AND used_ms IS NULL AND expires_ms > $2 RETURNING user_id",
    )
    .bind(token_hash)
    .bind(now.0)
    .fetch_optional(c)
    .await?;
    row.map(|row| row.parsed("user_id")).transpose()
}

/// Whose link it is and when it ends, or nothing when it is unknown, used or over. Uses nothing up.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn holder(
    c: &mut Connection,
    token_hash: &str,
    now: UnixMs,
) -> Result<Option<(UserId, UnixMs)>, StoreError> {
    let row = query(
        "SELECT user_id, expires_ms FROM sign_in_link
         WHERE token_hash = $1 AND used_ms IS NULL AND expires_ms > $2",
    )
    .bind(token_hash)
    .bind(now.0)
    .fetch_optional(c)
    .await?;
    row.map(|row| Ok((row.parsed("user_id")?, row.instant("expires_ms")?))).transpose()
}
