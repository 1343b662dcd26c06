//! The controller's half of an enrolment: issuing a token, and judging a request.
//!
//! What the store keeps of a token is a [`TokenRecord`]: never the secret. Marking it used, together with the
//! certificate's fingerprint, is one transaction of the store.

use ed25519_dalek::VerifyingKey;
use loa_protocol::enrolment::{EnrolRequest, EnrolmentError, EnrolmentSecret, EnrolmentToken};
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;

use super::IdentityError;

/// What the store keeps of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The node that the token is for.
    pub node_id: NodeId,
    /// Ed25519 public key of the token's secret.
    pub verifier: [u8; 32],
    /// Refused from this instant on; seconds since 1970-01-01T00:00:00Z.
    pub expires_unix_s: i64,
    /// The one board that may use it, where staff said which.
    pub serial: Option<String>,
}

/// A token as issued: the text for the board, and the record for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// To be shown once, as [`EnrolmentToken::to_text`], and forgotten.
    pub token: EnrolmentToken,
    /// To be stored.
    pub record: TokenRecord,
}

/// Draws a secret and makes the token of a node.
///
/// # Errors
/// [`IdentityError::Random`].
pub fn issue_token(
    controller_url: &str,
    node_id: &NodeId,
    serial: Option<&str>,
    root: &VerifyingKey,
    expires_unix_s: i64,
) -> Result<IssuedToken, IdentityError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(IdentityError::Random)?;
    let secret = EnrolmentSecret::from_random(&seed);
    let record = TokenRecord {
        node_id: node_id.clone(),
        verifier: secret.verifier(),
        expires_unix_s,
        serial: serial.map(str::to_owned),
    };
    let token = EnrolmentToken {
        controller_url: controller_url.to_owned(),
        secret,
        root_key_sha256: EnrolmentToken::pin(root),
        node_id: node_id.clone(),
        expires_unix_s,
    };
    Ok(IssuedToken { token, record })
}

/// Why a request to enrol is refused. The asker learns no more than "refused"; staff read this in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolmentRefused {
    /// The request names another node than the token.
    #[error("the token is for node {expected}, the request is for {asked}")]
    OtherNode {
        /// The token's node.
        expected: NodeId,
        /// The request's node.
        asked: NodeId,
    },
    /// Too late.
    #[error("the token of node {0} has expired; make a new one")]
    Expired(NodeId),
    /// The token is bound to another board.
    #[error("the token of node {0} is bound to another board's serial number")]
    OtherBoard(NodeId),
    /// The signature does not hold.
    #[error("the request for node {node} is not proven by its token")]
    NotProven {
        /// The node asked for.
        node: NodeId,
        /// What does not hold.
        #[source]
        source: EnrolmentError,
    },
}

/// Judges a request against the stored token. Whether the token was used already is the store's to say.
///
/// # Errors
/// [`EnrolmentRefused`]. The proof is checked first, so that nobody without the secret learns anything of the rest.
pub fn check_request(
    request: &EnrolRequest,
    record: &TokenRecord,
    now: UnixMs,
) -> Result<(), EnrolmentRefused> {
    let node = || request.node_id.clone();
    request
        .verify(&record.verifier)
        .map_err(|source| EnrolmentRefused::NotProven { node: node(), source })?;
    if request.node_id != record.node_id {
        return Err(EnrolmentRefused::OtherNode { expected: record.node_id.clone(), asked: node() });
    }
    if now.seconds() >= record.expires_unix_s {
        return Err(EnrolmentRefused::Expired(node()));
    }
    if record.serial.is_some() && record.serial != request.serial {
        return Err(EnrolmentRefused::OtherBoard(node()));
    }
    Ok(())
}
