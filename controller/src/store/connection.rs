//! A transaction of either database.

use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, Sqlite, Transaction};

use super::StoreError;

/// What every function of the store works on: a connection inside a transaction.
#[derive(Debug)]
pub struct Connection(Inner);

#[derive(Debug)]
pub(super) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Connection {
    pub(super) fn new(inner: Inner) -> Self {
        Self(inner)
    }

    pub(super) fn inner(&mut self) -> &mut Inner {
        &mut self.0
    }
}

/// A transaction that may write.
#[derive(Debug)]
#[must_use = "dropped without commit, it changes nothing"]
pub struct WriteTx(pub(super) Connection);

impl WriteTx {
    /// Makes everything in it durable.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Away`]; then nothing of it was kept, unless the database went away in this
    /// very moment: whoever repeats the work must find it done or not done.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0.0 {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
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
pub struct ReadTx(pub(super) Connection);

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
