//! Whether the certificate in an answer is ours: from the pinned CA, for our key, with our name.

use std::sync::Arc;
use std::time::Duration;

use loa_protocol::enrolment::Enrolment;
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::clock::NodeClock;

/// Why a certificate does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not PEM.
    #[error("a certificate in it is not PEM")]
    Pem(#[from] pem::Error),
    /// There is none.
    #[error("it holds no certificate")]
    Missing,
    /// The CA cannot be used.
    #[error("its CA certificate cannot be used")]
    Ca(#[source] rustls::Error),
    /// The verifier for the CA cannot be made.
    #[error("its CA certificate cannot be used")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Not from the CA, or not valid.
    #[error("its certificate is not one of its CA, or is not valid")]
    Chain(#[source] rustls::Error),
    /// For another key.
    #[error("its certificate is not for the key of this board")]
    Key(#[source] rustls::Error),
    /// Not X.509.
    #[error("its certificate is not X.509")]
    Unreadable,
    /// For another node.
    #[error("its certificate is for {found:?}, not for {expected}")]
    Name {
        /// Common name in it.
        found: String,
        /// The node that the token is for.
        expected: NodeId,
    },
}

/// Checks the certificate, and takes its issue time for past: the CA signed it.
pub(super) fn certificate(
    enrolment: &Enrolment,
    node: &NodeId,
    private_key_pem: &str,
    clock: &NodeClock,
) -> Result<(), CertificateError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(enrolment.certificate_chain_pem.as_bytes())
            .collect::<Result<_, _>>()?;
    let (own, intermediates) = chain.split_first().ok_or(CertificateError::Missing)?;
    let (issued, _) = lifetime_of(own)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(enrolment.ca_pem.as_bytes()) {
        roots.add(ca?).map_err(CertificateError::Ca)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    // A board with a dead clock would hold its own certificate for one of the future.
    let seconds = u64::try_from(clock.now().max(issued).seconds()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier.verify_client_cert(own, intermediates, now).map_err(CertificateError::Chain)?;
    let key = PrivateKeyDer::from_pem_slice(private_key_pem.as_bytes())?;
    CertifiedKey::from_der(chain.clone(), key, &provider).map_err(CertificateError::Key)?;
    let found = common_name(own)?;
    if found != node.as_str() {
        return Err(CertificateError::Name { found, expected: node.clone() });
    }
    clock.raise_floor(issued);
    Ok(())
}

/// When the first certificate of a chain that was checked when it was taken was issued, and when it is over.
///
/// # Errors
/// [`CertificateError`].
pub(crate) fn lifetime(certificate_chain_pem: &str) -> Result<(UnixMs, UnixMs), CertificateError> {
    lifetime_of(&CertificateDer::from_pem_slice(certificate_chain_pem.as_bytes())?)
}

fn lifetime_of(certificate: &CertificateDer<'_>) -> Result<(UnixMs, UnixMs), CertificateError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::Unreadable)?;
    let validity = parsed.validity();
    let at = |seconds| UnixMs::from_seconds(seconds);
    Ok((at(validity.not_before.timestamp()), at(validity.not_after.timestamp())))
}

fn common_name(certificate: &CertificateDer<'_>) -> Result<String, CertificateError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::Unreadable)?;
    let names: Vec<&str> =
        parsed.subject().iter_common_name().map(|name| name.as_str().unwrap_or_default()).collect();
    Ok(names.join(","))
}
