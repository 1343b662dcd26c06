//! What the node must still know after a power cut: documents, what was applied, intents, receipts, the ledger.
//!
//! SQLite with a write-ahead log and full synchronisation: when a call here has returned, its effect survives the power
//! going at that instant. One connection, used by one task, so nothing ever waits for a lock.
//!
//! # Invariants
//! - What [`SaveDocument`](loa_node_core::Action::SaveDocument) and
//!   [`RecordReceipts`](loa_node_core::Action::RecordReceipts) change, they change in one transaction each.
//! - The row of a slot is never deleted while the store belongs to the same node: it is the guard against replay.
//! - Receipt numbers only rise, also when all receipts were acknowledged and deleted.
//! - A store belongs to one node of one root. After the board is enrolled as another, everything in it is dropped.

mod documents;
mod receipts;
mod transaction;

pub(crate) use self::documents::{parse_path, path_text};

use std::path::{Path, PathBuf};
use std::time::Duration;

use loa_node_core::{LEDGER_MAX, LedgerEntry, Restored, Slot, StoredDocument};
use loa_protocol::time::UnixMs;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use self::transaction::Statement;
use crate::clock::trust::{Anchor, Kept};
use crate::identity::Identity;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "node.db";

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The node's database.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    db: SqliteConnection,
}

/// What a store holds, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// How often the node was started.
    pub boots: u64,
    /// When the clock was last kept.
    pub kept_clock: Option<UnixMs>,
    /// The documents in force.
    pub documents: Vec<(Slot, StoredDocument)>,
    /// Receipts that the controller has not acknowledged.
    pub receipts_waiting: usize,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the node's database {}: check that its folder exists and can be written", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: sqlx::Error,
    },
    /// A newer program wrote it.
    #[error(
        "the node's database {} was written by a newer loa-node: install that one again. Nothing in it was changed, and what it holds \
         (plans, receipts that the controller does not have yet) is there when the newer one runs", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// Its tables could not be brought up to date.
    #[error("cannot bring the node's database {} up to date", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: Box<MigrateError>,
    },
    /// A statement failed.
    #[error("cannot {what} in the node's database {}", path.display())]
    Statement {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: sqlx::Error,
    },
    /// A row makes no sense.
    #[error("the node's database {} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What makes no sense.
        what: String,
    },
}

impl StoreError {
    /// Whether it is for lack of room on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.has_code("13")
    }

    /// Whether it may be for lack of room: SQLite says the same of a disk quota that is used up and of a card that fails.
    #[must_use]
    pub fn may_be_full(&self) -> bool {
        self.is_full() || self.has_code("778")
    }

    /// By SQLite's own text of (extended) result codes: 13 is SQLITE_FULL, 778 is SQLITE_IOERR_WRITE.
    fn has_code(&self, code: &str) -> bool {
        let source = match self {
            Self::Open { source, .. } | Self::Statement { source, .. } => source,
            Self::Migrate { .. } | Self::Newer { .. } | Self::Damaged { .. } => return false,
        };
        source.as_database_error().and_then(|error| error.code()).is_some_and(|found| found == code)
    }
}

