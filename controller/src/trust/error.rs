//! What can be wrong with the keys.

use std::path::PathBuf;

use loa_protocol::envelope::Refusal;
use loa_protocol::wire::WireError;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file or folder cannot be read or written.
    #[error("the key file {path} cannot be used; check that it exists and belongs to this user", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others can read a secret.
    #[error("others can read {path}: run `chmod 600 {path}`, and replace the key if that machine has other users", path = path.display())]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// Not a key.
    #[error("{path} holds no Ed25519 key; restore it from the backup", path = path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be decoded.
    #[error("{path} is damaged; restore it from the backup", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: WireError,
    },
    /// The key set is not this root's for this tenant.
    #[error("{path} does not fit this installation ({refusal}): was the tenant changed, or the folder mixed with another?", path = path.display())]
    Statement {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        refusal: Refusal,
    },
    /// The trust anchor is not this root's, or names another CA.
    #[error("{path} does not fit this installation's authority: was one of the folders restored without the other?", path = path.display())]
    Anchor {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers, so no key can be made")]
    Random(#[source] getrandom::Error),
}
