//! Random secrets that people and browsers carry. Only their hashes are kept.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};

/// The system's random source failed. Nothing can be made safely then.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed")]
pub struct RandomError(#[source] pub getrandom::Error);

/// A secret of 256 random bits: a session's cookie, a sign-in link.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A fresh secret.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn fresh() -> Result<Self, RandomError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// A secret that came back from outside. Any text: one that was never given out matches nothing.
    pub fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the cookie or the link.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept: SHA-256 in lower-case hex. A slow hash is for passphrases; 256 random bits need none.
    pub fn hash(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()))
    }

    /// The session's token against cross-site requests, made from the session's secret and thus bound to it.
    pub fn csrf(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"loa-csrf-1\0");
        hash.update(self.0.as_bytes());
        BASE64URL_NOPAD.encode(&hash.finalize())
    }

    /// Whether the presented text is this session's token against cross-site requests; takes the same time for any
    /// text of the right length.
    pub fn csrf_matches(&self, presented: &str) -> bool {
        let expected = self.csrf();
        expected.len() == presented.len()
            && expected.bytes().zip(presented.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_do_not_print_and_bind_their_csrf_token() {
        let (a, b) = (Token::fresh().unwrap(), Token::fresh().unwrap());
        assert_ne!(a.reveal(), b.reveal());
        assert_eq!(a.reveal().len(), 43);
        assert!(!format!("{a:?}").contains(a.reveal()));
        assert_eq!(Token::presented(a.reveal()).hash(), a.hash());
        assert!(a.csrf_matches(&a.csrf()));
        for wrong in ["", &b.csrf(), a.reveal(), &a.hash()] {
            assert!(!a.csrf_matches(wrong));
        }
    }
}
