//! The board's own key, with which it signs what it reports: the one of its certificate.

use std::fmt;

use loa_protocol::receipt::Seal;
use rcgen::{KeyPair, SigningKey as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::identity::Identity;

/// Why there is nothing to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceKeyError {
    /// The identity's key cannot be used.
    #[error("the key from the enrolment cannot be used; enrol the board again")]
    Key(#[source] rcgen::Error),
    /// The identity's certificate cannot be read.
    #[error("the certificate from the enrolment cannot be read; enrol the board again")]
    Certificate(#[source] rustls_pki_types::pem::Error),
}

/// The key and the certificate that tells whose it is.
pub struct DeviceKey {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl fmt::Debug for DeviceKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceKey").finish_non_exhaustive()
    }
}

impl DeviceKey {
    /// The key of an enrolled board.
    ///
    /// # Errors
    /// [`DeviceKeyError`] where the identity holds none that can be used.
    pub fn of(identity: &Identity) -> Result<Self, DeviceKeyError> {
        let key = KeyPair::from_pem(&identity.private_key_pem).map_err(DeviceKeyError::Key)?;
        let certificate = CertificateDer::from_pem_slice(identity.certificate_chain_pem.as_bytes())
            .map_err(DeviceKeyError::Certificate)?;
        Ok(Self { key, certificate: certificate.to_vec() })
    }

    /// Signs the head of a batch of receipts; `None` where the system gives no random numbers, without which this kind of
    /// signature would give the key away. The batch then goes unsigned, which the controller tells.
    #[must_use]
    pub fn sign(&self, head: &[u8]) -> Option<Seal> {
        match self.key.sign(head) {
            Ok(signature) => Some(Seal { certificate: self.certificate.clone(), signature }),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "receipts cannot be signed");
                None
            }
        }
    }
}
