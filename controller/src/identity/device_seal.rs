//! Whether a batch of receipts was signed by the board that enrolled.

use data_encoding::HEXLOWER;
use loa_protocol::receipt::Seal;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why a seal proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Somebody else's certificate, or one that this node had before.
    #[error("the certificate is not the one that this node was given")]
    OtherCertificate,
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// The signature does not fit, or is of a kind that boards do not use.
    #[error("the signature does not fit what was sent")]
    WrongSignature,
}

/// Checks a seal over a head ([`Seal::head`]) against the certificate whose SHA-256 (lower-case hex) was noted at enrolment.
///
/// # Errors
/// [`SealError`] says why it proves nothing.
pub fn check_seal(seal: &Seal, head: &[u8], fingerprint: &str) -> Result<(), SealError> {
    if HEXLOWER.encode(&Sha256::digest(&seal.certificate)) != fingerprint {
        return Err(SealError::OtherCertificate);
    }
    let (_, certificate) = X509Certificate::from_der(&seal.certificate).map_err(|_| SealError::Unreadable)?;
    let key = &certificate.public_key().subject_public_key.data;
    // The key is pinned, so it does not matter which kind the signature says it is: only the right one fits.
    let kinds = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
    let fits = kinds.iter().any(|kind| kind.verify_signature(key, head, &seal.signature).is_ok());
    if fits { Ok(()) } else { Err(SealError::WrongSignature) }
}
