//! How this board becomes a node: see [`loa_protocol::enrolment`] for the exchange and what it protects.
//!
//! ```text
//! token text ─> pending key and CSR (kept on disk) ─> POST ─> answer checked ─> identity.toml ─> pending removed
//! ```
//!
//! # Invariants
//! - The private key is made here and never leaves the board.
//! - Nothing is kept of an answer of which any part fails its check.
//! - A run that breaks off anywhere can be repeated with the same token: key and CSR are on disk *before* the request
//!   leaves, so a repetition sends the same bytes, which a controller answers again even though the token is used.

mod check;
mod http;
mod pending;

use std::path::{Path, PathBuf};

use loa_protocol::enrolment::{EnrolAnswer, EnrolRequest, EnrolmentError, EnrolmentToken};
use loa_protocol::envelope::Refusal;
use loa_protocol::ids::NodeId;
use loa_protocol::wire::{Wire as _, WireError};

pub use check::CertificateError;
pub(crate) use check::lifetime;
pub use http::HttpError;

use crate::clock::NodeClock;
use crate::durable::{self, FileError};
use crate::identity::{Identity, IdentityError};

/// Why the board was not enrolled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// The token or the answer does not hold.
    #[error(transparent)]
    Protocol(#[from] EnrolmentError),
    /// The board is a node already.
    #[error(
        "this board is enrolled as {node} already; to enrol it anew, run the same command with --again (documents and \
         receipts of another node are then dropped)"
    )]
    Already {
        /// Which node it is.
        node: NodeId,
    },
    /// The controller was not reached, or refused.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The answer is no answer.
    #[error(
        "the controller at {url} answered with something else: check that the address in the token is the controller's"
    )]
    Answer {
        /// Where the request went.
        url: String,
        /// What is wrong with it.
        #[source]
        source: WireError,
    },
    /// The certificate does not hold.
    #[error("the controller's answer is refused, nothing of it was kept")]
    Certificate(#[source] CertificateError),
    /// The key set does not hold.
    #[error("the controller's answer is refused, nothing of it was kept: its key set does not hold")]
    KeySet(#[source] Refusal),
    /// The key pair or the certificate request could not be made.
    #[error("cannot make a key and a certificate request")]
    Key(#[source] rcgen::Error),
    /// Disk trouble.
    #[error(transparent)]
    File(#[from] FileError),
    /// The identity cannot be read or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Enrols the board with a token and keeps the identity in `data_dir`. Blocks; speaks plain HTTP or HTTPS.
///
/// `again` replaces an identity that is there.
///
/// # Errors
/// [`EnrolError`]; what was on disk before is untouched, and the same call may be repeated.
pub fn enrol(data_dir: &Path, token: &str, again: bool, clock: &NodeClock) -> Result<Identity, EnrolError> {
    let token = EnrolmentToken::from_text(token)?;
    match Identity::load(data_dir) {
        Ok(identity) if !again => return Err(EnrolError::Already { node: identity.node }),
        Ok(_)
        | Err(
            IdentityError::NotEnrolled { .. } | IdentityError::Damaged { .. } | IdentityError::Newer { .. },
        ) => {}
        Err(e @ IdentityError::File(_)) => return Err(e.into()),
    }
    durable::private_folder(data_dir)?;
    let pending = pending::prepare(data_dir, &token)?;
    let request = EnrolRequest::new(&token, pending.csr_der.clone(), board_serial());
    let url = format!("{}/api/v1/enrol", token.controller_url.trim_end_matches('/'));
    let answer = http::post(&url, &request.to_cbor())?;
    let answer = EnrolAnswer::from_cbor(&answer).map_err(|source| EnrolError::Answer { url, source })?;
    let enrolment = answer.open(&token)?;
    check::certificate(&enrolment, &token.node_id, &pending.private_key_pem, clock)
        .map_err(EnrolError::Certificate)?;
    loa_protocol::envelope::open_key_set(&enrolment.key_set, &enrolment.root, &enrolment.tenant, clock.now())
        .map_err(EnrolError::KeySet)?;
    let identity = Identity {
        tenant: enrolment.tenant,
        node: token.node_id,
        path: enrolment.path,
        root: enrolment.root,
        broker_host: enrolment.broker_host,
        broker_port: enrolment.broker_port,
        broker_name: enrolment.broker_name,
        ca_pem: enrolment.ca_pem,
        certificate_chain_pem: enrolment.certificate_chain_pem,
        private_key_pem: pending.private_key_pem,
        key_set: enrolment.key_set,
    };
    identity.save(data_dir)?;
    pending::forget(data_dir)?;
    Ok(identity)
}

/// The maker's serial number, where the board tells one.
fn board_serial() -> Option<String> {
    let places = ["/proc/device-tree/serial-number", "/sys/class/dmi/id/product_serial"];
    places.iter().find_map(|place| usable_serial(&std::fs::read_to_string(PathBuf::from(place)).ok()?))
}

fn usable_serial(text: &str) -> Option<String> {
    let serial = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let usable = (1..=128).contains(&serial.len()) && serial.bytes().all(|b| b.is_ascii_graphic());
    usable.then(|| serial.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_serial_that_the_protocol_carries_is_told() {
        assert_eq!(usable_serial("10000000a5b6c7d8\0"), Some("10000000a5b6c7d8".to_owned()));
        assert_eq!(usable_serial("To Be Filled By O.E.M.\n"), None);
        assert_eq!(usable_serial("\0"), None);
        assert_eq!(usable_serial(&"x".repeat(129)), None);
    }
}
