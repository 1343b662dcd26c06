//! Where the rows are kept.

use loa_speech::Secret;
use serde::Deserialize;

/// The database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database`, for an installation of several controllers or of thousands of nodes; empty:
    /// the SQLite file `controller.db` in the data folder. It may hold a password, and is printed nowhere.
    pub url: Secret,
}
