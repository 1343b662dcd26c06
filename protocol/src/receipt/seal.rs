//! A board's signature under a batch of receipts.
//!
//! A broker, or whoever got into it, can hold receipts back; it cannot change, invent or leave one out of a batch unseen. The key
//! is that of the board's certificate, which the controller pinned when the board enrolled.
//!
//! What is signed is the *head*: `loa-receipts-1`, a zero byte, the node id, a zero byte, the number of receipts (4 bytes,
//! big-endian), and the first 16 bytes of SHA-256 over the digests of all of them, in the batch's order. The digests are of the
//! bytes *as sent*, so a reader that skips keys of a later version checks the same.

use minicbor::{Decode, Decoder, Encode};

use crate::ids::{Digest, NodeId};
use crate::wire::{WireError, require};

const CONTEXT: &[u8] = b"loa-receipts-1\0";
/// Longest certificate, in bytes: those of the authority have some 450.
const CERTIFICATE_MAX_BYTES: usize = 4096;
/// Longest signature, in bytes.
const SIGNATURE_MAX_BYTES: usize = 512;

/// The signature, and who signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// The board's certificate (X.509, DER).
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// The signature by the certificate's key over the head: ECDSA P-256 with SHA-256 or P-384 with SHA-384 (DER, as in X.509), or
    /// Ed25519.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

impl Seal {
    pub(super) fn check(&self) -> Result<(), WireError> {
        let has = |bytes: &[u8], most| (1..=most).contains(&bytes.len());
        require(has(&self.certificate, CERTIFICATE_MAX_BYTES), "certificate", "has 1 to 4096 bytes")?;
        require(has(&self.signature, SIGNATURE_MAX_BYTES), "signature", "has 1 to 512 bytes")
    }

    /// What is signed for receipts of a node with these digests, in the batch's order.
    pub fn head(node: &NodeId, digests: &[Digest]) -> Vec<u8> {
        let all: Vec<u8> = digests.iter().flat_map(|digest| digest.as_bytes()).copied().collect();
        let count = u32::try_from(digests.len()).unwrap_or(u32::MAX);
        [CONTEXT, node.as_str().as_bytes(), b"\0", &count.to_be_bytes(), Digest::of(&all).as_bytes()].concat()
    }
}

/// The digests of a batch's receipts as they were sent, which is what the next receipt and the [`Seal`] mean.
///
/// # Errors
/// [`WireError::Malformed`] where the bytes are no batch.
pub fn receipt_digests(batch: &[u8]) -> Result<Vec<Digest>, WireError> {
    read_digests(batch).map_err(|error| WireError::Malformed(error.to_string()))
}

fn read_digests(batch: &[u8]) -> Result<Vec<Digest>, minicbor::decode::Error> {
    let no_batch = || minicbor::decode::Error::message("no batch of receipts");
    let mut decoder = Decoder::new(batch);
    for _ in 0..decoder.map()?.ok_or_else(no_batch)? {
        if decoder.u64()? != 0 {
            decoder.skip()?;
            continue;
        }
        let count = decoder.array()?.ok_or_else(no_batch)?;
        let mut digests = Vec::new();
        for _ in 0..count {
            let begin = decoder.position();
            decoder.skip()?;
            digests.push(Digest::of(&batch[begin..decoder.position()]));
        }
        return Ok(digests);
    }
    Err(no_batch())
}
