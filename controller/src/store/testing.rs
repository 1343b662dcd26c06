//! A database for a test: a SQLite file in its folder or, with `LOA_TEST_POSTGRES=1`, one of its own on a PostgreSQL server
//! that all tests of the process share.

use std::path::Path;
use std::sync::LazyLock;

use loa_speech::Secret;
use loa_test_postgres::{Database, Postgres};
use tokio::sync::OnceCell;

use super::Store;
use crate::config::Config;

static SERVER: LazyLock<Postgres> = LazyLock::new(Postgres::start);
/// Brought up to this version once; the others are copies of it.
static TEMPLATE: OnceCell<Database<'static>> = OnceCell::const_new();

/// Whether tests run on PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    std::env::var_os("LOA_TEST_POSTGRES").is_some_and(|value| value == "1")
}

/// A database of one's own on PostgreSQL, up to this version.
pub(crate) async fn database() -> Database<'static> {
    let template = TEMPLATE.get_or_init(async || {
        let empty = SERVER.database();
        Store::connect(&Secret::new(empty.url())).await.unwrap().close().await;
        empty
    });
    SERVER.database_like(template.await.name())
}

/// A store that holds nothing, and what goes when the test ends.
pub(crate) async fn store(folder: &Path) -> (Store, Option<Database<'static>>) {
    if !is_postgres() {
        return (Store::open(&folder.join("c.db")).await.unwrap(), None);
    }
    let database = database().await;
    (Store::connect(&Secret::new(database.url())).await.unwrap(), Some(database))
}

/// Lets the services that are opened with this configuration have a database of their own.
pub(crate) async fn settle(config: &mut Config) -> Option<Database<'static>> {
    if !is_postgres() || !config.database.url.is_empty() {
        return None;
    }
    let database = database().await;
    config.database.url = Secret::new(database.url());
    Some(database)
}
