//! The database and the files: the only place with SQL.
//!
//! Two databases, one set of queries. **SQLite** (`sqlite.rs`) in WAL mode: one connection writes, a pool reads; a
//! commune's whole state is one file. **PostgreSQL** (`postgres.rs`): for a province, whose controllers share it. On both, a
//! write that was committed is on the disk (`synchronous = FULL`, `synchronous_commit = on`): nothing that was accepted is lost
//! with the power. On both, transactions that write come one after the other, so that what one has read stays true until it
//! commits; those of what nodes report ([`Store::append`]) have a lane of their own on PostgreSQL.
//!
//! Functions take a [`Connection`] and are grouped by what they keep; a service opens the transaction, calls several,
//! and commits. **Never open a second write transaction while holding one**: there is one writing connection, and the
//! second would wait for the first until it times out.
//!
//! **How a query is written**: `query("... $1 ...").bind(x).fetch_all(c)` and `QueryBuilder` of
//! `query.rs`, which look like sqlx's own, and rows read by `Columns`. The SQL is what both understand:
//! `$1`, ON CONFLICT, RETURNING, row order stated (with NULLS FIRST or LAST where a column may be NULL); no scalar MAX, every
//! column of a GROUP BY named, `CAST(SUM(x) AS BIGINT)`, flags as 0 and 1, numbers as `i64`. **After a query that failed, a
//! transaction is over**, on PostgreSQL in any case: drop it. Each migration is
//! written for both, under one number: on PostgreSQL INTEGER is BIGINT, REAL is DOUBLE PRECISION, BLOB is BYTEA, TEXT is
//! `TEXT COLLATE "C"`, and nothing is STRICT.
//!
//! Why not sqlx's `Any` driver: it has no arrays, and many rows at once are fastest as arrays on PostgreSQL; a NULL among
//! floating-point numbers is sent as the other width (`AnyArguments::convert_into`), which breaks the next statement with
//! a value; every column of every row is decoded and copied, wanted or not; and it can't carry SQLite's options.

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
mod copy;
pub mod enrolment;
mod error;
pub mod grants;
pub mod lexicon;
pub mod live_orders;
mod many;
pub mod node_events;
pub mod nodes;
pub mod objects;
pub mod overview;
pub mod plans;
mod postgres;
pub mod presence;
mod query;
pub mod receipt_doubts;
pub mod receipts;
pub mod recording_reports;
pub mod reporters;
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

use loa_speech::Secret;

use connection::Inner;
pub use connection::{Connection, ReadTx, WriteTx};
pub use error::StoreError;
pub use many::Said;
use postgres::{Lane, Server};
use sqlite::File;

/// Longest wait for a connection, and for another process that holds the database.
const WAIT: Duration = Duration::from_secs(10);

/// The database. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store(Database);

/// See [`Store::claim`].
#[derive(Debug)]
pub struct Claim(#[expect(dead_code, reason = "it is there to be held")] Option<sqlx::PgConnection>);

#[derive(Debug, Clone)]
enum Database {
    File(File),
    Server(Server),
}

impl Store {
    /// Opens a SQLite file, makes it when absent, and brings it up to this version.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Migration`].
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        Ok(Self(Database::File(File::open(file).await?)))
    }

    /// Connects to a PostgreSQL database, `postgres://user:password@host/database`, and brings it up to this version.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Encoding`], [`StoreError::Newer`], [`StoreError::Migration`].
    pub async fn connect(url: &Secret) -> Result<Self, StoreError> {
        Ok(Self(Database::Server(Server::connect(url.reveal()).await?)))
    }

    /// Begins a transaction that may write. Dropped without [`WriteTx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`]; [`StoreError::Away`], also when others write for ten seconds.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        self.begin_writing(Lane::Desired).await
    }

    /// Begins a transaction that keeps what nodes report, and changes nothing that staff decide. It doesn't wait for
    /// [`Store::write`] where the database knows how.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn append(&self) -> Result<WriteTx, StoreError> {
        self.begin_writing(Lane::Reported).await
    }

    async fn begin_writing(&self, lane: Lane) -> Result<WriteTx, StoreError> {
        Ok(WriteTx(Connection::new(match &self.0 {
            Database::File(file) => Inner::Sqlite(file.write().await?),
            Database::Server(server) => Inner::Postgres(server.write(lane).await?),
        })))
    }

    /// Begins a transaction that only reads: all its queries see the same instant.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Away`].
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx(Connection::new(match &self.0 {
            Database::File(file) => Inner::Sqlite(file.read().await?),
            Database::Server(server) => Inner::Postgres(server.read().await?),
        })))
    }

    /// Keeps every other controller that claims it off a PostgreSQL database, until the claim is dropped or its connection is
    /// lost: two that sign plans from one database would each undo what the other sent. A file is guarded by its folder.
    ///
    /// # Errors
    /// [`StoreError::Claimed`], [`StoreError::Away`].
    pub async fn claim(&self) -> Result<Claim, StoreError> {
        Ok(Claim(match &self.0 {
            Database::File(_) => None,
            Database::Server(server) => Some(server.claim().await?),
        }))
    }

    /// Closes all connections; what was committed is kept.
    pub async fn close(&self) {
        match &self.0 {
            Database::File(file) => file.close().await,
            Database::Server(server) => server.close().await,
        }
    }
}

#[cfg(test)]
pub(crate) use query::query;
#[cfg(test)]
pub(crate) use rows::Columns;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
