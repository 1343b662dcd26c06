//! People who sign in.

use loa_protocol::time::UnixMs;

use super::query::{QueryBuilder, Row, query};
use super::rows::{Columns as _, push_in_scopes};
use super::{Connection, StoreError};
use crate::domain::ids::UserId;
use crate::domain::role::Scope;
use crate::domain::user::User;

const SELECT: &str =
    "SELECT u.id, u.login, u.display_name, a.path, u.passphrase_hash, u.disabled_ms, u.created_ms
    FROM users u LEFT JOIN area a ON a.id = u.home_area_id";

/// Adds a person without passphrase.
///
/// # Errors
/// [`StoreError::Duplicate`] when the sign-in name is taken.
pub async fn insert(c: &mut Connection, user: &User) -> Result<(), StoreError> {
    query(
        "INSERT INTO users (id, login, display_name, home_area_id, created_ms) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(user.id.as_str())
    .bind(&user.login)
    .bind(&user.display_name)
    .bind(user.home.area_id().map(|a| a.as_str()))
    .bind(user.created.0)
    .execute(c)
    .await?;
    Ok(())
}

/// One person.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn get(c: &mut Connection, id: &UserId) -> Result<Option<User>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE u.id = ").push_bind(id.as_str().to_owned());
    query.build().fetch_optional(c).await?.map(|row| read(&row)).transpose()
}

/// A person by sign-in name, with the hash of their passphrase.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn by_login(c: &mut Connection, login: &str) -> Result<Option<(User, Option<String>)>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE u.login = ").push_bind(login.to_owned());
    let row = query.build().fetch_optional(c).await?;
    row.map(|row| Ok((read(&row)?, row.text_opt("passphrase_hash")?))).transpose()
}

/// The people whose home lies in the scopes, by sign-in name.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn list(c: &mut Connection, scopes: &[Scope]) -> Result<Vec<User>, StoreError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(" WHERE ");
    // A person of the whole installation has no path, and NULL is in no range.
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" ORDER BY u.login");
    query.build().fetch_all(c).await?.iter().map(read).collect()
}

/// How many people there are.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn count(c: &mut Connection) -> Result<u64, StoreError> {
    query("SELECT COUNT(*) AS number FROM users").fetch_one(c).await?.number("number")
}

/// Changes a person's own name.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_display_name(c: &mut Connection, id: &UserId, name: &str) -> Result<(), StoreError> {
    query("UPDATE users SET display_name = $2 WHERE id = $1").bind(id.as_str()).bind(name).execute(c).await?;
    Ok(())
}

/// Sets the hash of a person's passphrase.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_passphrase_hash(c: &mut Connection, id: &UserId, hash: &str) -> Result<(), StoreError> {
    query("UPDATE users SET passphrase_hash = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(hash)
        .execute(c)
        .await?;
    Ok(())
}

/// Lets a person sign in (`None`), or not.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn set_disabled(c: &mut Connection, id: &UserId, since: Option<UnixMs>) -> Result<(), StoreError> {
    query("UPDATE users SET disabled_ms = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(since.map(|t| t.0))
        .execute(c)
        .await?;
    Ok(())
}

/// Id, sign-in name and own name of the people whose id or sign-in name is among `keys`.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn names(c: &mut Connection, keys: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT u.id, u.login, u.display_name FROM users u WHERE u.id IN (");
    let mut ids = query.separated(", ");
    for key in keys {
        ids.push_bind(key.clone());
    }
    query.push(") OR u.login IN (");
    let mut logins = query.separated(", ");
    for key in keys {
        logins.push_bind(key.clone());
    }
    query.push(") ORDER BY u.id");
    let rows = query.build().fetch_all(c).await?;
    rows.iter().map(|row| Ok((row.text("id")?, row.text("login")?, row.text("display_name")?))).collect()
}

/// When each person last signed in, of those in the scopes who have.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn last_signed_in(
    c: &mut Connection,
    scopes: &[Scope],
) -> Result<Vec<(UserId, UnixMs)>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT u.id, MAX(d.at_ms) AS last_ms FROM users u LEFT JOIN area a ON a.id = u.home_area_id
         JOIN audit d ON d.subject_id = u.id AND d.action IN ('session.signed_in', 'session.signed_in_by_link')
         WHERE ",
    );
    push_in_scopes(&mut query, "a.path", scopes);
    query.push(" GROUP BY u.id ORDER BY u.id");
    let rows = query.build().fetch_all(c).await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.instant("last_ms")?))).collect()
}

pub(super) fn read(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed("id")?,
        login: row.text("login")?,
        display_name: row.text("display_name")?,
        home: Scope::of(row.path_opt("path")?),
        has_passphrase: row.text_opt("passphrase_hash")?.is_some(),
        disabled: row.instant_opt("disabled_ms")?,
        created: row.instant("created_ms")?,
    })
}
