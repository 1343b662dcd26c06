//! Keys as files: 32 bytes, mode 0600, written whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ed25519_dalek::{SigningKey, VerifyingKey};

use super::TrustError;

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TrustError {
    let path = path.to_owned();
    move |source| TrustError::Io { path, source }
}

pub(super) fn ensure_folder(folder: &Path) -> Result<(), TrustError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(io(folder))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    fs::read(path).map_err(io(path))
}

pub(super) fn read_public(path: &Path) -> Result<VerifyingKey, TrustError> {
    let bytes = <[u8; 32]>::try_from(read(path)?).ok();
    let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    key.ok_or_else(|| TrustError::NoKey { path: path.to_owned() })
}

pub(super) fn read_seed(path: &Path) -> Result<SigningKey, TrustError> {
    let mode = fs::metadata(path).map_err(io(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TrustError::Readable { path: path.to_owned() });
    }
    let seed = <[u8; 32]>::try_from(read(path)?).map_err(|_| TrustError::NoKey { path: path.to_owned() })?;
    Ok(SigningKey::from_bytes(&seed))
}

pub(super) fn read_or_make_seed(path: &Path) -> Result<SigningKey, TrustError> {
    if path.exists() {
        return read_seed(path);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(TrustError::Random)?;
    write(path, &seed)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Written beside, synced, renamed: a power cut leaves the old file or the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrustError> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(io(&beside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&beside))?;
    fs::rename(&beside, path).map_err(io(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}
