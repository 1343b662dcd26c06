//! What a broker that stands elsewhere reads: the authority, a certificate of its own, and who is revoked.
//!
//! The folder is handed to the broker's group by whoever installs it; the files in it are readable by that group.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loa_protocol::time::UnixMs;

use super::{Authority, IdentityError, files};
use crate::store::certificates::RevokedCertificate;

/// PEM of the authority that nodes' certificates come from.
pub const AUTHORITY_FILE: &str = "ca.pem";
/// PEM of the broker's certificate.
pub const CERTIFICATE_FILE: &str = "broker.pem";
/// PEM of its key.
pub const KEY_FILE: &str = "broker.key";
/// PEM of the list of revoked certificates.
pub const REVOKED_FILE: &str = "revoked.crl";

/// The folder of an external broker's files.
#[derive(Debug, Clone)]
pub struct BrokerFiles {
    authority: Arc<Authority>,
    folder: PathBuf,
    /// What the list on the disk holds.
    listed: Option<Vec<RevokedCertificate>>,
}

impl BrokerFiles {
    /// Writes the authority and a fresh certificate for a broker at these host names and addresses. The folder is made
    /// where it is missing.
    ///
    /// # Errors
    /// [`IdentityError`]: a folder that cannot be written, a name that no certificate can carry.
    pub fn write(
        authority: Arc<Authority>,
        folder: &Path,
        names: &[String],
        now: UnixMs,
    ) -> Result<Self, IdentityError> {
        let (key_pem, chain_pem, _) = authority.sign_broker(names, now)?;
        std::fs::create_dir_all(folder).map_err(|source| IdentityError::File {
            doing: "create",
            path: folder.to_owned(),
            source,
        })?;
        files::write_for_group(&folder.join(AUTHORITY_FILE), authority.ca_pem())?;
        files::write_for_group(&folder.join(KEY_FILE), &key_pem)?;
        files::write_for_group(&folder.join(CERTIFICATE_FILE), &chain_pem)?;
        Ok(Self { authority, folder: folder.to_owned(), listed: None })
    }

    /// Writes the list of revoked certificates if it is not the one that was written last. Gives whether it was written.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn list(&mut self, revoked: Vec<RevokedCertificate>, now: UnixMs) -> Result<bool, IdentityError> {
        if self.listed.as_ref() == Some(&revoked) {
            return Ok(false);
        }
        let list = self.authority.sign_revocations(&revoked, now)?;
        files::write_for_group(&self.folder.join(REVOKED_FILE), &list)?;
        self.listed = Some(revoked);
        Ok(true)
    }
}
