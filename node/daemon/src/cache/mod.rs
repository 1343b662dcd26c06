//! The audio on the disk, each object a file named by its hash.
//!
//! ```text
//! objects/{hash}            whole, its hash was right when it got this name
//! objects/{hash}.part       as long as the object will be, some blocks written
//! objects/{hash}.manifest   how to tell which ones; there only as long as the .part is
//! ```
//!
//! The folder is the only record: no database says what is in it, so the two can never disagree. Which blocks of a
//! partial object are there is found out by hashing them at boot, so a block may be lost by a power cut but a wrong one
//! is never believed.
//!
//! # Invariants
//! - A file gets its final name only when all of its bytes are on the disk and their hash is right.
//! - Before an object plays for the first time since boot, its hash is checked again (see [`worker`]).
//! - Room for a whole object is taken when it begins, so a disk fills up at its beginning and not in its midst; and
//!   [`RESERVE_BYTES`] are always left for the database.

mod found;
mod manifest_file;
pub mod worker;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;
use rustix::fs::FallocateFlags;
use sha2::{Digest as _, Sha256};

pub use self::found::{Contents, Found, contents};
use crate::durable::{self, FileError};

/// The folder's name in the data folder.
pub const FOLDER_NAME: &str = "objects";

/// Room that audio never takes: the database and its log must always be able to grow.
pub const RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// Blocks that are written between two syncs; what a power cut may cost.
const BLOCKS_PER_SYNC: u32 = 8;

/// Read at a time when hashing.
const CHUNK_BYTES: usize = 64 * 1024;

/// The folder of cached audio. Everything here blocks.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    reserve_bytes: u64,
    partial: BTreeMap<ObjectHash, Partial>,
}

/// An object that is being fetched.
#[derive(Debug)]
struct Partial {
    file: File,
    unsynced_blocks: u32,
}

/// Why the cache could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// There is no room.
    #[error(
        "no room for {needed_bytes} bytes of audio: {free_bytes} are free and {reserve_bytes} are kept for the database; make room on the disk"
    )]
    NoRoom {
        /// What the object takes.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
        /// What must stay free.
        reserve_bytes: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The object was never begun, or was dropped.
    #[error("object {0} has no partial file")]
    NotBegun(ObjectHash),
}

impl CacheError {
    /// Whether it is for lack of room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::NoRoom { .. } => true,
            Self::File(error) => error.is_full(),
            Self::NotBegun(_) => false,
        }
    }
}

impl Cache {
    /// Opens the cache of a data folder and looks at what is in it. Partial objects are hashed block by block; whole ones
    /// are not hashed yet.
    ///
    /// `reserve_bytes` is usually [`RESERVE_BYTES`].
    ///
    /// # Errors
    /// [`FileError`] when the folder cannot be made or read. A file in it that cannot be read is no error: its object is
    /// dropped.
    pub fn open(data_dir: &Path, reserve_bytes: u64) -> Result<(Self, Found), FileError> {
        let folder = data_dir.join(FOLDER_NAME);
        durable::private_folder(&folder)?;
        let mut cache = Self { folder, reserve_bytes, partial: BTreeMap::new() };
        let found = cache.look()?;
        Ok((cache, found))
    }

    /// The file of a whole object.
    #[must_use]
    pub fn path(&self, object: &ObjectHash) -> PathBuf {
        self.folder.join(object.to_string())
    }

