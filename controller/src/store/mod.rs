//! The database and the files: the only place with SQL.
//!
//! SQLite in WAL mode: one connection writes, a pool reads. A write that was committed is on the disk
//! (`synchronous = FULL`): nothing that was accepted is lost with the power. Transactions that write begin with
//! `BEGIN IMMEDIATE`, so they never fail half-way because somebody else wrote first.
//!
//! Functions take a [`Connection`] and are grouped by what they keep; a service opens the transaction, calls several,
//! and commits. **Never open a second write transaction while holding one**: there is one writing connection, and the
//! second would wait for the first until it times out.
//!
//! SQL is kept portable (`$1`, ON CONFLICT, RETURNING, row order stated) for a second backend.

pub mod area_rules;
pub mod areas;
pub mod audit;
pub mod blobs;
pub mod bulletins;
pub mod calendars;
pub mod certificates;
pub mod consents;
pub mod enrolment;
mod error;
pub mod grants;
pub mod lexicon;
pub mod live_orders;
pub mod node_events;
pub mod nodes;
pub mod objects;
pub mod plans;
pub mod presence;
pub mod receipt_doubts;
pub mod receipts;
pub mod recording_reports;
pub mod reports;
mod rows;
pub mod schedules;
pub mod sessions;
pub mod sign_in_links;
pub mod speech_jobs;
pub mod tracks;
pub mod uploads;
pub mod users;

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlSafeStr as _, Sqlite, SqlitePool, Transaction};

pub use error::StoreError;

/// What every function of the store works on: a connection inside a transaction.
pub type Connection = sqlx::SqliteConnection;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many connections read at the same time.
const READERS_MAX: u32 = 8;
/// Longest wait for a connection, and for another process that holds the file.
const WAIT: Duration = Duration::from_secs(10);

/// The database. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database file, makes it when absent, and brings it up to this version.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Migration`].
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        let opened = |source| StoreError::Open { file: file.to_owned(), source };
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
        MIGRATIONS.run(&writer).await.map_err(|e| migration_error(file, e))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(WAIT)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(opened)?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write. Dropped without [`WriteTx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`], also when the writer stays busy for ten seconds.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        Ok(WriteTx(begin(&self.writer, "BEGIN IMMEDIATE").await?))
    }

    /// Begins a transaction that only reads: all its queries see the same instant.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx(begin(&self.readers, "BEGIN DEFERRED").await?))
    }

    /// Closes all connections; what was committed is in the file.
    pub async fn close(&self) {
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

fn migration_error(file: &Path, error: MigrateError) -> StoreError {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default();
    // The other failures of a migration are all "it did not work", with their own words.
    if let MigrateError::VersionMissing(found) = error {
        return StoreError::Newer { file: file.to_owned(), found, known };
    }
    StoreError::Migration { file: file.to_owned(), source: Box::new(error) }
}

/// A transaction that may write.
#[derive(Debug)]
#[must_use = "dropped without commit, it changes nothing"]
pub struct WriteTx(Transaction<'static, Sqlite>);

impl WriteTx {
    /// Makes everything in it durable.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing of it was kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }
}

impl Deref for WriteTx {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// A transaction that only reads.
#[derive(Debug)]
pub struct ReadTx(Transaction<'static, Sqlite>);

impl Deref for ReadTx {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for ReadTx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests;
