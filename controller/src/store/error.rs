//! What can go wrong with the database and the files.

use std::path::PathBuf;

use sqlx::migrate::{MigrateError, Migrator};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database file cannot be opened.
    #[error("cannot open the database {}: check that its folder exists and that this user may write there", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The PostgreSQL database cannot be reached, or does not let this program in.
    #[error(
        "cannot connect to the database {database}: check that PostgreSQL runs there, and that `database.url` names its \
         host, port, database, user and password (docs/operations.md)"
    )]
    Connect {
        /// Where it is, without the password.
        database: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The PostgreSQL database has an encoding without Vietnamese letters.
    #[error(
        "the database {database} has the encoding {found}: make it again with `createdb --encoding=UTF8 \
         --template=template0`"
    )]
    Encoding {
        /// Where it is.
        database: String,
        /// Its encoding.
        found: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database {database} was written by a newer version of this program (migration {found}; this one knows up to \
         {known}): install that version again, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The file, or where it is.
        database: String,
        /// The migration that is not known here.
        found: i64,
        /// The latest migration that is.
        known: i64,
    },
    /// Bringing the database up to this version failed; it stays as it was.
    #[error("cannot bring the database {database} up to this version")]
    Migration {
        /// The file, or where it is.
        database: String,
        /// Why.
        #[source]
        source: Box<MigrateError>,
    },
    /// Another controller works on this PostgreSQL database.
    #[error(
        "another loa-controller works on this database: stop it first; two would undo what the other signs"
    )]
    Claimed,
    /// The rows of one database could not be copied into another, which stays as it was.
    #[error("the database cannot be copied: {0}")]
    Copy(String),
    /// A row with this key is there already.
    #[error("it is there already ({constraint})")]
    Duplicate {
        /// The database's words for the key.
        constraint: String,
    },
    /// A row names something that is not there, or that is still needed elsewhere.
    #[error("it names something that does not exist, or something else still needs it")]
    Reference,
    /// A stored value that this program cannot have written.
    #[error("the database holds a damaged value in column {column}: {problem}")]
    Damaged {
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database does not answer: it is away, going down or coming up, or others kept it busy for too long. The same
    /// call works again when it is back.
    #[error("the database does not answer; work goes on by itself once it does")]
    Away(#[source] sqlx::Error),
    /// The database refused or failed.
    #[error("the database failed")]
    Query(#[source] sqlx::Error),
    /// A file of the store could not be read or written.
    #[error("cannot {doing} {}: check free space and permissions", path.display())]
    File {
        /// What was tried: `write`, `read`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            return Self::Away(error);
        }
        if let sqlx::Error::Database(db) = &error {
            if db.is_unique_violation() {
                return Self::Duplicate { constraint: db.message().to_owned() };
            }
            if db.is_foreign_key_violation() {
                return Self::Reference;
            }
        }
        Self::Query(error)
    }
}

/// Whether the same call may well succeed later. PostgreSQL's codes: 08 connection, 53300 too many connections, 55P03 lock
/// not available, 57P01 to 57P03 going down and coming up, 25P03 idle for too long within a transaction.
fn is_away(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(db) = error {
        let Some(code) = db.code() else { return false };
        let one_of = ["53300", "55P03", "57P01", "57P02", "57P03", "25P03"];
        return code.starts_with("08") && code.len() == 5 || one_of.contains(&code.as_ref());
    }
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)
}

pub(super) fn migration_error(database: String, migrations: &Migrator, error: MigrateError) -> StoreError {
    let known = migrations.iter().map(|m| m.version).max().unwrap_or_default();
    // The other failures of a migration are all "it did not work", with their own words.
    if let MigrateError::VersionMissing(found) = error {
        return StoreError::Newer { database, found, known };
    }
    StoreError::Migration { database, source: Box::new(error) }
}
