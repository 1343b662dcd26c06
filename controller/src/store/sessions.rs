//! Signed-in browsers.

use loa_protocol::time::UnixMs;

use super::query::{Row, query};
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::user::Session;

/// Keeps a session under the hash of its secret.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn insert(c: &mut Connection, token_hash: &str, session: &Session) -> Result<(), StoreError> {
    query(
        "INSERT INTO session (token_hash, id, user_id, created_ms, seen_ms, expires_ms, address, user_agent,
                              by_link)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(token_hash)
    .bind(session.id.as_str())
    .bind(session.user.as_str())
    .bind(session.created.0)
    .bind(session.seen.0)
    .bind(session.expires.0)
    .bind(&session.address)
    .bind(&session.user_agent)
    .bind(session.by_link)
    .execute(c)
    .await?;
    Ok(())
}

/// The session of a secret, if any; whether it is still good is for the caller to say.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn find(c: &mut Connection, token_hash: &str) -> Result<Option<Session>, StoreError> {
    let row = query(
        "SELECT id, user_id, created_ms, seen_ms, expires_ms, address, user_agent, by_link
         FROM session WHERE token_hash = $1",
    )
    .bind(token_hash)
    .fetch_optional(c)
    .await?;
    row.map(|row| read(&row)).transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn touch(c: &mut Connection, id: &SessionId, now: UnixMs) -> Result<(), StoreError> {
    query("UPDATE session SET seen_ms = $2 WHERE id = $1").bind(id.as_str()).bind(now.0).execute(c).await?;
    Ok(())
}

/// Notes that a session has set a passphrase: from now on it is like one that began with a passphrase.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn forget_link(c: &mut Connection, id: &SessionId) -> Result<(), StoreError> {
    query("UPDATE session SET by_link = 0 WHERE id = $1").bind(id.as_str()).execute(c).await?;
    Ok(())
}

/// The sessions of a person that have not reached their end, the latest begun first; whether they were left unused for
/// too long is for the caller to say.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of_user(c: &mut Connection, user: &UserId, now: UnixMs) -> Result<Vec<Session>, StoreError> {
    let rows = query(
        "SELECT id, user_id, created_ms, seen_ms, expires_ms, address, user_agent, by_link
         FROM session WHERE user_id = $1 AND expires_ms > $2 ORDER BY created_ms DESC, id DESC",
    )
    .bind(user.as_str())
    .bind(now.0)
    .fetch_all(c)
    .await?;
    rows.iter().map(read).collect()
}

/// Ends one session of a person. Gives whether there was one.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, user: &UserId, id: &SessionId) -> Result<bool, StoreError> {
    let done = query("DELETE FROM session WHERE user_id = $1 AND id = $2")
        .bind(user.as_str())
        .bind(id.as_str())
        .execute(c)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of a person.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete_of_user(c: &mut Connection, user: &UserId) -> Result<(), StoreError> {
    query("DELETE FROM session WHERE user_id = $1").bind(user.as_str()).execute(c).await?;
    Ok(())
}

/// Forgets sessions that ended, and those unused since `idle_since`. Gives how many.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn purge(c: &mut Connection, now: UnixMs, idle_since: UnixMs) -> Result<u64, StoreError> {
    let done = query("DELETE FROM session WHERE expires_ms <= $1 OR seen_ms < $2")
        .bind(now.0)
        .bind(idle_since.0)
        .execute(c)
        .await?;
    Ok(done.rows_affected())
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.parsed("id")?,
        user: row.parsed("user_id")?,
        created: row.instant("created_ms")?,
        seen: row.instant("seen_ms")?,
        expires: row.instant("expires_ms")?,
        address: row.text_opt("address")?,
        user_agent: row.text_opt("user_agent")?,
        by_link: row.flag("by_link")?,
    })
}
