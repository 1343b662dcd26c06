//! The token: one line of text that staff carry to the board.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::EnrolmentError;
use crate::ids::NodeId;
use crate::wire::{Wire, WireError, require, sha256};

/// What a token text begins with; the digit is the version of what follows.
pub const TOKEN_PREFIX: &str = "loa1.";

/// Longest token text that is looked at, in characters.
const TOKEN_MAX_CHARS: usize = 2048;

/// Bytes of SHA-256 that end the text, so that a line cut in copying is told from a wrong one.
const CHECK_BYTES: usize = 4;

/// Longest controller address, in bytes.
const URL_MAX_BYTES: usize = 512;

/// The secret of one token: the seed of an Ed25519 key. Never printed, erased when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentSecret(SigningKey);

impl EnrolmentSecret {
    /// Takes 32 bytes that the caller drew from the system's random source.
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// What the controller stores instead of the secret: the Ed25519 public key.
    pub fn verifier(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.0
    }
}

impl fmt::Debug for EnrolmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentSecret(..)")
    }
}

impl<C> Encode<C> for EnrolmentSecret {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(self.0.as_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for EnrolmentSecret {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <&[u8; 32]>::try_from(d.bytes()?)
            .map(Self::from_random)
            .map_err(|_| minicbor::decode::Error::message("a secret has 32 bytes"))
    }
}

/// What a board must know to enrol: where, as whom, with which secret, and whom to believe.
///
/// As text: `loa1.` and the base64url (RFC 4648, no padding) of the CBOR map followed by the first four bytes
/// of its SHA-256. About 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolmentToken {
    /// Base address of the controller, `http://…` or `https://…`, at most 512 bytes.
    #[n(0)]
    pub controller_url: String,
    /// The single-use secret.
    #[n(1)]
    pub secret: EnrolmentSecret,
    /// SHA-256 of the root's Ed25519 public key (its 32 bytes).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub root_key_sha256: [u8; 32],
    /// The node that the board becomes.
    #[n(3)]
    pub node_id: NodeId,
    /// The token is refused from this instant on; seconds since 1970-01-01T00:00:00Z. The controller decides: a board's
    /// clock may be wrong.
    #[n(4)]
    pub expires_unix_s: i64,
}

impl EnrolmentToken {
    /// The pin of a root key.
    pub fn pin(root: &VerifyingKey) -> [u8; 32] {
        sha256(root.as_bytes())
    }

    /// The text that staff carry to the board. It is a secret.
    pub fn to_text(&self) -> String {
        let mut bytes = self.to_cbor();
        let check = sha256(&bytes);
        bytes.extend_from_slice(&check[..CHECK_BYTES]);
        format!("{TOKEN_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// Reads a text. White space anywhere in it is ignored: lines get wrapped in letters and terminals.
    ///
    /// # Errors
    /// [`EnrolmentError::NotAToken`], [`EnrolmentError::Damaged`], or [`EnrolmentError::Wire`].
    pub fn from_text(text: &str) -> Result<Self, EnrolmentError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).take(TOKEN_MAX_CHARS + 1).collect();
        let body = text.strip_prefix(TOKEN_PREFIX).ok_or(EnrolmentError::NotAToken)?;
        if text.len() > TOKEN_MAX_CHARS {
            return Err(EnrolmentError::Damaged("too long"));
        }
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| {
            EnrolmentError::Damaged("a character that does not belong, or an end that is missing")
        })?;
        let Some((cbor, check)) = bytes.split_last_chunk::<CHECK_BYTES>() else {
            return Err(EnrolmentError::Damaged("too short"));
        };
        if sha256(cbor)[..CHECK_BYTES] != *check {
            return Err(EnrolmentError::Damaged("its check bytes differ"));
        }
        Ok(Self::from_cbor(cbor)?)
    }
}

