//! Files that are whole or not there, whatever happens to the power.
//!
//! A file's bytes, its name, and the folder that holds the name become durable separately; here they do in the order in
//! which a cut between any two leaves the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// An operation on a file that failed, and which.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}", path.display())]
pub struct FileError {
    /// What was tried.
    pub what: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn new(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }

    /// Whether there is no room left, by disk or by quota.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Makes a folder that only this user can enter, with the folders above it.
///
/// # Errors
/// [`FileError`].
pub fn private_folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::new("make the folder", path))
}

/// Replaces a file by one with these bytes, which only this user can read: write aside, sync, rename, sync the folder.
///
/// # Errors
/// [`FileError`]; the old file is then untouched.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let aside = aside(path);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    if let Err(source) = write() {
        // A half-written file is of no use, and on a full disk it is in the way.
        let _ = fs::remove_file(&aside);
        return Err(FileError { what: "write", path: aside, source });
    }
    fs::rename(&aside, path).map_err(FileError::new("rename a file to", path))?;
    sync_folder_of(path)
}

/// Removes a file if it is there, durably.
///
/// # Errors
/// [`FileError`].
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder_of(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::new("remove", path)(e)),
    }
}

/// Makes the names in the folder that holds `path` durable.
///
/// # Errors
/// [`FileError`].
pub fn sync_folder_of(path: &Path) -> Result<(), FileError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(FileError::new("sync the folder", folder))
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_replaced_file_is_private_and_leaves_nothing_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("identity.toml");
        private_folder(path.parent().unwrap()).unwrap();
        replace_private(&path, b"one").unwrap();
        replace_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_failure_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace_private(&folder.path().join("no/such"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/such.new"), "{error}");
        assert!(!error.is_full());
    }
}
