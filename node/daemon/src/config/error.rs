//! What is wrong with a setting, where, and what to do.

use std::path::PathBuf;

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read the settings in {}: give the path of a file that exists, or leave --config out", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{} is not valid TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("{origin} sets `{key}`, which does not exist{}", hint(.nearest.as_deref()))]
    UnknownKey {
        /// The file or the environment.
        origin: String,
        /// The key or the variable as written.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A value of the wrong kind or outside its range.
    #[error("`{key}` in {origin} cannot be used: {problem}")]
    Value {
        /// The file or the environment.
        origin: String,
        /// The key or the variable as written.
        key: String,
        /// What is wrong and what is expected.
        problem: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || ": remove it (`loa-node run --help` lists every setting)".to_owned(),
        |n| format!(": did you mean `{n}`?"),
    )
}
