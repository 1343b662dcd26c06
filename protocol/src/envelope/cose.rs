//! COSE_Sign1 bytes: tagged (18), payload attached, nothing in the unprotected header.

use std::rc::Rc;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, Header, TaggedCborSerializable};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::Decoder;
use minicbor::data::Tag;

use super::memo::{self, Sha};
use super::{Claims, Refusal};
use crate::wire::MESSAGE_MAX_BYTES;

/// The CBOR tag of COSE_Sign1 (RFC 9052, section 4.2).
const SIGN1_TAG: u64 = 18;

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

/// What the protected header says, without a look at the rest.
pub(super) fn claims(bytes: &[u8]) -> Result<Claims, Refusal> {
    let header = || {
        let mut decoder = Decoder::new(bytes);
        let is_ours = decoder.tag()? == Tag::new(SIGN1_TAG) && decoder.array()? == Some(4);
        decoder.bytes().map(|header| is_ours.then_some(header))
    };
    let header: Result<Option<&[u8]>, minicbor::decode::Error> = header();
    let header = header.ok().flatten().ok_or(Refusal::Malformed)?;
    Claims::from_header(&Header::from_slice(header).map_err(|_| Refusal::Malformed)?)
}

/// A parsed envelope whose signature has yet to be checked.
pub(super) struct Envelope {
    claims: Claims,
    cose: CoseSign1,
    /// Digest of its bytes, where envelopes are remembered.
    remembered_as: Option<Sha>,
}

impl Envelope {
    pub(super) fn parse(bytes: &[u8]) -> Result<Rc<Self>, Refusal> {
        memo::parsed(bytes, |remembered_as| Self::parse_anew(bytes, remembered_as))
    }

    fn parse_anew(bytes: &[u8], remembered_as: Option<Sha>) -> Result<Self, Refusal> {
        if bytes.len() > MESSAGE_MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let cose = CoseSign1::from_tagged_slice(bytes).map_err(|_| Refusal::Malformed)?;
        if !cose.unprotected.is_empty() || cose.payload.is_none() {
            return Err(Refusal::Malformed);
        }
        let claims = Claims::from_header(&cose.protected.header)?;
        Ok(Self { claims, cose, remembered_as })
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks the signature over the bytes as they were received (RFC 9052, 4.4).
    pub(super) fn verify(&self, key: &VerifyingKey) -> Result<(), Refusal> {
        memo::verified(self.remembered_as, key, || {
            self.cose.verify_signature(&[], |signature, signed_bytes| {
                let signature = Signature::from_slice(signature).map_err(|_| Refusal::BadSignature)?;
                key.verify_strict(signed_bytes, &signature).map_err(|_| Refusal::BadSignature)
            })
        })
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.cose.payload.as_deref().unwrap_or_default()
    }
}
