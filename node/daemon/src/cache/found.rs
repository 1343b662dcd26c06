//! What is in the folder at boot, whatever the last boot left there.
//!
//! **Invariant.** Only a folder that cannot be read is an error. A file that cannot be read costs its object: it counts as
//! not there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use loa_node_core::{PartialObject, WholeObject};
use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::{Bitmap, Manifest};

use super::{Cache, Partial, manifest_file, open_partial};
use crate::durable::{self, FileError};

/// The objects in the cache, ascending by hash.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Whole objects, their hash not checked yet.
    pub whole: Vec<WholeObject>,
    /// Partial objects with the blocks whose hash is right.
    pub partial: Vec<PartialObject>,
}

impl Found {
    /// Bytes that all of them take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let whole: u64 = self.whole.iter().map(|o| u64::from(o.size_bytes)).sum();
        whole + self.partial.iter().map(|o| u64::from(o.manifest.size_bytes)).sum::<u64>()
    }
}

/// How much is in a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Whole objects.
    pub whole: u64,
    /// Bytes of the whole objects.
    pub whole_bytes: u64,
    /// Objects that are being fetched.
    pub partial: u64,
}

/// Counts what is in the cache of a data folder, and changes nothing: a daemon may be using it.
///
/// # Errors
/// [`FileError`] when the folder cannot be read; one that does not exist is empty.
pub fn contents(data_dir: &Path) -> Result<Contents, FileError> {
    let folder = data_dir.join(super::FOLDER_NAME);
    let mut contents = Contents::default();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(contents),
        Err(e) => return Err(FileError::new("read the folder", &folder)(e)),
    };
    for entry in entries {
        let entry = entry.map_err(FileError::new("read the folder", &folder))?;
        match entry.file_name().to_str().and_then(parse_name) {
            Some((_, Kind::Whole)) => {
                contents.whole += 1;
                // Gone meanwhile: then it takes no room.
                contents.whole_bytes += entry.metadata().map_or(0, |about| about.len());
            }
            Some((_, Kind::Partial)) => contents.partial += 1,
            Some((_, Kind::Manifest | Kind::Aside)) | None => {}
        }
    }
    Ok(contents)
}

/// What a file's name says it is.
enum Kind {
    Whole,
    Partial,
    Manifest,
    /// Cut off in the midst of being written.
    Aside,
}

impl Cache {
    pub(super) fn look(&mut self) -> Result<Found, FileError> {
        let mut found = Found::default();
        let mut started = BTreeSet::new();
        let entries = fs::read_dir(&self.folder).map_err(FileError::new("read the folder", &self.folder))?;
        for entry in entries {
            let entry = entry.map_err(FileError::new("read the folder", &self.folder))?;
            let path = entry.path();
            let Some((object, kind)) = entry.file_name().to_str().and_then(parse_name) else {
                tracing::warn!(file = %path.display(), "a file in the cache that is none of this program's; it is left alone");
                continue;
            };
            match kind {
                Kind::Aside => discard(&path),
                Kind::Partial | Kind::Manifest => {
                    started.insert(object);
                }
                Kind::Whole => found.whole.extend(look_at_whole(object, &path)),
            }
        }
        found.whole.sort_by_key(|whole| whole.object);
        for object in started {
            let is_whole = found.whole.binary_search_by_key(&object, |whole| whole.object).is_ok();
            let partial_path = self.partial_path(&object);
            let manifest_path = self.manifest_path(&object);
            let resumed = match manifest_file::read(&manifest_path) {
                Ok(Some(manifest)) if !is_whole && manifest.object == object && partial_path.exists() => {
                    self.resume(manifest, &partial_path).map(Some)
                }
                // Cut off after the rename, between the two files of a beginning, or rotten.
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            };
            let resumed = resumed.unwrap_or_else(|error| {
                warn_unreadable(&error);
                None
            });
            if resumed.is_none() {
                discard(&partial_path);
                discard(&manifest_path);
            }
            found.partial.extend(resumed);
        }
        Ok(found)
    }

    fn resume(&mut self, manifest: Manifest, path: &Path) -> Result<PartialObject, FileError> {
        let look = || {
            let file = open_partial(path, false)?;
            if file.metadata()?.len() != u64::from(manifest.size_bytes) {
                file.set_len(u64::from(manifest.size_bytes))?;
            }
            let mut have = Bitmap::empty(manifest.block_count());
            let mut block = vec![0; manifest.block_size_bytes as usize];
            for index in 0..manifest.block_count() {
                let Some((offset, length)) = manifest.block_range(index) else { break };
                let bytes = &mut block[..length as usize];
                file.read_exact_at(bytes, u64::from(offset))?;
                if manifest.block_matches(index, bytes) {
                    have.insert(index);
                }
            }
            Ok((file, have))
        };
        let (file, have) = look().map_err(FileError::new("read", path))?;
        self.partial.insert(manifest.object, Partial { file, unsynced_blocks: 0 });
        Ok(PartialObject { manifest, have })
    }
}

/// `None` for a file that cannot be an object, or not be looked at: it is deleted.
fn look_at_whole(object: ObjectHash, path: &Path) -> Option<WholeObject> {
    let about = fs::metadata(path).map_err(FileError::new("look at", path)).inspect_err(warn_unreadable).ok();
    let about = about.filter(fs::Metadata::is_file);
    let size_bytes =
        about.as_ref().and_then(|about| u32::try_from(about.len()).ok()).filter(|size| *size > 0);
    let Some((about, size_bytes)) = about.zip(size_bytes) else {
        discard(path);
        return None;
    };
    let modified = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let last_used = UnixMs(modified.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
    Some(WholeObject { object, size_bytes, last_used })
}

/// One bad spot on a card costs one object, never the node: the object is fetched anew.
fn warn_unreadable(error: &FileError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "an object in the cache cannot be read; it is dropped and fetched anew"
    );
}

/// Removes a file of no use; one that cannot be removed is in nobody's way.
fn discard(path: &Path) {
    if let Err(error) = durable::remove(path) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a useless file in the cache cannot be removed; it stays"
        );
    }
}

fn parse_name(name: &str) -> Option<(ObjectHash, Kind)> {
    let (hash, kind) = match name.split_once('.') {
        None => (name, Kind::Whole),
        Some((hash, "part")) => (hash, Kind::Partial),
        Some((hash, "manifest")) => (hash, Kind::Manifest),
        Some((hash, "manifest.new")) => (hash, Kind::Aside),
        Some(_) => return None,
    };
    hash.parse().ok().map(|object| (object, kind))
}
