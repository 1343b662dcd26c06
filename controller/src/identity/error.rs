//! What can go wrong with keys and certificates.

use std::path::PathBuf;

/// Why the authority cannot be opened, or does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file of the authority cannot be read or written.
    #[error("cannot {doing} {}; check that the folder exists, has space and belongs to the controller's user", path.display())]
    File {
        /// What was tried: "read", "write", …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The key can be read by other users of the machine.
    #[error("{} can be read by other users (mode {mode:03o}); whoever has it can make nodes. Run: chmod 600 {}", path.display(), path.display())]
    KeyReadable {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is a CA certificate without its key.
    #[error(
        "{} exists but {} does not: the CA's key is lost. Bring it back from a backup; without it no node can be added, and a new CA means enrolling every node again",
        certificate.display(), key.display()
    )]
    KeyMissing {
        /// The certificate that is there.
        certificate: PathBuf,
        /// The key that is not.
        key: PathBuf,
    },
    /// A file of the authority is not what its name says.
    #[error("{} does not hold a usable {what}; bring it back from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// Key and certificate do not belong together, or the certificate is over.
    #[error(
        "the CA in {} does not verify what it signs: its key and certificate are not a pair, or it has expired. Bring both files back from one backup",
        folder.display()
    )]
    NotAPair {
        /// The authority's folder.
        folder: PathBuf,
        /// What the verifier said.
        #[source]
        source: rustls::Error,
    },
    /// The machine's clock cannot be right.
    #[error(
        "the clock says {now}, before this program was written; set the clock (timedatectl), then start again"
    )]
    Clock {
        /// What the clock says.
        now: loa_protocol::time::UnixMs,
    },
    /// The request for a certificate is refused.
    #[error("the certificate request is refused: {reason}")]
    Csr {
        /// Which rule it breaks.
        reason: &'static str,
        /// What the library said, where it was the one who refused.
        #[source]
        source: Option<rcgen::Error>,
    },
    /// The id is kept for the controller itself.
    #[error("a node cannot be called {0:?}: the controller's own sessions have that name. Choose another id")]
    ReservedId(String),
    /// A name for the broker's certificate is not a host name or an IP address.
    #[error(
        "{name:?} is not a host name or IP address that a certificate can carry; correct it in the configuration"
    )]
    BrokerName {
        /// The name.
        name: String,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// Making a key or a certificate failed.
    #[error("cannot make a {what}")]
    Make {
        /// Key or certificate, and whose.
        what: &'static str,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// The system gives no random numbers.
    #[error("the system's random source failed; nothing can be issued without it")]
    Random(#[source] getrandom::Error),
}
