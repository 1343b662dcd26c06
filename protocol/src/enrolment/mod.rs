//! How a board that knows nobody becomes a node.
//!
//! ```text
//! staff        controller                                   node
//!   │ add node ──> draws a secret, stores its verifier
//!   │ <── token text ─────────── carried by hand ───────────> │ makes its TLS key and a CSR
//!                 <── EnrolRequest, signed by the secret ──── │ POST, plain HTTP is good enough
//!                 checks the verifier, signs the CSR, marks the token used
//!                 ── EnrolAnswer ───────────────────────────> │ checks the pinned root, then keeps all of it
//! ```
//!
//! What protects whom, with the whole exchange readable and writable by whoever sits on the line:
//! - **The secret never crosses the line.** The 32 random bytes in the token are the seed of an Ed25519 key, and the
//!   request is signed by it, CSR included. A listener learns nothing to enrol with, and a man in the middle
//!   cannot put his own key in place of the node's. The controller stores the public half only (the *verifier*), so
//!   a stolen database cannot enrol anybody.
//! - **The answer is authenticated by the root key**, whose SHA-256 the token carries. The root signs one
//!   [`TrustAnchor`] (tenant, broker name, CA certificate) when an installation is set up, and so it can stay offline
//!   while nodes enrol. Whoever cannot produce that signature cannot make a node trust another broker or another CA.
//! - Broker host and port are *not* signed: a false one leads to a server that cannot show a certificate of the CA for
//!   the broker name. The certificate chain is not signed either: the node checks that it is from that CA, for its own
//!   key and its own id.
//!
//! What it does not protect: a man in the middle can deny the enrolment, or answer with an older, still
//! root-signed key set. The node gets the latest one on its first connection, from `loa/1/{tenant}/keys`, and keeps
//! the higher version.
//!
//! **Invariants.** No clock, no randomness, no I/O: the caller draws the secret and compares the expiry. A request that
//! is sent again (the answer was lost) has the same bytes, because the signature is deterministic: a controller may
//! answer a used token again when the CSR is the same, and must refuse it when it is another.

mod answer;
mod request;
mod token;

pub use answer::{EnrolAnswer, Enrolment, SignedTrustAnchor, TrustAnchor};
pub use request::EnrolRequest;
pub use token::{EnrolmentSecret, EnrolmentToken, TOKEN_PREFIX};

use crate::wire::WireError;

/// Why a token, a request or an answer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// The text is not a token of this version.
    #[error(
        "an enrolment token begins with {TOKEN_PREFIX:?}; copy the whole line that the controller showed"
    )]
    NotAToken,
    /// The text was cut short or changed on its way.
    #[error("the enrolment token is damaged ({0}); copy the whole line again")]
    Damaged(&'static str),
    /// The bytes inside are not the message that was expected.
    #[error("the enrolment message cannot be read")]
    Wire(#[from] WireError),
    /// The request was not signed with the secret of the token.
    #[error(
        "the request is not signed with this token's secret: the token is another one, or the request was changed"
    )]
    WrongSecret,
    /// The verifier is not an Ed25519 public key.
    #[error("the stored verifier is not a public key; the record of this token is damaged: make a new token")]
    BadVerifier,
    /// The answer names a root key that is not the pinned one.
    #[error("the answer comes from another installation: its root key is not the one that the token pins")]
    WrongRoot,
    /// The root's signature over the trust anchor does not hold.
    #[error("the answer is not signed by the root key: refused, nothing of it was kept")]
    BadSignature,
}
