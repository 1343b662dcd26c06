//! Envelopes whose signature was found right, remembered for a simulator that shows the same bytes to thousands of nodes.
//!
//! Nothing is remembered until [`remember`] says so, which no node and no controller does: they verify each time.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::ids::Digest;

type KeyBytes = [u8; 32];

/// The last bytes of an envelope, which are its signature's. They find what is remembered; that all others are the same is looked at.
type Tail = [u8; 32];

/// Documents that are kept as they were decoded: those that go to many at a time.
const DOCUMENTS_MAX: usize = 32;

/// What a thread remembers.
#[derive(Default)]
struct Memo {
    right: HashMap<Tail, Right>,
    /// By the bytes of their envelopes, the latest last.
    documents: VecDeque<Decoded>,
    keys: HashMap<KeyBytes, Option<VerifyingKey>>,
    /// How many envelopes, and how many keys.
    most: usize,
}

/// An envelope's bytes, and the document in it.
type Decoded = (Arc<[u8]>, Rc<dyn Any>);

/// An envelope that is right.
struct Right {
    bytes: Arc<[u8]>,
    by: KeyBytes,
    digest: Digest,
}

thread_local! {
    static MEMO: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// From here on, this thread verifies the signature of the same envelope by the same key only once. It remembers at most `most` of
/// them. What is wrong is looked at each time.
pub fn remember(most: usize) {
    MEMO.with_borrow_mut(|memo| *memo = Some(Memo { most, ..Memo::default() }));
}

/// These bytes for many to hold: where they are remembered, the very ones.
pub fn shared(bytes: &[u8]) -> Arc<[u8]> {
    let known = MEMO.with_borrow(|memo| memo.as_ref()?.find(bytes).map(|right| Arc::clone(&right.bytes)));
    known.unwrap_or_else(|| bytes.into())
}

impl Memo {
    fn find(&self, bytes: &[u8]) -> Option<&Right> {
        self.right.get(tail(bytes)?).filter(|right| *right.bytes == *bytes)
    }
}

fn tail(bytes: &[u8]) -> Option<&Tail> {
    bytes.last_chunk()
}

/// Whether the signature of an envelope is this key's.
pub(super) fn is_right(key: &VerifyingKey, bytes: &[u8], verify: impl FnOnce() -> bool) -> bool {
    let is_known =
        MEMO.with_borrow(|memo| memo.as_ref()?.find(bytes).map(|right| right.by == *key.as_bytes()));
    if is_known == Some(true) {
        return true;
    }
    let is_right = verify();
    MEMO.with_borrow_mut(|memo| {
        if let (true, Some(memo), Some(tail)) = (is_right, memo, tail(bytes)) {
            if memo.right.len() >= memo.most {
                memo.right.clear();
            }
            let right = Right { bytes: bytes.into(), by: *key.as_bytes(), digest: Digest::of(bytes) };
            memo.right.insert(*tail, right);
        }
    });
    is_right
}

/// The digest of an envelope.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    let known = MEMO.with_borrow(|memo| memo.as_ref()?.find(bytes).map(|right| right.digest));
    known.unwrap_or_else(|| Digest::of(bytes))
}

/// The document in an envelope that is right.
pub(super) fn document<T: Clone + 'static, E>(
    bytes: &[u8],
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let known = MEMO.with_borrow(|memo| {
        let mut of_these = memo.as_ref()?.documents.iter().rev().filter(|(of, _)| **of == *bytes);
        of_these.find_map(|(_, document)| document.downcast_ref::<T>().cloned())
    });
    if let Some(document) = known {
        return Ok(document);
    }
    let document = decode()?;
    MEMO.with_borrow_mut(|memo| {
        let Some(memo) = memo else { return };
        let Some(bytes) = memo.find(bytes).map(|right| Arc::clone(&right.bytes)) else { return };
        if memo.documents.len() >= DOCUMENTS_MAX {
            memo.documents.pop_front();
        }
        memo.documents.push_back((bytes, Rc::new(document.clone())));
    });
    Ok(document)
}

/// The key of these bytes.
pub(crate) fn key(bytes: &KeyBytes, parse: impl FnOnce() -> Option<VerifyingKey>) -> Option<VerifyingKey> {
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
    use ed25519_dalek::{Signature, Signer as _, SigningKey};

    use super::*;

    /// Content and signature, one behind the other.
    fn enveloped(content: &[u8], by: &SigningKey) -> Vec<u8> {
        [content, &by.sign(content).to_bytes()].concat()
    }

    fn check(key: &SigningKey, bytes: &[u8]) -> bool {
        let key = key.verifying_key();
        is_right(&key, bytes, || {
            let (content, signature) = bytes.split_at(bytes.len() - 64);
            key.verify_strict(content, &Signature::from_slice(signature).unwrap()).is_ok()
        })
    }

    #[test]
    fn what_is_remembered_is_that_key_and_those_bytes() {
        let (own, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let plan = enveloped(b"the plan", &own);
        // The signature of another content, so that what finds it is the same.
        let plot = [&b"the plot"[..], &plan[8..]].concat();
        let all = || {
            assert!(check(&own, &plan));
            assert!(!check(&other, &plan));
            assert!(!check(&own, &plot));
            assert!(!is_right(&own.verifying_key(), b"short", || false));
            assert_eq!((digest(&plan), digest(&plot)), (Digest::of(&plan), Digest::of(&plot)));
            assert_eq!((&*shared(&plan), &*shared(&plot)), (&plan[..], &plot[..]));
            assert_eq!(document(&plan, || Ok::<_, ()>(7u8)), Ok(7));
            assert_eq!(document(&plot, || Ok::<_, ()>(8u8)), Ok(8));
            assert_eq!(document::<u8, _>(&plot, || Err("unreadable")), Err("unreadable"));
            // Of another type it is another document.
            assert_eq!(document(&plan, || Ok::<_, ()>(9u16)), Ok(9));
            for known in [&own, &other] {
                let bytes = known.verifying_key().to_bytes();
                assert_eq!(
                    key(&bytes, || VerifyingKey::from_bytes(&bytes).ok()),
                    Some(known.verifying_key())
                );
            }
        };
        all();
        assert!(!Arc::ptr_eq(&shared(&plan), &shared(&plan)));
        remember(1);
        for _ in 0..2 {
            all();
            assert!(check(&own, &plan) && is_right(&own.verifying_key(), &plan, || panic!("it is known")));
            assert_eq!(document(&plan, || Err::<u8, _>("it is known")), Ok(7));
            assert!(Arc::ptr_eq(&shared(&plan), &shared(&plan)));
            assert!(check(&other, &enveloped(b"another", &other)));
        }
    }
}
