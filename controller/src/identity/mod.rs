//! Who is who: the installation's own certificate authority and the controller's half of enrolment.
//!
//! **Why an own CA.** A node proves itself to the broker by a TLS client certificate whose common name is its id; no
//! public CA gives those out, and a village on a private network has no public names. The CA key lives in the
//! controller's data folder, readable by its user alone, and is never printed.
//!
//! **Why ECDSA P-256** and not Ed25519, which the signed documents use: other makers' boards do TLS with mbedTLS or a
//! secure element (ATECC608 and its like), and those know P-256 only. Both TLS libraries in this process, *ring* in
//! our code and *aws-lc-rs* inside the embedded broker, verify it. Nodes may bring P-256, P-384 or Ed25519 keys.
//!
//! **Why every certificate begins on 2020-01-01.** A board without a battery-backed clock boots in 1970, or at the date
//! of its firmware image, and must reach the broker *before* it can learn the time. A certificate that begins at its
//! issue would lock it out. Nothing is lost: the beginning protects from nobody, since only this CA issues, and it
//! issues only when a person made a token. The end still limits a lost key, and revocation does not wait for
//! it: the broker asks [`crate::broker::AccessPolicy`] at each connect, or reads the list of revoked certificates.
//!
//! **Invariants.** Time is an argument. The subject in a CSR is never used. A CSR that is not signed by its own key is
//! refused, or somebody could have another board's public key certified under his own id. No serial repeats: 127 random
//! bits.

mod authority;
mod broker_files;
mod device_seal;
mod enrolment;
mod error;
mod files;

pub use authority::{Authority, BROKER_NAME, BrokerCertificate, NodeCertificate};
pub use broker_files::{AUTHORITY_FILE, BrokerFiles, CERTIFICATE_FILE, KEY_FILE, REVOKED_FILE};
pub use device_seal::{SealError, check_seal};
pub use enrolment::{EnrolmentRefused, IssuedToken, TokenRecord, check_request, issue_token};
pub use error::IdentityError;

#[cfg(test)]
mod tests;
