//! Several statements, all or nothing.
//!
//! SQLite may end a transaction by itself: on a full disk, where a COMMIT or a statement fails, it has rolled back already.
//! sqlx's own transactions count them, and take one that ended so for one that is still open: the next would begin as a
//! savepoint within it, and nothing would ever be committed again although every call succeeds. So the store uses none of
//! them: BEGIN, COMMIT and ROLLBACK are statements like any other, and nobody but SQLite knows which is open.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use super::{Store, StoreError};

/// A statement with its values.
pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Store {
    /// Carries out these statements in one transaction; `what` is for people. When it has returned without an error, all of
    /// them are on the disk; otherwise none is, and no transaction is left open.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub(super) async fn all_or_nothing(
        &mut self,
        what: &'static str,
        statements: Vec<Statement<'_>>,
    ) -> Result<(), StoreError> {
        let Err(source) = commit(&mut self.db, statements).await else { return Ok(()) };
        // "No transaction is active" is what it mostly says: SQLite was faster.
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.db).await {
            tracing::debug!(%error, "nothing to roll back");
        }
        Err(self.statement(what)(source))
    }
}

async fn commit(db: &mut SqliteConnection, statements: Vec<Statement<'_>>) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *db).await?;
    for statement in statements {
        statement.execute(&mut *db).await?;
    }
    sqlx::query("COMMIT").execute(db).await?;
    Ok(())
}
