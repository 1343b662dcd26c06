//! Room that is kept on the disk for the database, for the day on which something else fills it.
//!
//! A file of no content: on a full disk it is deleted, and what it took serves for hundreds of intents and receipts. It is
//! made again when there is plenty of room. Whether it is there is of no consequence for anything else, so trouble with it
//! is told and passed over.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FallocateFlags;

use crate::cache::free_bytes;
use crate::durable::{self, FileError};

/// The file's name in the data folder.
pub(crate) const FILE_NAME: &str = "room-for-the-database";

/// What it takes.
const SIZE_BYTES: u64 = 1024 * 1024;

/// It is made only where so much is free.
const PLENTY_BYTES: u64 = 8 * SIZE_BYTES;

/// Makes the file unless it is there, or room is short.
pub(super) fn keep(data_dir: &Path) {
    let path = data_dir.join(FILE_NAME);
    if path.exists() || !free_bytes(data_dir).is_ok_and(|free| free >= PLENTY_BYTES) {
        return;
    }
    let make = || {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, SIZE_BYTES)?;
        Ok(())
    };
    if let Err(error) = make().map_err(FileError::new("make", &path)) {
        tracing::debug!(error = &error as &dyn std::error::Error, "no room can be kept for the database");
    }
}

/// Gives the room away. Returns whether there was any.
pub(super) fn release(data_dir: &Path) -> bool {
    let path = data_dir.join(FILE_NAME);
    let was_there = path.exists();
    match durable::remove(&path) {
        Ok(()) => was_there,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot use the room kept for the database"
            );
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_once_and_given_away_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!release(folder.path()));
        keep(folder.path());
        keep(folder.path());
        assert_eq!(folder.path().join(FILE_NAME).metadata().unwrap().len(), SIZE_BYTES);
        assert!(release(folder.path()));
        assert!(!release(folder.path()));
    }
}
