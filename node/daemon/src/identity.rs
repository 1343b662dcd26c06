//! Who this node is and whom it believes: one file, written once by [`crate::enrol`].
//!
//! Everything is in the same file, so that key, certificate and trust can never be of different enrolments; it is
//! replaced whole or not at all. It holds the private key: only its owner may read it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::VerifyingKey;
use loa_protocol::area::AreaPath;
use loa_protocol::ids::{IdError, NodeId, TenantId};
use serde::{Deserialize, Serialize};

use crate::durable::{self, FileError};
use crate::store::{parse_path, path_text};

/// The file's name in the data folder.
pub const FILE_NAME: &str = "identity.toml";

/// The form of the file that this program writes.
const VERSION: u32 = 1;

/// A node's key and certificate, and the keys and addresses of its installation.
#[derive(Clone)]
pub struct Identity {
    /// The installation.
    pub tenant: TenantId,
    /// This node; also the common name of its certificate and its MQTT client id.
    pub node: NodeId,
    /// Where the node stands until its own document says so; from the enrolment, or [`AreaPath::unplaced`].
    pub path: AreaPath,
    /// The root that signs key sets, pinned by the enrolment token.
    pub root: VerifyingKey,
    /// Host name or IP address of the broker.
    pub broker_host: String,
    /// TCP port of the broker.
    pub broker_port: u16,
    /// The DNS name that the broker's certificate carries.
    pub broker_name: String,
    /// The CA that signs the broker's certificate and this node's.
    pub ca_pem: String,
    /// This node's certificate, then what leads to the CA.
    pub certificate_chain_pem: String,
    /// This node's private key, PKCS #8.
    pub private_key_pem: String,
    /// The key set that was in force at enrolment, in its envelope.
    pub key_set: Vec<u8>,
}

/// Why there is no identity to run with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The board was never enrolled.
    #[error(
        "this board is not enrolled ({} does not exist): add the node on the controller, then run `loa-node enrol TOKEN` \
         here with the token that it shows", path.display()
    )]
    NotEnrolled {
        /// Where the identity would be.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not what this program writes.
    #[error("{} is damaged; enrol the board again with a new token", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program wrote the file.
    #[error(
        "{} was written by a newer loa-node (form {found}, this one reads {VERSION}): install that one again",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
}

impl Identity {
    /// Where a data folder keeps its identity.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE_NAME)
    }

    /// Reads the identity of a data folder.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn load(data_dir: &Path) -> Result<Self, IdentityError> {
        let path = Self::path(data_dir);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(IdentityError::NotEnrolled { path });
            }
            Err(e) => return Err(FileError::new("read", &path)(e).into()),
        };
        let form: Form = toml::from_str(&text)
            .map_err(|e| IdentityError::Damaged { path: path.clone(), source: Box::new(e) })?;
        if form.version > VERSION {
            return Err(IdentityError::Newer { path, found: form.version });
        }
        let stored: Stored = toml::from_str(&text)
            .map_err(|e| IdentityError::Damaged { path: path.clone(), source: Box::new(e) })?;
        stored.try_into().map_err(|source| IdentityError::Damaged { path, source })
    }

    /// Writes the identity of a data folder, durably, in place of an earlier one.
    ///
    /// # Errors
    /// [`IdentityError::File`]; the earlier one is then untouched.
    pub fn save(&self, data_dir: &Path) -> Result<(), IdentityError> {
        let path = Self::path(data_dir);
        let text = toml::to_string_pretty(&Stored::from(self))
            .map_err(|e| IdentityError::Damaged { path: path.clone(), source: Box::new(e) })?;
        Ok(durable::replace_private(&path, text.as_bytes())?)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("tenant", &self.tenant)
            .field("node", &self.node)
            .field("broker_host", &self.broker_host)
            .field("broker_port", &self.broker_port)
            .finish_non_exhaustive()
    }
}

/// What every form of the file has.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    tenant: String,
    node: String,
    /// Areas, widest first, joined by `/`.
    path: String,
    broker_host: String,
    broker_port: u16,
    broker_name: String,
    /// Lower-case hex.
    root_public_key: String,
    /// Base64.
    key_set: String,
    ca_pem: String,
    certificate_chain_pem: String,
    private_key_pem: String,
}

impl From<&Identity> for Stored {
    fn from(identity: &Identity) -> Self {
        Self {
            version: VERSION,
            tenant: identity.tenant.to_string(),
            node: identity.node.to_string(),
            path: path_text(&identity.path),
            broker_host: identity.broker_host.clone(),
            broker_port: identity.broker_port,
            broker_name: identity.broker_name.clone(),
            root_public_key: HEXLOWER.encode(identity.root.as_bytes()),
            key_set: BASE64.encode(&identity.key_set),
            ca_pem: identity.ca_pem.clone(),
            certificate_chain_pem: identity.certificate_chain_pem.clone(),
            private_key_pem: identity.private_key_pem.clone(),
        }
    }
}

impl TryFrom<Stored> for Identity {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let root = HEXLOWER.decode(stored.root_public_key.as_bytes())?;
        let root = <[u8; 32]>::try_from(root).map_err(|_| "root_public_key: not 32 bytes")?;
        let id = |e: IdError| format!("tenant or node: {e}");
        Ok(Self {
            tenant: TenantId::new(stored.tenant).map_err(id)?,
            node: NodeId::new(stored.node).map_err(id)?,
            path: parse_path(&stored.path).ok_or("path: not areas joined by /")?,
            root: VerifyingKey::from_bytes(&root)?,
            broker_host: stored.broker_host,
            broker_port: stored.broker_port,
            broker_name: stored.broker_name,
            ca_pem: stored.ca_pem,
            certificate_chain_pem: stored.certificate_chain_pem,
            private_key_pem: stored.private_key_pem,
            key_set: BASE64.decode(stored.key_set.as_bytes())?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ed25519_dalek::SigningKey;

    use super::*;

    /// A board's identity that serves no connection.
    pub(crate) fn identity(node: &str) -> Identity {
        Identity {
            tenant: TenantId::new("lam-dong").unwrap(),
            node: NodeId::new(node).unwrap(),
            path: AreaPath::unplaced(),
            root: SigningKey::from_bytes(&[3; 32]).verifying_key(),
            broker_host: "10.0.0.1".to_owned(),
            broker_port: 8883,
            broker_name: "loa-broker".to_owned(),
            ca_pem: "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n".to_owned(),
            certificate_chain_pem: "CHAIN".to_owned(),
            private_key_pem: "SECRET".to_owned(),
            key_set: vec![1, 2, 255],
        }
    }

    #[test]
    fn an_identity_comes_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        identity("n-1").save(folder.path()).unwrap();
        let back = Identity::load(folder.path()).unwrap();
        assert_eq!(toml::to_string(&Stored::from(&back)), toml::to_string(&Stored::from(&identity("n-1"))));
        let mode = fs::metadata(Identity::path(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{back:?}").contains("SECRET"));
    }

    #[test]
    fn what_is_wrong_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let problem = |text: Option<&str>| {
            if let Some(text) = text {
                fs::write(Identity::path(folder.path()), text).unwrap();
            }
            Identity::load(folder.path()).unwrap_err().to_string()
        };
        assert!(problem(None).contains("loa-node enrol TOKEN"));
        assert!(problem(Some("version = 2")).contains("newer"));
        assert!(problem(Some("version = 1")).contains("enrol the board again"));
        assert!(problem(Some("\u{0}")).contains("enrol the board again"));
    }
}
