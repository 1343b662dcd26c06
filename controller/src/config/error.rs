//! What is wrong with a configuration, where, and what to do.

use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read the configuration file {}: give the path of a file that exists, or leave --config out", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{} is not valid TOML: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        problem: String,
    },
    /// A key that does not exist.
    #[error("{origin} sets `{key}`, which does not exist{}", hint(.nearest.as_deref()))]
    UnknownKey {
        /// File or environment.
        origin: String,
        /// The key or variable as written.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A value of the wrong kind or outside its range.
    #[error("`{key}` in {origin} cannot be used: {problem}")]
    Value {
        /// File or environment.
        origin: String,
        /// Dotted path.
        key: String,
        /// What is wrong and what is expected.
        problem: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || {
            let keys: Vec<&str> = super::KEYS.iter().map(|key| key.path).collect();
            format!(": remove it. The keys are {}", keys.join(", "))
        },
        |n| format!(": did you mean `{n}`?"),
    )
}
