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
//! **How a query is written**: `query("SELECT $1").bind(x).fetch_all(c)` and `QueryBuilder` of `query.rs`, which look like sqlx's
//! own, and rows read by `Columns` of `rows.rs`. The SQL is what SQLite and PostgreSQL both understand, for a second backend:
//! `$1`, ON CONFLICT, RETURNING, row order stated (with NULLS FIRST or LAST where a column may be NULL); no scalar MAX, every
//! column of a GROUP BY named, `CAST(SUM(x) AS BIGINT)`, flags as 0 and 1, numbers as `i64`. After a query that failed, a
//! transaction is over: drop it.

pub mod alert_answers;
pub mod alert_documents;
pub mod alert_templates;
pub mod alerts;
pub mod area_rules;
pub mod areas;
pub mod audit;
pub mod blobs;
pub mod bulletins;
pub mod calendars;
pub mod certificates;
mod connection;
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
mod query;
pub mod receipt_doubts;
pub mod receipts;
pub mod recording_reports;
pub mod reports;
mod rows;
pub mod schedules;
pub mod sessions;
pub mod sign_in_links;
pub mod speech_jobs;
mod sqlite;
pub mod tracks;
pub mod uploads;
pub mod users;
mod value;

use std::path::Path;
use std::time::Duration;

pub use connection::{Connection, ReadTx, WriteTx};
pub use error::StoreError;
use sqlite::File;

/// Longest wait for a connection, and for another process that holds the database.
const WAIT: Duration = Duration::from_secs(10);

/// The database. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store(File);

impl Store {
    /// Opens the database file, makes it when absent, and brings it up to this version.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Migration`].
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        Ok(Self(File::open(file).await?))
    }

    /// Begins a transaction that may write. Dropped without [`WriteTx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`], also when the writer stays busy for ten seconds.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        Ok(WriteTx(self.0.write().await?))
    }

    /// Begins a transaction that only reads: all its queries see the same instant.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx(self.0.read().await?))
    }

    /// Closes all connections; what was committed is in the file.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

#[cfg(test)]
pub(crate) use query::query;
#[cfg(test)]
pub(crate) use rows::Columns;
#[cfg(test)]
mod tests;
