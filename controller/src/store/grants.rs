//! Roles that people hold.

use super::query::query;
use super::rows::Columns as _;
use super::{Connection, StoreError};
use crate::domain::ids::UserId;
use crate::domain::role::{Grant, Scope};

/// The grants of a person, in a stable order.
///
/// # Errors
/// [`StoreError::Query`], [`StoreError::Damaged`].
pub async fn of_user(c: &mut Connection, user: &UserId) -> Result<Vec<Grant>, StoreError> {
    let rows = query(
        "SELECT g.role, g.classes, a.path FROM role_grant g LEFT JOIN area a ON a.id = g.area_id
         WHERE g.user_id = $1 ORDER BY g.role, a.path NULLS FIRST",
    )
    .bind(user.as_str())
    .fetch_all(c)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Grant {
                role: row.parsed("role")?,
                scope: Scope::of(row.path_opt("path")?),
                classes: row.parsed("classes")?,
            })
        })
        .collect()
}

/// Adds a grant; one of the same role and place gets its classes instead.
///
/// # Errors
/// [`StoreError::Reference`] when the person or the area does not exist.
pub async fn put(c: &mut Connection, user: &UserId, grant: &Grant) -> Result<(), StoreError> {
    query(
        "INSERT INTO role_grant (user_id, role, area_id, classes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, role, COALESCE(area_id, '')) DO UPDATE SET classes = excluded.classes",
    )
    .bind(user.as_str())
    .bind(grant.role.as_str())
    .bind(grant.scope.area_id().map(|a| a.as_str()))
    .bind(grant.classes.to_string())
    .execute(c)
    .await?;
    Ok(())
}

/// Takes a grant away. Gives whether there was one.
///
/// # Errors
/// [`StoreError::Query`].
pub async fn delete(c: &mut Connection, user: &UserId, grant: &Grant) -> Result<bool, StoreError> {
    let done = query(
        "DELETE FROM role_grant WHERE user_id = $1 AND role = $2 AND COALESCE(area_id, '') = COALESCE($3, '')",
    )
    .bind(user.as_str())
    .bind(grant.role.as_str())
    .bind(grant.scope.area_id().map(|a| a.as_str()))
    .execute(c)
    .await?;
    Ok(done.rows_affected() > 0)
}
