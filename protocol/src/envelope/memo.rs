//! Envelopes that were parsed and signatures that were found right, remembered for a simulator that shows the same bytes to thousands
//! of nodes.
//!
//! Nothing is remembered until [`remember`] says so, which no node and no controller does: they verify each time.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Refusal;
use super::cose::Envelope;

type Sha = [u8; 32];

/// What a thread remembers, by digest.
#[derive(Default)]
struct Memo {
    /// Of key, signature and signed bytes that went together.
    right: HashSet<Sha>,
    envelopes: HashMap<Sha, Envelope>,
    /// By its bytes.
    keys: HashMap<Sha, Option<VerifyingKey>>,
    /// How many of each.
    most: usize,
}

thread_local! {
    static MEMO: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// From here on, this thread parses the same envelope, and verifies the same signature of the same bytes by the same key, only once.
/// It remembers at most `most` of each. What is wrong is looked at each time.
pub fn remember(most: usize) {
    MEMO.with_borrow_mut(|memo| *memo = Some(Memo { most, ..Memo::default() }));
}

/// Whether the signature is right.
pub(super) fn is_right(key: &VerifyingKey, signed_bytes: &[u8], signature: &Signature) -> bool {
    let verify = || key.verify_strict(signed_bytes, signature).is_ok();
    MEMO.with_borrow_mut(|memo| {
        let Some(Memo { right, most, .. }) = memo else { return verify() };
        let digest = sha([key.as_bytes().as_slice(), &signature.to_bytes(), signed_bytes]);
        if right.contains(&digest) {
            return true;
        }
        let is_right = verify();
        if is_right {
            if right.len() >= *most {
                right.clear();
            }
            right.insert(digest);
        }
        is_right
    })
}

/// The envelope of these bytes.
pub(super) fn parsed(
    bytes: &[u8],
    parse: impl FnOnce() -> Result<Envelope, Refusal>,
) -> Result<Envelope, Refusal> {
    MEMO.with_borrow_mut(|memo| {
        let Some(Memo { envelopes, most, .. }) = memo else { return parse() };
        let digest = sha([bytes]);
        if let Some(known) = envelopes.get(&digest) {
            return Ok(known.clone());
        }
        let envelope = parse()?;
        if envelopes.len() >= *most {
            envelopes.clear();
        }
        envelopes.insert(digest, envelope.clone());
        Ok(envelope)
    })
}

/// The key of these bytes.
pub(crate) fn key(bytes: &Sha, parse: impl FnOnce() -> Option<VerifyingKey>) -> Option<VerifyingKey> {
    MEMO.with_borrow_mut(|memo| {
        let Some(Memo { keys, most, .. }) = memo else { return parse() };
        if keys.len() >= *most {
            keys.clear();
        }
        *keys.entry(*bytes).or_insert_with(parse)
    })
}

fn sha<const N: usize>(parts: [&[u8]; N]) -> Sha {
    let mut all = Sha256::new();
    for part in parts {
        all.update(part);
    }
    all.finalize().into()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    #[test]
    fn what_is_remembered_is_that_key_that_signature_and_those_bytes() {
        let (own, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let signature = own.sign(b"the plan");
        let check = || {
            assert!(is_right(&own.verifying_key(), b"the plan", &signature));
            assert!(!is_right(&other.verifying_key(), b"the plan", &signature));
            assert!(!is_right(&own.verifying_key(), b"the plot", &signature));
            assert!(!is_right(&own.verifying_key(), b"the plan", &own.sign(b"the plot")));
            assert!(matches!(Envelope::parse(b"no envelope"), Err(Refusal::Malformed)));
            for known in [&own, &other] {
                let bytes = known.verifying_key().to_bytes();
                assert_eq!(
                    key(&bytes, || VerifyingKey::from_bytes(&bytes).ok()),
                    Some(known.verifying_key())
                );
            }
        };
        check();
        remember(1);
        for _ in 0..2 {
            check();
            assert!(is_right(&own.verifying_key(), b"another", &own.sign(b"another")));
        }
    }
}
