//! Sounds that were made before, on the disk: sentences as their engine spoke them, and finished segments.
//!
//! Invariants: at most `max_bytes` on the disk, the least recently used go first; an entry is whole or not there (written
//! beside, then renamed, and checked against its hash when it's read); an entry that was damaged is removed and made again.
//! Nothing depends on it: trouble with the disk costs time, is logged, and fails no bulletin.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::recipe::RecipeKey;

/// Bytes of the hash in front of each entry.
const HASH_BYTES: usize = 32;
/// Ending of files that are being written.
const UNFINISHED: &str = "part";

/// The cache. Its calls block on the disk.
#[derive(Debug)]
pub struct SoundCache {
    folder: PathBuf,
    max_bytes: u64,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<String, Entry>,
    bytes: u64,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    /// Greater is more recent.
    used: u64,
}

impl SoundCache {
    /// Opens a folder, which is made when absent, and removes what is too much in it.
    ///
    /// # Errors
    /// When the folder can't be made or read.
    pub fn open(folder: impl Into<PathBuf>, max_bytes: u64) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        let mut found: Vec<(SystemTime, String, u64)> = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if Path::new(&name).extension().is_some_and(|ending| ending == UNFINISHED) {
                fs::remove_file(entry.path())?;
                continue;
            }
            let meta = entry.metadata()?;
            if meta.is_file() {
                found.push((meta.modified()?, name, meta.len()));
            }
        }
        found.sort();
        let mut index = Index::default();
        for (_, name, bytes) in found {
            index.add(name, bytes);
        }
        let cache = Self { folder, max_bytes, index: Mutex::new(index) };
        cache.evict();
        Ok(cache)
    }

    /// What was stored under a key, if it's still there and whole.
    pub(crate) fn get(&self, key: &RecipeKey) -> Option<Vec<u8>> {
        let name = key.to_string();
        if !self.index().touch(&name) {
            return None;
        }
        let path = self.folder.join(&name);
        match read(&path) {
            Ok(Some(content)) => Some(content),
            Ok(None) => {
                tracing::warn!(entry = name, "a remembered sound was damaged; it is made again");
                self.forget(&name);
                None
            }
            Err(error) => {
                tracing::warn!(entry = name, %error, "a remembered sound can't be read; it is made again");
                self.forget(&name);
                None
            }
        }
    }

    /// Stores a sound. One that is larger than the whole cache is not kept.
    pub(crate) fn put(&self, key: &RecipeKey, content: &[u8]) {
        let bytes = (HASH_BYTES + content.len()) as u64;
        if bytes > self.max_bytes {
            return;
        }
        let name = key.to_string();
        if let Err(error) = write(&self.folder, &name, content) {
            tracing::warn!(entry = name, %error, "a sound can't be remembered; it will be made again");
            return;
        }
        self.index().add(name, bytes);
        self.evict();
    }

    fn evict(&self) {
        loop {
            let oldest = {
                let index = self.index();
                if index.bytes <= self.max_bytes {
                    return;
                }
                index.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(name, _)| name.clone())
            };
            match oldest {
                Some(name) => self.forget(&name),
                None => return,
            }
        }
    }

    fn forget(&self, name: &str) {
        self.index().remove(name);
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(entry = name, %error, "a remembered sound can't be removed");
            }
            _ => {}
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn add(&mut self, name: String, bytes: u64) {
        self.remove(&name);
        self.uses += 1;
        self.bytes += bytes;
        self.entries.insert(name, Entry { bytes, used: self.uses });
    }

    fn remove(&mut self, name: &str) {
        if let Some(entry) = self.entries.remove(name) {
            self.bytes -= entry.bytes;
        }
    }

    fn touch(&mut self, name: &str) -> bool {
        self.uses += 1;
        let uses = self.uses;
        self.entries.get_mut(name).map(|entry| entry.used = uses).is_some()
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = fs::read(path)?;
    if bytes.len() < HASH_BYTES {
        return Ok(None);
    }
    let content = bytes.split_off(HASH_BYTES);
    let hash: [u8; HASH_BYTES] = Sha256::digest(&content).into();
    if hash[..] != bytes[..] {
        return Ok(None);
    }
    // The order of use outlives a restart.
    File::options().append(true).open(path)?.set_modified(SystemTime::now())?;
    Ok(Some(content))
}

fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(name).with_extension(UNFINISHED);
    let hash: [u8; HASH_BYTES] = Sha256::digest(content).into();
    fs::write(&unfinished, [&hash[..], content].concat())?;
    fs::rename(&unfinished, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Fingerprint;

    fn key(name: &str) -> RecipeKey {
        let mut key = Fingerprint::lasting("test");
        key.text("name", name);
        key.end()
    }

    fn names(cache: &SoundCache) -> usize {
        fs::read_dir(&cache.folder).unwrap().count()
    }

    #[test]
    fn what_was_stored_comes_back_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let cache = SoundCache::open(folder.path().join("sounds"), 10_000).unwrap();
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), b"one");
        cache.put(&key("a"), b"other");
        assert_eq!(cache.get(&key("a")).unwrap(), b"other");
        fs::write(folder.path().join("sounds/leftover.part"), b"x").unwrap();
        let cache = SoundCache::open(folder.path().join("sounds"), 10_000).unwrap();
        assert_eq!(cache.get(&key("a")).unwrap(), b"other");
        assert_eq!(names(&cache), 1, "what was unfinished is gone");
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        // Room for three entries of 100 bytes with their hashes.
        let cache = SoundCache::open(folder.path(), 400).unwrap();
        for name in ["a", "b", "c"] {
            cache.put(&key(name), &[0; 100]);
        }
        assert!(cache.get(&key("a")).is_some());
        cache.put(&key("d"), &[0; 100]);
        assert_eq!(cache.get(&key("b")), None);
        assert!(["a", "c", "d"].iter().all(|name| cache.get(&key(name)).is_some()));
        assert_eq!(names(&cache), 3);
        cache.put(&key("huge"), &[0; 1_000]);
        assert_eq!((cache.get(&key("huge")), names(&cache)), (None, 3), "what has no room displaces nothing");
        let cache = SoundCache::open(folder.path(), 140).unwrap();
        assert_eq!(names(&cache), 1, "a smaller cache keeps what it has room for");
    }

    #[test]
    fn a_damaged_entry_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = SoundCache::open(folder.path(), 10_000).unwrap();
        for damage in [&b"short"[..], &[7; 100]] {
            cache.put(&key("a"), b"content");
            fs::write(folder.path().join(key("a").to_string()), damage).unwrap();
            assert_eq!(cache.get(&key("a")), None);
            assert_eq!(names(&cache), 0, "it is removed");
        }
        cache.put(&key("a"), b"content");
        fs::remove_file(folder.path().join(key("a").to_string())).unwrap();
        assert_eq!(cache.get(&key("a")), None);
        cache.put(&key("a"), b"content");
        assert_eq!(cache.get(&key("a")).unwrap(), b"content");
    }
}
