//! COSE_Sign1 bytes: tagged (18), payload attached, nothing in the unprotected header.

use coset::{CoseSign1, CoseSign1Builder, TaggedCborSerializable};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::{Claims, Refusal, memo};
use crate::wire::MESSAGE_MAX_BYTES;

/// Signs a payload; no external additional data.
pub(super) fn sign(claims: &Claims, payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let signed = CoseSign1Builder::new()
        .protected(claims.to_header())
        .payload(payload)
        .create_signature(&[], |bytes| key.sign(bytes).to_bytes().to_vec())
        .build();
    match signed.to_tagged_vec() {
        Ok(bytes) => bytes,
        Err(never) => unreachable!("a header that this module built encodes: {never}"),
    }
}

/// A parsed envelope whose signature has yet to be checked.
#[derive(Clone)]
pub(super) struct Envelope {
    claims: Claims,
    cose: CoseSign1,
}

impl Envelope {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        memo::parsed(bytes, || Self::parse_anew(bytes))
    }

    fn parse_anew(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MESSAGE_MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let cose = CoseSign1::from_tagged_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if !cose.unprotected.is_empty() || cose.payload.is_none() {
            return Err(Refusal::Malformed);
        }
        let claims = Claims::from_header(&cose.protected.header)?;
        Ok(Self { claims, cose })
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks the signature over the bytes as they were received (RFC 9052, 4.4).
    pub(super) fn verify(&self, key: &VerifyingKey) -> Result<(), Refusal> {
        self.cose.verify_signature(&[], |signature, signed_bytes| {
            let signature = Signature::from_slice(signature).map_err(|_| Refusal::BadSignature)?;
            if memo::is_right(key, signed_bytes, &signature) { Ok(()) } else { Err(Refusal::BadSignature) }
        })
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.cose.payload.as_deref().unwrap_or_default()
    }
}
