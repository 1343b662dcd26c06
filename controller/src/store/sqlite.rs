//! One SQLite file: one connection writes, a pool reads.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlSafeStr as _, Sqlite, SqlitePool, Transaction};

use super::error::migration_error;
use super::{StoreError, WAIT};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many connections read at the same time.
const READERS_MAX: u32 = 8;

/// The connections to one file.
#[derive(Debug, Clone)]
pub(super) struct File {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl File {
    /// Opens the file, makes it when absent, and brings it up to this version.
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        let opened = |source| StoreError::Open { file: path.to_owned(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(WAIT)
            // A cancelled request must not cost the one writing connection.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(opened)?;
        let name = || path.display().to_string();
        MIGRATIONS.run(&writer).await.map_err(|e| migration_error(name(), &MIGRATIONS, e))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(WAIT)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(opened)?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        begin(&self.writer, "BEGIN IMMEDIATE").await
    }

    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        begin(&self.readers, "BEGIN DEFERRED").await
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Begins a transaction, never a savepoint within one.
///
/// On a full or failing disk SQLite rolls back by itself, and sqlx, whose ROLLBACK then fails, takes that transaction for
/// one that is still open. A connection of which it believes that is closed, and replaced by another.
async fn begin(
    pool: &SqlitePool,
    statement: &'static str,
) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    while connection.is_in_transaction() {
        connection.close().await?;
        connection = pool.acquire().await?;
    }
    Transaction::begin(connection, Some(statement.into_sql_str())).await
}
