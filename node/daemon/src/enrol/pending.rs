//! Key and certificate request of an enrolment under way.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use loa_protocol::enrolment::EnrolmentToken;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};

use super::EnrolError;
use crate::durable::{self, FileError};

/// The file's name in the data folder.
const FILE_NAME: &str = "enrolment-pending.toml";

/// A key that no certificate exists for yet.
pub(super) struct Pending {
    /// PKCS #8.
    pub(super) private_key_pem: String,
    /// PKCS #10.
    pub(super) csr_der: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Hex of the public half of the token's secret: tells which token the request belongs to.
    token: String,
    private_key_pem: String,
    /// Base64.
    csr: String,
}

/// The key and request that an earlier run made for this token, or else new ones, safely on disk.
///
/// The key is ECDSA on P-256, which every TLS library and broker knows, in TLS 1.2 as in 1.3.
pub(super) fn prepare(data_dir: &Path, token: &EnrolmentToken) -> Result<Pending, EnrolError> {
    let name = HEXLOWER.encode(&token.secret.verifier());
    if let Some(pending) = earlier(&path(data_dir), &name)? {
        return Ok(pending);
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(EnrolError::Key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, token.node_id.as_str());
    let csr = params.serialize_request(&key).map_err(EnrolError::Key)?;
    let pending = Pending { private_key_pem: key.serialize_pem(), csr_der: csr.der().to_vec() };
    let stored = Stored {
        token: name,
        private_key_pem: pending.private_key_pem.clone(),
        csr: BASE64.encode(&pending.csr_der),
    };
    let file = path(data_dir);
    let text = toml::to_string_pretty(&stored)
        .map_err(|e| FileError::new("write", &file)(std::io::Error::other(e)))?;
    durable::replace_private(&file, text.as_bytes())?;
    Ok(pending)
}

/// Drops what [`prepare`] kept.
pub(super) fn forget(data_dir: &Path) -> Result<(), FileError> {
    durable::remove(&path(data_dir))
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// `None` where there is none, it belongs to another token, or it cannot be made sense of.
fn earlier(path: &Path, token: &str) -> Result<Option<Pending>, FileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData) => {
            return Ok(None);
        }
        Err(e) => return Err(FileError::new("read", path)(e)),
    };
    let stored: Option<Stored> = toml::from_str(&text).ok().filter(|s: &Stored| s.token == token);
    Ok(stored.and_then(|stored| {
        let csr_der = BASE64.decode(stored.csr.as_bytes()).ok()?;
        Some(Pending { private_key_pem: stored.private_key_pem, csr_der })
    }))
}

#[cfg(test)]
mod tests {
    use loa_protocol::enrolment::EnrolmentSecret;
    use loa_protocol::ids::NodeId;

    use super::*;

    fn token(seed: u8) -> EnrolmentToken {
        EnrolmentToken {
            controller_url: "http://a".to_owned(),
            secret: EnrolmentSecret::from_random(&[seed; 32]),
            root_key_sha256: [0; 32],
            node_id: NodeId::new("n-1").unwrap(),
            expires_unix_s: 0,
        }
    }

    #[test]
    fn the_same_token_gets_the_same_request_and_another_token_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = prepare(folder.path(), &token(1)).unwrap();
        let again = prepare(folder.path(), &token(1)).unwrap();
        assert_eq!(again.csr_der, first.csr_der);
        assert_eq!(again.private_key_pem, first.private_key_pem);
        let other = prepare(folder.path(), &token(2)).unwrap();
        assert_ne!(other.private_key_pem, first.private_key_pem);
        fs::write(path(folder.path()), b"\xff\xfe").unwrap();
        let after_damage = prepare(folder.path(), &token(2)).unwrap();
        assert_ne!(after_damage.private_key_pem, other.private_key_pem);
        forget(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
