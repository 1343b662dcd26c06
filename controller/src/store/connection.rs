//! A transaction.

use std::ops::{Deref, DerefMut};

use sqlx::{Sqlite, Transaction};

use super::StoreError;

/// What every function of the store works on: a connection inside a transaction.
pub type Connection = sqlx::SqliteConnection;

/// A transaction that may write.
#[derive(Debug)]
#[must_use = "dropped without commit, it changes nothing"]
pub struct WriteTx(pub(super) Transaction<'static, Sqlite>);

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
pub struct ReadTx(pub(super) Transaction<'static, Sqlite>);

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
