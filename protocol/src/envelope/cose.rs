//! COSE_Sign1 bytes (RFC 9052, sections 4.2 and 4.4): tagged (18), payload attached, nothing in the unprotected header.
//!
//! Read in place: of a document of 200 KB nothing is copied before its signature is checked.

use std::convert::Infallible;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, Header, TaggedCborSerializable};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::data::Tag;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};

use super::{Claims, Refusal, memo};
use crate::wire::MESSAGE_MAX_BYTES;

/// The CBOR tag of COSE_Sign1.
const SIGN1_TAG: u64 = 18;

/// Signs a payload; no external additional data.
pub(super) fn sign(claims: &Claims, payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let signed: CoseSign1 = CoseSign1Builder::new()
        .protected(claims.to_header())
        .payload(payload)
        .create_signature(&[], |bytes| key.sign(bytes).to_bytes().to_vec())
        .build();
    match signed.to_tagged_vec() {
        Ok(bytes) => bytes,
        Err(never) => unreachable!("a header that this module built encodes: {never}"),
    }
}

/// An envelope whose signature has yet to be checked.
pub(super) struct Envelope<'a> {
    bytes: &'a [u8],
    claims: Claims,
    /// The protected header as it was received.
    protected: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > MESSAGE_MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let mut decoder = Decoder::new(bytes);
        let (protected, claims) = protected(&mut decoder)?;
        let other_headers = read(decoder.map())?;
        let (payload, signature) = (read(decoder.bytes())?, read(decoder.bytes())?);
        if other_headers != Some(0) || decoder.position() != bytes.len() {
            return Err(Refusal::Malformed);
        }
        Ok(Self { bytes, claims, protected, payload, signature })
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks the signature over the bytes as they were received.
    pub(super) fn verify(&self, key: &VerifyingKey) -> Result<(), Refusal> {
        let is_right = || {
            let signature = Signature::from_slice(self.signature);
            signature.is_ok_and(|signature| key.verify_strict(&self.to_be_signed(), &signature).is_ok())
        };
        if memo::is_right(key, self.bytes, is_right) { Ok(()) } else { Err(Refusal::BadSignature) }
    }

    fn to_be_signed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut encoder = Encoder::new(&mut bytes);
        let mut write = || -> Result<(), EncodeError<Infallible>> {
            encoder.array(4)?.str("Signature1")?.bytes(self.protected)?.bytes(&[])?.bytes(self.payload)?;
            Ok(())
        };
        match write() {
            Ok(()) => bytes,
            Err(never) => unreachable!("a Vec accepts every write: {never}"),
        }
    }

    pub(super) fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// What the protected header says, without a look at the rest.
pub(super) fn claims(bytes: &[u8]) -> Result<Claims, Refusal> {
    protected(&mut Decoder::new(bytes)).map(|(_, claims)| claims)
}

/// Reads up to the protected header.
fn protected<'a>(decoder: &mut Decoder<'a>) -> Result<(&'a [u8], Claims), Refusal> {
    let is_ours = read(decoder.tag())? == Tag::new(SIGN1_TAG) && read(decoder.array())? == Some(4);
    if !is_ours {
        return Err(Refusal::Malformed);
    }
    let bytes = read(decoder.bytes())?;
    let header = Header::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
    Ok((bytes, Claims::from_header(&header)?))
}

fn read<T>(part: Result<T, DecodeError>) -> Result<T, Refusal> {
    part.map_err(|_| Refusal::Malformed)
}