impl Store {
    /// Where a data folder keeps its store.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE_NAME)
    }

    /// Opens the store of a data folder, makes it if there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`] or [`StoreError::Migrate`].
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = Self::path(data_dir);
        let mut store = Self::connect(path, false).await?;
        // `run` gives a future that cannot be spawned: its `Acquire` bound ties it to one lifetime.
        MIGRATIONS.run_direct(None, &mut store.db, false).await.map_err(|e| store.migration(e))?;
        Ok(store)
    }

    /// Opens the store of a data folder to look at it while the daemon uses it.
    ///
    /// # Errors
    /// [`StoreError::Open`] where there is none; [`StoreError::Newer`].
    pub async fn open_to_read(data_dir: &Path) -> Result<Self, StoreError> {
        let mut store = Self::connect(Self::path(data_dir), true).await?;
        let newest = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
        let found: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut store.db)
            .await
            .map_err(|source| store.statement("read the version")(source))?;
        if found > newest { Err(StoreError::Newer { path: store.path }) } else { Ok(store) }
    }

    async fn connect(path: PathBuf, read_only: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(!read_only)
            .read_only(read_only)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(16)
            // Small tables on a small board: 256 KiB of pages, a log that is written back early.
            .pragma("cache_size", "-256")
            .pragma("wal_autocheckpoint", "128")
            .pragma("journal_size_limit", "1048576")
            .disable_statement_logging();
        match options.connect().await {
            Ok(db) => Ok(Self { path, db }),
            Err(source) => Err(StoreError::Open { path, source }),
        }
    }

    /// Makes the store this node's: drops everything in it if it was another's. Returns whether it did.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn claim(&mut self, identity: &Identity) -> Result<bool, StoreError> {
        let root = data_encoding::HEXLOWER.encode(identity.root.as_bytes());
        let owner = format!("{}/{}/{root}", identity.tenant, identity.node);
        let before = self.meta("owner").await?;
        if before.as_ref() == Some(&owner) {
            return Ok(false);
        }
        let mut statements: Vec<Statement<'_>> = [
            "DELETE FROM slot",
            "DELETE FROM intent",
            "DELETE FROM receipt",
            "DELETE FROM ledger",
            "DELETE FROM meta WHERE name IN ('next_receipt', 'last_receipt') OR name LIKE 'clock_%'",
        ]
        .into_iter()
        .map(sqlx::query)
        .collect();
        statements.push(sqlx::query(PUT_META).bind("owner").bind(owner));
        self.all_or_nothing("take over the store", statements).await?;
        Ok(before.is_some())
    }

    /// Counts this boot, and returns its number, from 1.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn count_boot(&mut self) -> Result<u64, StoreError> {
        let boots = self.number::<u64>("boots").await?.unwrap_or(0).saturating_add(1);
        self.put_meta("boots", &boots.to_string()).await?;
        Ok(boots)
    }

    /// What was last kept by [`Store::keep_clock`].
    ///
    /// # Errors
    /// [`StoreError::Statement`] or [`StoreError::Damaged`].
    pub async fn kept_clock(&mut self) -> Result<Option<Kept>, StoreError> {
        let Some(wall) = self.number("clock_ms").await?.map(UnixMs) else { return Ok(None) };
        let anchor = Anchor {
            wall,
            boot_ms: self.number("clock_boot_ms").await?.unwrap_or(0),
            error_ms: self.number("clock_error_ms").await?.unwrap_or(0),
        };
        let chip = self.meta("clock_chip_ahead_ms").await?;
        Ok(Some(Kept {
            anchor,
            boot: self.meta("clock_boot").await?.unwrap_or_default(),
            // Empty where there was no chip.
            chip_ahead_ms: chip.and_then(|text| text.parse().ok()),
            is_exchanged: self.meta("clock_is_exchanged").await?.as_deref() == Some("1"),
        }))
    }

    /// Keeps a moment at which the clock was trusted, in place of the last one, be it later or earlier.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn keep_clock(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let Kept { anchor: Anchor { wall, boot_ms, error_ms }, boot, chip_ahead_ms, is_exchanged } = kept;
        let statements = [
            ("clock_ms", wall.0.to_string()),
            ("clock_boot_ms", boot_ms.to_string()),
            ("clock_error_ms", error_ms.to_string()),
            ("clock_boot", boot.clone()),
            ("clock_is_exchanged", u8::from(*is_exchanged).to_string()),
            ("clock_chip_ahead_ms", chip_ahead_ms.map(|ms| ms.to_string()).unwrap_or_default()),
        ]
        .into_iter()
        .map(|(name, value)| sqlx::query(PUT_META).bind(name).bind(value))
        .collect();
        self.all_or_nothing("keep the clock", statements).await
    }

    /// Everything that the core must know of earlier boots, except the cache.
    ///
    /// # Errors
    /// [`StoreError::Statement`] or [`StoreError::Damaged`].
    pub async fn restore(&mut self) -> Result<Restored, StoreError> {
        let (documents, applied) = self.documents().await?;
        Ok(Restored {
            documents,
            applied,
            ledger: self.ledger().await?,
            intents: self.intents().await?,
            next_receipt: self.next_receipt().await?,
            last_receipt: self.last_receipt().await?,
            unacknowledged: self.receipt_numbers().await?,
            objects: Vec::new(),
            partial: Vec::new(),
        })
    }

    /// Forgets all but the newest [`LEDGER_MAX`] entries of the ledger. Never by age: a clock that was far ahead would empty
    /// it, and what sounded would sound again.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn prune_ledger(&mut self) -> Result<(), StoreError> {
        // Without so many entries the inner query gives NULL, and nothing is smaller than that.
        sqlx::query(
            "DELETE FROM ledger WHERE nominal_ms <
             (SELECT nominal_ms FROM ledger ORDER BY nominal_ms DESC LIMIT 1 OFFSET $1)",
        )
        .bind(i64::try_from(LEDGER_MAX - 1).unwrap_or(i64::MAX))
        .execute(&mut self.db)
        .await
        .map_err(|e| self.statement("forget old entries")(e))?;
        Ok(())
    }

    /// What people want to know.
    ///
    /// # Errors
    /// [`StoreError::Statement`] or [`StoreError::Damaged`].
    pub async fn overview(&mut self) -> Result<Overview, StoreError> {
        Ok(Overview {
            boots: self.number("boots").await?.unwrap_or(0),
            kept_clock: self.kept_clock().await?.map(|kept| kept.anchor.wall),
            documents: self.documents().await?.0,
            receipts_waiting: self.receipt_numbers().await?.len(),
        })
    }

    async fn ledger(&mut self) -> Result<Vec<LedgerEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT nominal_ms, item, revision, sounded, aired FROM ledger
             ORDER BY nominal_ms DESC, item, revision LIMIT $1",
        )
        .bind(i64::try_from(LEDGER_MAX).unwrap_or(i64::MAX))
        .fetch_all(&mut self.db)
        .await
        .map_err(|e| self.statement("read the ledger")(e))?;
        rows.iter()
            .map(|row| {
                let item: String = row.get(1);
                let item = item.parse().map_err(|e| self.damaged(format!("ledger item: {e}")))?;
                let revision = u32::try_from(row.get::<i64, _>(2))
                    .map_err(|e| self.damaged(format!("ledger revision: {e}")))?;
                let aired = row.get::<Option<&[u8]>, _>(4).map(minicbor::decode).transpose();
                let aired = aired.map_err(|e| self.damaged(format!("ledger aired: {e}")))?;
                Ok(LedgerEntry { nominal: UnixMs(row.get(0)), item, revision, sounded: row.get(3), aired })
            })
            .collect()
    }

    async fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, StoreError> {
        match self.meta(name).await? {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.damaged(format!("{name} is {text:?}"))),
            },
        }
    }

    async fn meta(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut self.db)
            .await
            .map_err(|e| self.statement("read a value")(e))
    }

    async fn put_meta(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(PUT_META)
            .bind(name)
            .bind(value)
            .execute(&mut self.db)
            .await
            .map_err(|e| self.statement("keep a value")(e))?;
        Ok(())
    }

    /// Writes the log back into the file and closes it.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn close(self) -> Result<(), StoreError> {
        let Self { path, db } = self;
        db.close().await.map_err(|source| StoreError::Statement { what: "write back", path, source })
    }

    fn statement(&self, what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |source| StoreError::Statement { what, path, source }
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    fn migration(&self, source: MigrateError) -> StoreError {
        let path = self.path.clone();
        if matches!(source, MigrateError::VersionMissing(_)) {
            StoreError::Newer { path }
        } else {
            StoreError::Migrate { path, source: Box::new(source) }
        }
    }
}

const PUT_META: &str =
    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

#[cfg(test)]
mod tests;
