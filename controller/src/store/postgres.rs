//! A PostgreSQL database, which several controllers may share.
//!
//! **What the single writer of SQLite guarantees holds here by two locks.** Rules of the product span rows: an epoch is one
//! above the last, two have to agree on a bulletin, a name is free, a job is taken once. SQLite keeps them because one
//! transaction writes at a time. So here too: a transaction that writes takes an advisory lock of its lane before its first
//! query and holds it until its end.
//! - [`Lane::Desired`]: what staff want, and what the tasks make of it.
//! - [`Lane::Reported`]: what nodes report: receipts, health, states, presence. Ten thousand of them must not make staff wait,
//!   nor the other way round. Within the lane order counts too: a receipt's chain is judged by the ones before it.
//!
//! Serialisable isolation instead would make every caller repeat whole transactions, files and nudges included, and under the
//! load that matters most (a storm, everybody reporting) nearly all would be repeated. Row locks would have to be
//! thought of in each function anew.
//!
//! Isolation is READ COMMITTED on purpose: each query sees what was committed before it began. With a snapshot, it would be as
//! old as the wait for the lock, and the transaction would decide on rows that the one before it has changed.
//!
//! One connection for each lane in each controller, and readers besides: who waits for the lane waits here, in order, and
//! other controllers wait at the lock. A lock, a query and a transaction left open have their time limits, so that a
//! controller that hangs or vanishes holds up nobody for long.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, Postgres, Transaction};

use super::error::migration_error;
use super::{StoreError, WAIT};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How many connections read at the same time.
const READERS_MAX: u32 = 16;
/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// Advisory locks are numbers in one space for the whole database: `loa` in ASCII, and the lane.
const LOCKS: i64 = 0x6c_6f_61_00;
/// The lock of the one controller that signs for this database.
const CLAIM: i64 = LOCKS + 0xff;

/// What the server holds against everybody who hangs, and that a commit is on its disk.
const SESSION: [(&str, &str); 8] = [
    ("lock_timeout", "10s"),
    ("statement_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("synchronous_commit", "on"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    // Compiling a query to machine code takes longer than any of ours runs.
    ("jit", "off"),
];

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// What staff want, and what the tasks make of it.
    Desired,
    /// What nodes report.
    Reported,
}

/// The connections to one database.
#[derive(Debug, Clone)]
pub(super) struct Server {
    desired: PgPool,
    reported: PgPool,
    readers: PgPool,
}

impl Server {
    /// Connects, and brings the database up to this version. Of several that do so at once, one does the work.
    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        let unusable = |source| StoreError::Connect { database: "database.url".to_owned(), source };
        let options: PgConnectOptions = url.parse().map_err(unusable)?;
        let options = options.application_name("loa-controller");
        let name = shown(&options);
        let failed = |source| StoreError::Connect { database: name.clone(), source };
        // Bringing a large database up to date may take longer than a query may.
        let mut first = options.connect().await.map_err(failed)?;
        check_encoding(&mut first, &name).await?;
        MIGRATIONS.run(&mut first).await.map_err(|e| migration_error(name.clone(), &MIGRATIONS, e))?;
        first.close().await.map_err(failed)?;
        let options = options.options(SESSION);
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(WAIT)
                .idle_timeout(IDLE)
                .connect_lazy_with(options.clone())
        };
        Ok(Self { desired: pool(1), reported: pool(1), readers: pool(READERS_MAX) })
    }

    pub(super) async fn write(&self, lane: Lane) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let (pool, lock) = match lane {
            Lane::Desired => (&self.desired, LOCKS),
            Lane::Reported => (&self.reported, LOCKS + 1),
        };
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(lock).execute(&mut *tx).await?;
        Ok(tx)
    }

    pub(super) async fn read(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.readers.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    /// Keeps every other controller that asks so off the database, for as long as the connection lasts.
    pub(super) async fn claim(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.readers.acquire().await?.detach();
        let claimed: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(CLAIM)
            .fetch_one(&mut connection)
            .await?;
        if claimed { Ok(connection) } else { Err(StoreError::Claimed) }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.reported.close().await;
        self.desired.close().await;
    }
}

/// Where a database is, without its password.
fn shown(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username();
    format!("{} on {place} as {user}", options.get_database().unwrap_or(user))
}

/// Another encoding has no room for Vietnamese.
async fn check_encoding(connection: &mut PgConnection, name: &str) -> Result<(), StoreError> {
    let found: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(connection).await?;
    if found == "UTF8" {
        return Ok(());
    }
    Err(StoreError::Encoding { database: name.to_owned(), found })
}
