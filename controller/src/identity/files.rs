//! Secret files: written whole or not at all, readable by their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::IdentityError;

/// Makes the folder, for its owner alone, where it is missing.
pub(super) fn ensure_folder(path: &Path) -> Result<(), IdentityError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| failed("create", path, e))
}

/// Reads a text file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path, e)),
    }
}

/// Reads a key; refuses one that other users can read, as ssh does.
pub(super) fn read_key(path: &Path) -> Result<Option<String>, IdentityError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let mode = fs::metadata(path).map_err(|e| failed("look at", path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::KeyReadable { path: path.to_owned(), mode });
    }
    Ok(Some(text))
}

/// Writes for the owner alone (mode 0600), through a temporary file, a sync and a rename: after a power cut there is
/// the old text or the new one.
pub(super) fn write(path: &Path, text: &str) -> Result<(), IdentityError> {
    write_with_mode(path, text, 0o600)
}

/// The same for another service of the machine, which reads by its group (mode 0640).
pub(super) fn write_for_group(path: &Path, text: &str) -> Result<(), IdentityError> {
    write_with_mode(path, text, 0o640)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> Result<(), IdentityError> {
    let temporary = path.with_extension("tmp");
    let written = (|| {
        // A leftover may have other permissions, and `mode` holds for a file that is made here only.
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.map_err(|e| failed("write", path, e))
}

fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> IdentityError {
    IdentityError::File { doing, path: path.to_owned(), source }
}
