//! TLS settings of a link: CA, client identity, and a clock with a floor.
//!
//! A board whose clock battery died wakes up in 1970. To it, every certificate of the broker lies in the future, so it
//! cannot connect, so it never learns the time. The clock that checks certificates is therefore never earlier than a
//! *floor*: the newest moment that the caller knows to be past (build time, last persisted time, issue time of the last
//! accepted signed document). A floor only ever makes the check later, so it can refuse a certificate that expired
//! before the floor, and can never revive one. It does not help a clock that runs ahead.
//!
//! rustls asks a [`TimeProvider`] for the time of every certificate check, so the standard verifier stays in place and
//! nothing "dangerous" is overridden.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::Resumption;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// TLS of one link.
#[derive(Clone)]
pub struct TlsOptions {
    /// Trust, identity and versions; see [`client_config`].
    pub config: Arc<ClientConfig>,
    /// The name or IP address that the broker's certificate must carry.
    pub server_name: ServerName<'static>,
}

impl TlsOptions {
    /// TLS towards `server`, a DNS name or an IP address in text form.
    pub fn new(config: Arc<ClientConfig>, server: &str) -> Result<Self, TlsSetupError> {
        let server_name = ServerName::try_from(server.to_owned())
            .map_err(|source| TlsSetupError::ServerName { name: server.to_owned(), source })?;
        Ok(Self { config, server_name })
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsOptions").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Who the client is: certificate chain (own certificate first) and private key, both PEM.
#[derive(Clone, Copy)]
pub struct ClientIdentity<'a> {
    /// One or more `CERTIFICATE` blocks.
    pub chain_pem: &'a [u8],
    /// One `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY` block.
    pub key_pem: &'a [u8],
}

/// Why a TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The CA certificates are not valid PEM.
    #[error("cannot read the CA certificates: they must be PEM with at least one CERTIFICATE block")]
    TrustPem(#[source] pem::Error),
    /// There is no CA certificate, so that no broker could be trusted.
    #[error("the CA file holds no certificate; give the CA that signed the broker's certificate")]
    NoTrust,
    /// A CA certificate cannot be used as a trust anchor.
    #[error("a CA certificate cannot be used as a trust anchor")]
    TrustAnchor(#[source] rustls::Error),
    /// The client's certificate chain is not valid PEM.
    #[error(
        "cannot read the client certificate chain: it must be PEM with CERTIFICATE blocks, own certificate first"
    )]
    ChainPem(#[source] pem::Error),
    /// The client's private key is not valid PEM.
    #[error("cannot read the client's private key: it must be PEM (PKCS#8, SEC1 or PKCS#1), not encrypted")]
    KeyPem(#[source] pem::Error),
    /// Certificate and key do not fit, or the key's kind is not supported.
    #[error("the client certificate and its private key cannot be used together")]
    Identity(#[source] rustls::Error),
    /// The crypto provider does not offer TLS 1.2 and 1.3.
    #[error("the crypto provider does not offer TLS 1.2 and 1.3")]
    Versions(#[source] rustls::Error),
    /// Not a DNS name or IP address.
    #[error(
        "{name:?} is neither a DNS name nor an IP address, so the broker's certificate cannot be checked against it"
    )]
    ServerName {
        /// What was given.
        name: String,
        /// Why it is not a name.
        #[source]
        source: rustls_pki_types::InvalidDnsNameError,
    },
}

/// Makes the TLS configuration of a client: TLS 1.2 and 1.3 by ring, trusting exactly the CAs in `ca_pem`, certificates
/// checked at the time that `clock` gives.
///
/// No system trust store is used: a broker of this product is signed by the controller's own CA or by the one given.
pub fn client_config(
    ca_pem: &[u8],
    identity: Option<ClientIdentity<'_>>,
    clock: FlooredClock,
) -> Result<Arc<ClientConfig>, TlsSetupError> {
    let mut trust = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        let certificate = certificate.map_err(TlsSetupError::TrustPem)?;
        trust.add(certificate).map_err(TlsSetupError::TrustAnchor)?;
    }
    if trust.is_empty() {
        return Err(TlsSetupError::NoTrust);
    }

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(clock))
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Versions)?
        .with_root_certificates(trust);

    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.chain_pem)
                .collect::<Result<Vec<_>, _>>()
                .map_err(TlsSetupError::ChainPem)?;
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem).map_err(TlsSetupError::KeyPem)?;
            builder.with_client_auth_cert(chain, key).map_err(TlsSetupError::Identity)?
        }
    };
    // A link talks to one broker. The default cache of 256 servers would only cost memory, once for each simulated node.
    config.resumption = Resumption::in_memory_sessions(8);
    Ok(Arc::new(config))
}

/// The clock by which certificates are judged: the later of the wall clock and a floor. See the module's top.
#[derive(Clone)]
pub struct FlooredClock {
    floor_unix_s: Arc<AtomicI64>,
    wall_unix_s: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl FlooredClock {
    /// The system's clock with a floor in seconds since 1970. The caller keeps a clone of the `Arc` and raises it.
    pub fn system(floor_unix_s: Arc<AtomicI64>) -> Self {
        Self::with_wall(floor_unix_s, system_unix_s)
    }

    /// Any wall clock (seconds since 1970) with a floor: for simulated boards and tests.
    pub fn with_wall(floor_unix_s: Arc<AtomicI64>, wall: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { floor_unix_s, wall_unix_s: Arc::new(wall) }
    }

    /// Seconds since 1970, never before the floor and never negative.
    pub fn now_unix_s(&self) -> u64 {
        let now = (self.wall_unix_s)().max(self.floor_unix_s.load(Ordering::Relaxed));
        u64::try_from(now).unwrap_or(0)
    }
}

impl fmt::Debug for FlooredClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FlooredClock")
            .field("floor_unix_s", &self.floor_unix_s)
            .finish_non_exhaustive()
    }
}

impl TimeProvider for FlooredClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.now_unix_s())))
    }
}

/// The system's wall clock; 0 where it stands before 1970.
fn system_unix_s() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since_epoch| i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_later_of_wall_and_floor() {
        let floor = Arc::new(AtomicI64::new(1_700_000_000));
        let wall = Arc::new(AtomicI64::new(0));
        let wall_of_clock = Arc::clone(&wall);
        let clock =
            FlooredClock::with_wall(Arc::clone(&floor), move || wall_of_clock.load(Ordering::Relaxed));

        assert_eq!(clock.now_unix_s(), 1_700_000_000);
        floor.store(1_800_000_000, Ordering::Relaxed);
        assert_eq!(clock.now_unix_s(), 1_800_000_000);
        wall.store(1_900_000_000, Ordering::Relaxed);
        assert_eq!(clock.now_unix_s(), 1_900_000_000);
    }

    #[test]
    fn a_clock_before_1970_reads_zero() {
        let clock = FlooredClock::with_wall(Arc::new(AtomicI64::new(-5)), || -86_400);
        assert_eq!(clock.now_unix_s(), 0);
    }

    #[test]
    fn an_empty_trust_is_refused() {
        let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
        assert!(matches!(client_config(b"", None, clock), Err(TlsSetupError::NoTrust)));
    }

    #[test]
    fn a_name_that_is_no_name_is_refused() {
        let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
        let key = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap();
        let config = client_config(key.cert.pem().as_bytes(), None, clock).unwrap();
        let error = TlsOptions::new(config, "not a name").unwrap_err();
        assert!(matches!(error, TlsSetupError::ServerName { ref name, .. } if name == "not a name"));
    }
}