    /// Bytes that may be written to the disk before it is full, the reserve not counted.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn free_bytes(&self) -> Result<u64, FileError> {
        free_bytes(&self.folder)
    }

    /// Makes a partial file with room for the whole object, durably.
    ///
    /// # Errors
    /// [`CacheError::NoRoom`] or [`CacheError::File`]; nothing is left behind.
    pub fn begin(&mut self, manifest: &Manifest) -> Result<(), CacheError> {
        let free_bytes = self.free_bytes()?;
        let needed_bytes = u64::from(manifest.size_bytes);
        if free_bytes < needed_bytes + self.reserve_bytes {
            return Err(CacheError::NoRoom { needed_bytes, free_bytes, reserve_bytes: self.reserve_bytes });
        }
        let object = manifest.object;
        self.try_begin(manifest).inspect_err(|_| {
            if let Err(error) = self.drop_object(&object) {
                tracing::warn!(%object, error = &error as &dyn std::error::Error, "cannot clean up after a failed beginning");
            }
        })
    }

    fn try_begin(&mut self, manifest: &Manifest) -> Result<(), CacheError> {
        manifest_file::write(&self.manifest_path(&manifest.object), manifest)?;
        let path = self.partial_path(&manifest.object);
        let make = || {
            let file = open_partial(&path, true)?;
            let size = u64::from(manifest.size_bytes);
            match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size) {
                // Not every file system can; then a full disk shows when a block is written.
                Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(size)?,
                other => other?,
            }
            file.sync_all()?;
            Ok(file)
        };
        let file = make().map_err(FileError::new("make", &path))?;
        durable::sync_folder_of(&path)?;
        self.partial.insert(manifest.object, Partial { file, unsynced_blocks: 0 });
        Ok(())
    }

    /// Writes a block, and syncs every few.
    ///
    /// # Errors
    /// [`CacheError::NotBegun`] or [`CacheError::File`].
    pub fn store_block(
        &mut self,
        object: &ObjectHash,
        offset_bytes: u32,
        bytes: &[u8],
    ) -> Result<(), CacheError> {
        let path = self.partial_path(object);
        let partial = self.partial.get_mut(object).ok_or(CacheError::NotBegun(*object))?;
        let mut write = || {
            partial.file.write_all_at(bytes, u64::from(offset_bytes))?;
            partial.unsynced_blocks += 1;
            if partial.unsynced_blocks >= BLOCKS_PER_SYNC {
                partial.file.sync_data()?;
                partial.unsynced_blocks = 0;
            }
            Ok(())
        };
        write().map_err(FileError::new("write", &path))?;
        Ok(())
    }

    /// Hashes the whole partial file and gives it its final name. Returns whether the hash is right; if not, the file is
    /// gone. May be repeated after a failure, wherever it happened.
    ///
    /// # Errors
    /// [`CacheError::NotBegun`] or [`CacheError::File`].
    pub fn finish(&mut self, object: &ObjectHash) -> Result<bool, CacheError> {
        let path = self.partial_path(object);
        let Some(partial) = self.partial.get(object) else { return self.finish_renamed(object) };
        partial.file.sync_all().map_err(FileError::new("sync", &path))?;
        if hash_file(&path)? != *object {
            self.drop_object(object)?;
            return Ok(false);
        }
        let whole = self.path(object);
        fs::rename(&path, &whole).map_err(FileError::new("rename a file to", &whole))?;
        self.partial.remove(object);
        durable::sync_folder_of(&whole)?;
        durable::remove(&self.manifest_path(object))?;
        Ok(true)
    }

    /// Does what is left of a [`Self::finish`] that failed after the rename.
    fn finish_renamed(&mut self, object: &ObjectHash) -> Result<bool, CacheError> {
        let whole = self.path(object);
        if !whole.exists() {
            return Err(CacheError::NotBegun(*object));
        }
        if hash_file(&whole)? != *object {
            self.drop_object(object)?;
            return Ok(false);
        }
        durable::sync_folder_of(&whole)?;
        durable::remove(&self.manifest_path(object))?;
        Ok(true)
    }

    /// Deletes an object, whole or partial.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn drop_object(&mut self, object: &ObjectHash) -> Result<(), FileError> {
        self.partial.remove(object);
        durable::remove(&self.partial_path(object))?;
        durable::remove(&self.path(object))?;
        durable::remove(&self.manifest_path(object))
    }

    /// Hashes a whole object. Returns whether it is what its name says; if not, or if it is not there, it is gone.
    ///
    /// # Errors
    /// [`FileError`] when the disk fails.
    pub fn verify(&mut self, object: &ObjectHash) -> Result<bool, FileError> {
        let path = self.path(object);
        if !path.exists() {
            return Ok(false);
        }
        let is_right = hash_file(&path)? == *object;
        if !is_right {
            self.drop_object(object)?;
        }
        Ok(is_right)
    }

    /// Takes note that an object is used: its modification time tells the next boot.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn touch(&self, object: &ObjectHash, now: UnixMs) -> Result<(), FileError> {
        let path = self.path(object);
        let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        File::open(&path).and_then(|f| f.set_modified(at)).map_err(FileError::new("set the time of", &path))
    }

    fn partial_path(&self, object: &ObjectHash) -> PathBuf {
        self.folder.join(format!("{object}.part"))
    }

    fn manifest_path(&self, object: &ObjectHash) -> PathBuf {
        self.folder.join(format!("{object}.manifest"))
    }
}

/// Free room where a folder lies, in bytes.
///
/// # Errors
/// [`FileError`].
pub fn free_bytes(folder: &Path) -> Result<u64, FileError> {
    let room = rustix::fs::statvfs(folder)
        .map_err(|errno| FileError::new("ask for the free room of", folder)(errno.into()))?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

fn open_partial(path: &Path, make: bool) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(make).truncate(make).mode(0o600).open(path)
}

fn hash_file(path: &Path) -> Result<ObjectHash, FileError> {
    let hash = || {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(ObjectHash(hasher.finalize().into())),
                read => hasher.update(&chunk[..read]),
            }
        }
    };
    hash().map_err(FileError::new("read", path))
}

#[cfg(test)]
mod tests;
