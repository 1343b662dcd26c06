//! A manifest on the disk: its CBOR, then the first 16 bytes of that's SHA-256, so that a rotten one is known for one.

use std::fs;
use std::path::Path;

use loa_protocol::ids::Digest;
use loa_protocol::transfer::Manifest;

use crate::durable::{self, FileError};

/// Writes it durably.
pub(super) fn write(path: &Path, manifest: &Manifest) -> Result<(), FileError> {
    let mut bytes = match minicbor::to_vec(manifest) {
        Ok(bytes) => bytes,
        Err(never) => unreachable!("a Vec accepts every write: {never}"),
    };
    let digest = Digest::of(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    durable::replace_private(path, &bytes)
}

/// Reads it; `None` when it is not there or not what [`write`] wrote.
pub(super) fn read(path: &Path) -> Result<Option<Manifest>, FileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(FileError::new("read", path)(e)),
    };
    let Some((cbor, digest)) = bytes.split_last_chunk::<{ Digest::LEN }>() else { return Ok(None) };
    Ok(if Digest::of(cbor) == Digest(*digest) { minicbor::decode(cbor).ok() } else { None })
}
