//! The wall clock. Everything below the shell takes the time as an argument; here it is read.

use loa_protocol::time::UnixMs;

/// This instant.
pub fn now() -> UnixMs {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).into()
}
