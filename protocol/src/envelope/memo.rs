//! Signatures that were found right, remembered for a simulator that shows the same bytes to thousands of nodes.
//!
//! Nothing is remembered until [`remember_signatures`] says so, which no node and no controller does: they verify each time.

use std::cell::RefCell;
use std::collections::HashSet;

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Digests of key, signature and signed bytes that went together.
struct Memo {
    right: HashSet<[u8; 32]>,
    most: usize,
}

thread_local! {
    static MEMO: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// From here on, this thread verifies the same signature of the same bytes by the same key only once, and remembers at most
/// `most` of them: 32 bytes each. What is wrong is verified each time.
pub fn remember_signatures(most: usize) {
    MEMO.with_borrow_mut(|memo| *memo = Some(Memo { right: HashSet::new(), most }));
}

/// Whether the signature is right.
pub(super) fn is_right(key: &VerifyingKey, signed_bytes: &[u8], signature: &Signature) -> bool {
    let verify = || key.verify_strict(signed_bytes, signature).is_ok();
    MEMO.with_borrow_mut(|memo| {
        let Some(memo) = memo else { return verify() };
        let mut all = Sha256::new();
        all.update(key.as_bytes());
        all.update(signature.to_bytes());
        all.update(signed_bytes);
        let digest: [u8; 32] = all.finalize().into();
        if memo.right.contains(&digest) {
            return true;
        }
        let is_right = verify();
        if is_right {
            if memo.right.len() >= memo.most {
                memo.right.clear();
            }
            memo.right.insert(digest);
        }
        is_right
    })
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
        };
        check();
        remember_signatures(1);
        for _ in 0..2 {
            check();
            assert!(is_right(&own.verifying_key(), b"another", &own.sign(b"another")));
        }
    }
}