impl Wire for EnrolmentToken {
    fn check(&self) -> Result<(), WireError> {
        let host = self
            .controller_url
            .strip_prefix("https://")
            .or_else(|| self.controller_url.strip_prefix("http://"));
        require(
            host.is_some_and(|h| !h.is_empty() && !h.starts_with('/')),
            "controller_url",
            "begins with http:// or https:// and names a host",
        )?;
        require(self.controller_url.len() <= URL_MAX_BYTES, "controller_url", "at most 512 bytes")?;
        require(
            self.controller_url.chars().all(|c| c.is_ascii_graphic()),
            "controller_url",
            "printable ASCII",
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> EnrolmentToken {
        EnrolmentToken {
            controller_url: "http://10.20.0.5:8080".to_owned(),
            secret: EnrolmentSecret::from_random(&[7; 32]),
            root_key_sha256: [9; 32],
            node_id: NodeId::new("n-da-dong-1").unwrap(),
            expires_unix_s: 1_893_456_000,
        }
    }

    /// The text that version 1 gives for ever.
    const GOLDEN: &str = "loa1.pQB1aHR0cDovLzEwLjIwLjAuNTo4MDgwAVggBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcCWCAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQNrbi1kYS1kb25nLTEEGnDb2IDpf3rc";

    #[test]
    fn the_text_is_the_golden_one_and_comes_back() {
        assert_eq!(token().to_text(), GOLDEN);
        assert_eq!(EnrolmentToken::from_text(GOLDEN).unwrap(), token());
    }

    #[test]
    fn wrapped_lines_and_blanks_are_forgiven() {
        let text = token().to_text();
        let (a, b) = text.split_at(60);
        assert_eq!(EnrolmentToken::from_text(&format!("  {a}\r\n   {b}\n")).unwrap(), token());
    }

    #[test]
    fn a_cut_or_changed_text_says_what_to_do() {
        let text = token().to_text();
        for wrong in [&text[..text.len() - 4], &text[..20], "loa1.", &text.replace("AVgg", "AVgh")] {
            let error = EnrolmentToken::from_text(wrong).unwrap_err();
            assert!(matches!(error, EnrolmentError::Damaged(_)), "{wrong}: {error}");
            assert!(error.to_string().contains("copy the whole line again"));
        }
        for wrong in ["", "loa2.AAAA", "xin chào"] {
            assert_eq!(EnrolmentToken::from_text(wrong), Err(EnrolmentError::NotAToken), "{wrong}");
        }
    }

    #[test]
    fn an_address_without_host_is_refused() {
        for url in ["", "ftp://a", "http://", "http:///x", "http://a b", "https://làng"] {
            let text = EnrolmentToken { controller_url: url.to_owned(), ..token() }.to_text();
            assert!(matches!(EnrolmentToken::from_text(&text), Err(EnrolmentError::Wire(_))), "{url}");
        }
    }

    #[test]
    fn the_secret_is_not_in_the_debug_text() {
        let shown = format!("{:?}", token());
        assert!(shown.contains("EnrolmentSecret(..)"));
        assert!(!shown.contains("7, 7"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC*") {
            let _ = EnrolmentToken::from_text(&text);
            let _ = EnrolmentToken::from_text(&format!("{TOKEN_PREFIX}{text}"));
        }

        #[test]
        fn any_bytes_behind_a_valid_check_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut checked = bytes.clone();
            checked.extend_from_slice(&sha256(&bytes)[..CHECK_BYTES]);
            let _ = EnrolmentToken::from_text(&format!("{TOKEN_PREFIX}{}", BASE64URL_NOPAD.encode(&checked)));
        }

        #[test]
        fn every_token_comes_back(
            secret in any::<[u8; 32]>(), root in any::<[u8; 32]>(), id in "[a-z0-9]{1,64}", expires in any::<i64>(),
        ) {
            let made = EnrolmentToken {
                controller_url: "https://loa.example".to_owned(),
                secret: EnrolmentSecret::from_random(&secret),
                root_key_sha256: root,
                node_id: NodeId::new(id).unwrap(),
                expires_unix_s: expires,
            };
            prop_assert_eq!(EnrolmentToken::from_text(&made.to_text()).unwrap(), made);
        }
    }
}
