//! Files named by the SHA-256 of their bytes: `ab/abcd...`, the first two digits as folder.
//!
//! A file is written under a temporary name, synced, renamed, and its folder synced: under its own name it is always
//! whole, even after a power cut. Temporary files that a crash left are removed at the next start of the controller, and
//! by nobody else: the command line opens the same folder while a running controller writes.

use std::io;
use std::path::{Path, PathBuf};

use loa_protocol::ids::ObjectHash;
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use super::StoreError;

/// A folder of files named by their hash. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore {
    root: PathBuf,
}

impl BlobStore {
    /// Opens the folder, and makes it when absent. Others may be writing in it.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { root: root.into() };
        store.make_unfinished().await?;
        Ok(store)
    }

    /// Removes what unfinished writes left. Only for whoever alone writes here, before writing: the controller at its
    /// start.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn clear_unfinished(&self) -> Result<(), StoreError> {
        let unfinished = self.unfinished();
        fs::remove_dir_all(&unfinished).await.map_err(|e| failed("write", &unfinished, e))?;
        self.make_unfinished().await
    }

    async fn make_unfinished(&self) -> Result<(), StoreError> {
        let unfinished = self.unfinished();
        fs::create_dir_all(&unfinished).await.map_err(|e| failed("write", &unfinished, e))
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    /// Where the file of a hash lies, whether it is there or not.
    pub fn path(&self, hash: &ObjectHash) -> PathBuf {
        let name = hash.to_string();
        self.root.join(&name[..2]).join(name)
    }

    /// Whether the file is there.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn contains(&self, hash: &ObjectHash) -> Result<bool, StoreError> {
        let path = self.path(hash);
        fs::try_exists(&path).await.map_err(|e| failed("read", &path, e))
    }

    /// The bytes of a file; `None` when it is not there.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn read(&self, hash: &ObjectHash) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(hash);
        match fs::read(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("read", &path, e)),
        }
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn remove(&self, hash: &ObjectHash) -> Result<(), StoreError> {
        let path = self.path(hash);
        match fs::remove_file(&path).await {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path, e)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Keeps some bytes and gives their hash.
    ///
    /// # Errors
    /// [`StoreError::File`], also when the disk is full; then nothing of it is left.
    pub async fn put(&self, bytes: &[u8]) -> Result<ObjectHash, StoreError> {
        let mut writer = self.writer().await?;
        writer.write(bytes).await?;
        Ok(writer.finish().await?.0)
    }

    /// Begins a file whose bytes come piece by piece.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn writer(&self) -> Result<BlobWriter, StoreError> {
        let path = self.unfinished().join(uuid::Uuid::now_v7().simple().to_string());
        let file = File::create_new(&path).await.map_err(|e| failed("write", &path, e))?;
        let unfinished = Unfinished(Some(path));
        Ok(BlobWriter { store: self.clone(), file, unfinished, hash: Sha256::new(), size_bytes: 0 })
    }
}

/// A file that is being written. Dropped before [`BlobWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    store: BlobStore,
    file: File,
    unfinished: Unfinished,
    hash: Sha256,
    size_bytes: u64,
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).await.map_err(|e| failed("write", self.unfinished.path(), e))?;
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Makes the file durable under its name. Gives hash and size.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub async fn finish(mut self) -> Result<(ObjectHash, u64), StoreError> {
        let from = self.unfinished.path().to_owned();
        self.file.flush().await.map_err(|e| failed("write", &from, e))?;
        self.file.sync_all().await.map_err(|e| failed("write", &from, e))?;
        let hash = ObjectHash(self.hash.finalize().into());
        let to = self.store.path(&hash);
        let folder = to.parent().unwrap_or(&self.store.root).to_owned();
        let made = !fs::try_exists(&folder).await.map_err(|e| failed("read", &folder, e))?;
        fs::create_dir_all(&folder).await.map_err(|e| failed("write", &folder, e))?;
        fs::rename(&from, &to).await.map_err(|e| failed("write", &to, e))?;
        self.unfinished.keep();
        sync_folder(&folder).await?;
        if made {
            sync_folder(&self.store.root).await?;
        }
        Ok((hash, self.size_bytes))
    }
}

/// Removes its file when dropped.
#[derive(Debug)]
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "an unfinished file could not be removed; the next start does");
        }
    }
}

async fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let opened = File::open(folder).await.map_err(|e| failed("read", folder, e))?;
    opened.sync_all().await.map_err(|e| failed("write", folder, e))
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(root: &Path) -> usize {
        std::fs::read_dir(root.join("unfinished")).unwrap().count()
    }

    #[tokio::test]
    async fn bytes_come_back_under_their_hash() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).await.unwrap();
        let hash = blobs.put(b"loa").await.unwrap();
        assert_eq!(hash, ObjectHash::of(b"loa"));
        assert_eq!(blobs.read(&hash).await.unwrap().unwrap(), b"loa");
        assert_eq!(blobs.put(b"loa").await.unwrap(), hash, "the same bytes again");
        assert_eq!(blobs.read(&ObjectHash::of(b"other")).await.unwrap(), None);
        assert_eq!(files(folder.path()), 0);
    }

    #[tokio::test]
    async fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(folder.path()).await.unwrap();
        let mut writer = blobs.writer().await.unwrap();
        writer.write(b"half").await.unwrap();
        assert_eq!(files(folder.path()), 1);
        drop(writer);
        assert_eq!(files(folder.path()), 0);
        std::fs::write(folder.path().join("unfinished/left-by-a-crash"), b"x").unwrap();
        blobs.clear_unfinished().await.unwrap();
        assert_eq!(files(folder.path()), 0);
        blobs.put(b"loa").await.unwrap();
    }

    #[tokio::test]
    async fn who_opens_the_folder_beside_a_writer_leaves_its_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = BlobStore::open(folder.path()).await.unwrap().writer().await.unwrap();
        writer.write(b"lo").await.unwrap();
        let beside = BlobStore::open(folder.path()).await.unwrap();
        writer.write(b"a").await.unwrap();
        let (hash, _) = writer.finish().await.unwrap();
        assert_eq!(beside.read(&hash).await.unwrap().unwrap(), b"loa");
    }
}
