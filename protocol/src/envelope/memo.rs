//! Envelopes that were parsed and signatures that were found right, remembered for a simulator that shows the same bytes to thousands
//! of nodes.
//!
//! Nothing is remembered until [`remember`] says so, which no node and no controller does: they verify each time.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::Refusal;
use super::cose::Envelope;

/// A SHA-256, or the bytes of a key.
pub(super) type Sha = [u8; 32];

/// What a thread remembers.
#[derive(Default)]
struct Memo {
    /// By the digest of the bytes.
    envelopes: HashMap<Sha, Rc<Envelope>>,
    /// Which envelope's signature is right, by which key.
    right: HashSet<(Sha, Sha)>,
    /// By its bytes.
    keys: HashMap<Sha, Option<VerifyingKey>>,
    /// How many of each.
    most: usize,
}

thread_local! {
    static MEMO: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// From here on, this thread parses the same envelope, and verifies the same envelope by the same key, only once. It remembers at
/// most `most` of each. What is wrong is looked at each time.
pub fn remember(most: usize) {
    MEMO.with_borrow_mut(|memo| *memo = Some(Memo { most, ..Memo::default() }));
}

/// Verifies an envelope by a key. `id` is that with which it was [parsed].
pub(super) fn verified(
    id: Option<Sha>,
    key: &VerifyingKey,
    verify: impl FnOnce() -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    MEMO.with_borrow_mut(|memo| {
        let Some((Memo { right, most, .. }, id)) = memo.as_mut().zip(id) else { return verify() };
        let both = (id, key.to_bytes());
        if right.contains(&both) {
            return Ok(());
        }
        verify()?;
        if right.len() >= *most {
            right.clear();
        }
        right.insert(both);
        Ok(())
    })
}

/// The envelope of these bytes. `parse` gets the digest by which it is remembered, if it is.
pub(super) fn parsed(
    bytes: &[u8],
    parse: impl FnOnce(Option<Sha>) -> Result<Envelope, Refusal>,
) -> Result<Rc<Envelope>, Refusal> {
    MEMO.with_borrow_mut(|memo| {
        let Some(Memo { envelopes, most, .. }) = memo else { return parse(None).map(Rc::new) };
        let digest: Sha = Sha256::digest(bytes).into();
        if let Some(known) = envelopes.get(&digest) {
            return Ok(Rc::clone(known));
        }
        let envelope = Rc::new(parse(Some(digest))?);
        if envelopes.len() >= *most {
            envelopes.clear();
        }
        envelopes.insert(digest, Rc::clone(&envelope));
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

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn what_is_remembered_is_that_envelope_by_that_key() {
        let (own, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let wrong = || Err(Refusal::BadSignature);
        let check = || {
            for id in [[1; 32], [2; 32]] {
                // Right for this key, and for no other; what is wrong is looked at each time.
                assert_eq!(verified(Some(id), &own.verifying_key(), || Ok(())), Ok(()));
                assert_eq!(verified(Some(id), &other.verifying_key(), wrong), wrong());
                assert_eq!(verified(None, &own.verifying_key(), wrong), wrong());
            }
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
        check();
        check();
        assert_eq!(verified(Some([2; 32]), &own.verifying_key(), wrong), Ok(()), "it was right a moment ago");
        assert_eq!(verified(Some([1; 32]), &own.verifying_key(), wrong), wrong(), "there was room for one");
    }
}
