//! How a message becomes bytes and comes back.
//!
//! Every message is one CBOR item (RFC 8949) in the core deterministic encoding: shortest heads, definite lengths,
//! map keys ascending. Structures are maps with small integer keys, so that a later version can add a key which an
//! older decoder skips. A decoder accepts exactly one item: bytes behind it are an error, and so is a value out of
//! its range, because what a decoder lets through is later trusted by the code behind it.

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

/// The largest message on any topic, in bytes. A broker must accept packets a little above it.
pub const MESSAGE_MAX_BYTES: usize = 256 * 1024;

/// Why bytes are not the message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than [`MESSAGE_MAX_BYTES`].
    #[error("the message has {0} bytes; at most {MESSAGE_MAX_BYTES} are allowed")]
    TooLong(usize),
    /// Not CBOR, or CBOR of another shape.
    #[error("not a well-formed message: {0}")]
    Malformed(String),
    /// Bytes follow the one item.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// Well-formed, but a value breaks a rule of the protocol.
    #[error("{field}: {rule}")]
    Rule {
        /// The field, in the words of `docs/protocol.md`.
        field: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

/// A message that crosses the wire.
pub trait Wire: Encode<()> + for<'b> Decode<'b, ()> {
    /// Checks the rules that the types alone do not hold. Called after every decode.
    fn check(&self) -> Result<(), WireError> {
        Ok(())
    }

    /// The message's bytes.
    fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match minicbor::encode(self, &mut bytes) {
            Ok(()) => bytes,
            Err(never) => unreachable!("a Vec accepts every write: {never}"),
        }
    }

    /// The message of which these are the bytes.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are too long, malformed, followed by others, or break a rule.
    fn from_cbor(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MESSAGE_MAX_BYTES {
            return Err(WireError::TooLong(bytes.len()));
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let message: Self = decoder.decode().map_err(|e| WireError::Malformed(e.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(WireError::Trailing(bytes.len() - decoder.position()));
        }
        message.check()?;
        Ok(message)
    }
}

/// Fails with the rule when the condition does not hold.
pub(crate) fn require(condition: bool, field: &'static str, rule: &'static str) -> Result<(), WireError> {
    if condition { Ok(()) } else { Err(WireError::Rule { field, rule }) }
}

/// SHA-256 (FIPS 180-4).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
