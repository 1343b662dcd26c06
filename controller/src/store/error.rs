//! What can go wrong with the database and the files.

use std::path::{Path, PathBuf};

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
    /// The database was written by a newer version of this program.
    #[error(
        "the database {} was written by a newer version of this program (migration {found}; this one knows up to \
         {known}): install that version again, or restore a backup from before the upgrade",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The migration that is not known here.
        found: i64,
        /// The latest migration that is.
        known: i64,
    },
    /// Bringing the database up to this version failed; it stays as it was.
    #[error("cannot bring the database {} up to this version", file.display())]
    Migration {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: Box<MigrateError>,
    },
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

pub(super) fn migration_error(file: &Path, migrations: &Migrator, error: MigrateError) -> StoreError {
    let known = migrations.iter().map(|m| m.version).max().unwrap_or_default();
    // The other failures of a migration are all "it did not work", with their own words.
    if let MigrateError::VersionMissing(found) = error {
        return StoreError::Newer { file: file.to_owned(), found, known };
    }
    StoreError::Migration { file: file.to_owned(), source: Box::new(error) }
}
