//! The certificate authority: opened once, it signs nodes and the broker.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use loa_protocol::enrolment::TrustAnchor;
use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::time::UnixMs;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData as _, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};

use super::{IdentityError, files};
use crate::broker::CONTROLLER_NAME;
use crate::store::certificates::RevokedCertificate;

/// The DNS name in every broker certificate: a node checks this name, whatever address it dials.
pub const BROKER_NAME: &str = "loa-broker";

/// Seconds of a year of 365.25 days.
const YEAR_S: i64 = 31_557_600;
/// Longer than any board stands on a pole.
const CA_VALID_S: i64 = 20 * YEAR_S;
/// A lost board is revoked at the broker at once; this only bounds what was forgotten.
const NODE_VALID_S: i64 = 5 * YEAR_S;
/// Made anew at each start, so it only has to outlive the longest run of the controller.
const BROKER_VALID_S: i64 = 5 * YEAR_S;
/// A clock before this (2025-01-01) was never set.
const CLOCK_FLOOR: UnixMs = UnixMs(1_735_689_600_000);
/// Longest CSR looked at, as DER or PEM.
const CSR_MAX_BYTES: usize = 16 * 1024;

const CA_KEY: &str = "ca.key";
const CA_CERTIFICATE: &str = "ca.pem";
const BROKER_KEY: &str = "broker.key";
const BROKER_CHAIN: &str = "broker.pem";

/// The installation's CA, with its key in memory.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate made for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCertificate {
    /// The node's certificate as PEM. The CA's own certificate is not in it: the verifier has that.
    pub chain_pem: String,
    /// SHA-256 of the certificate's DER bytes.
    pub fingerprint: [u8; 32],
    /// The serial number, big-endian.
    pub serial: [u8; 16],
    /// The last instant at which it is accepted.
    pub not_after: UnixMs,
}

/// Where the broker finds what it needs for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerCertificate {
    /// PEM of the broker's certificate.
    pub chain_path: PathBuf,
    /// PEM of its key.
    pub key_path: PathBuf,
    /// PEM of the CA that nodes' certificates come from.
    pub client_ca_path: PathBuf,
    /// The last instant at which nodes accept it.
    pub not_after: UnixMs,
}

impl Authority {
    /// Opens the authority in a folder; makes it there (files mode 0600) when the folder has none.
    ///
    /// # Errors
    /// [`IdentityError`]: unreadable, damaged or half-lost files, a key that others can read, a clock that was never set.
    pub fn open_or_create(folder: &Path, now: UnixMs) -> Result<Self, IdentityError> {
        check_clock(now)?;
        files::ensure_folder(folder)?;
        let (key_path, certificate_path) = (folder.join(CA_KEY), folder.join(CA_CERTIFICATE));
        let key_pem = files::read_key(&key_path)?;
        let certificate_pem = files::read(&certificate_path)?;
        let (key, ca_pem) = match (key_pem, certificate_pem) {
            (Some(key_pem), Some(ca_pem)) => (parse_key(&key_path, &key_pem)?, ca_pem),
            // A power cut between the two writes leaves the key alone: its certificate can be made again, since
            // nothing was signed with it yet.
            (Some(key_pem), None) => {
                create_certificate(parse_key(&key_path, &key_pem)?, &certificate_path, now)?
            }
            (None, None) => {
                let key = generate("CA key")?;
                files::write(&key_path, &key.serialize_pem())?;
                create_certificate(key, &certificate_path, now)?
            }
            (None, Some(_)) => {
                return Err(IdentityError::KeyMissing { certificate: certificate_path, key: key_path });
            }
        };
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, key).map_err(|source| IdentityError::Damaged {
            path: certificate_path,
            what: "certificate",
            source,
        })?;
        let authority = Self { folder: folder.to_owned(), ca_pem, issuer };
        authority.check_pair(now)?;
        Ok(authority)
    }

    /// The CA's certificate, one PEM block: what nodes and broker verify against.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// When the authority's own certificate ends: then every board needs a new one. `None`: it cannot be read.
    pub fn not_after(&self) -> Option<UnixMs> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(self.ca_pem.as_bytes()).ok()?;
        Some(UnixMs::from_seconds(pem.parse_x509().ok()?.validity().not_after.timestamp()))
    }

    /// What the root signs once for this installation, and every enrolment answer carries.
    pub fn trust_anchor(&self, tenant: TenantId) -> TrustAnchor {
        TrustAnchor { tenant, broker_name: BROKER_NAME.to_owned(), ca_pem: self.ca_pem.clone() }
    }

    /// Certifies the key in a CSR (PKCS #10, DER or PEM) as the node's: common name = node id, client authentication
    /// only. Subject, names and extensions that the CSR asks for are ignored.
    ///
    /// # Errors
    /// [`IdentityError::Csr`] when it cannot be read, is not signed by its own key, or has a key other than P-256, P-384
    /// or Ed25519; [`IdentityError::ReservedId`]; [`IdentityError::Clock`].
    pub fn sign_csr(&self, csr: &[u8], node: &NodeId, now: UnixMs) -> Result<NodeCertificate, IdentityError> {
        if node.as_str() == CONTROLLER_NAME {
            return Err(IdentityError::ReservedId(node.to_string()));
        }
        let request = parse_csr(csr)?;
        let mut params = end_entity(node.as_str(), ExtendedKeyUsagePurpose::ClientAuth);
        let (serial, not_after) = validity(&mut params, now, NODE_VALID_S)?;
        let certificate = params
            .signed_by(&request.public_key, &self.issuer)
            .map_err(|source| IdentityError::Make { what: "node certificate", source })?;
        Ok(NodeCertificate {
            chain_pem: certificate.pem(),
            fingerprint: Sha256::digest(certificate.der()).into(),
            serial,
            not_after,
        })
    }

    /// Makes the broker a fresh key and a certificate for [`BROKER_NAME`] and these host names and IP addresses,
    /// and writes both beside the CA. Called at each start, so that it never nears its end and changed
    /// names take effect; nodes notice nothing, for they check CA and name, not the key.
    ///
    /// # Errors
    /// [`IdentityError::BrokerName`] for a name that no certificate can carry; file errors.
    pub fn broker_certificate(
        &self,
        names: &[String],
        now: UnixMs,
    ) -> Result<BrokerCertificate, IdentityError> {
        let (key_pem, chain_pem, not_after) = self.sign_broker(names, now)?;
        let made = BrokerCertificate {
            chain_path: self.folder.join(BROKER_CHAIN),
            key_path: self.folder.join(BROKER_KEY),
            client_ca_path: self.folder.join(CA_CERTIFICATE),
            not_after,
        };
        files::write(&made.key_path, &key_pem)?;
        files::write(&made.chain_path, &chain_pem)?;
        Ok(made)
    }

    /// Makes a key and a certificate for a broker, as PEM, and tells the certificate's end.
    pub(super) fn sign_broker(
        &self,
        names: &[String],
        now: UnixMs,
    ) -> Result<(String, String, UnixMs), IdentityError> {
        for name in names {
            CertificateParams::new(vec![name.clone()])
                .map_err(|source| IdentityError::BrokerName { name: name.clone(), source })?;
        }
        let key = generate("broker key")?;
        let all = std::iter::once(BROKER_NAME.to_owned()).chain(names.iter().cloned()).collect::<Vec<_>>();
        let named = CertificateParams::new(all)
            .map_err(|source| IdentityError::Make { what: "broker certificate", source })?;
        let mut params = end_entity(BROKER_NAME, ExtendedKeyUsagePurpose::ServerAuth);
        params.subject_alt_names = named.subject_alt_names;
        let (_, not_after) = validity(&mut params, now, BROKER_VALID_S)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|source| IdentityError::Make { what: "broker certificate", source })?;
        Ok((key.serialize_pem(), certificate.pem(), not_after))
    }

    /// The list of revoked certificates, signed, as PEM. Its numbers rise with the clock.
    ///
    /// It is renewed when it changes and at each start, and says that it holds for as long as the CA does: a verifier
    /// refuses *everybody* when its list is over, and a controller that is off for long must not silence a commune.
    pub(super) fn sign_revocations(
        &self,
        revoked: &[RevokedCertificate],
        now: UnixMs,
    ) -> Result<String, IdentityError> {
        check_clock(now)?;
        let date = |at: UnixMs| date_time_ymd(1970, 1, 1) + Duration::from_secs(at.seconds().unsigned_abs());
        let entry = |revoked: &RevokedCertificate| {
            let serial = HEXLOWER.decode(revoked.serial.as_bytes()).ok()?;
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&serial),
                revocation_time: date(revoked.revoked),
                reason_code: None,
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            this_update: date(now),
            next_update: date(UnixMs::from_seconds(now.seconds().saturating_add(CA_VALID_S))),
            crl_number: SerialNumber::from(now.0.unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().filter_map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer)
            .and_then(|list| list.pem())
            .map_err(|source| IdentityError::Make { what: "list of revoked certificates", source })
    }

    /// Signs a probe and verifies it as the broker would: key and certificate are a pair, and the CA is in force.
    fn check_pair(&self, now: UnixMs) -> Result<(), IdentityError> {
        let mut params = end_entity("probe", ExtendedKeyUsagePurpose::ClientAuth);
        validity(&mut params, now, YEAR_S)?;
        let probe = params
            .signed_by(&generate("probe key")?, &self.issuer)
            .map_err(|source| IdentityError::Make { what: "probe certificate", source })?;
        self.verify_client(probe.der(), now)
            .map_err(|source| IdentityError::NotAPair { folder: self.folder.clone(), source })
    }

    fn verify_client(&self, certificate: &CertificateDer<'_>, now: UnixMs) -> Result<(), rustls::Error> {
        let ca = CertificateDer::from_pem_slice(self.ca_pem.as_bytes())
            .map_err(|e| rustls::Error::General(format!("the CA certificate cannot be read: {e}")))?;
        let mut roots = RootCertStore::empty();
        roots.add(ca)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| rustls::Error::General(e.to_string()))?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.seconds().unsigned_abs()));
        verifier.verify_client_cert(certificate, &[], now).map(|_| ())
    }
}

fn check_clock(now: UnixMs) -> Result<(), IdentityError> {
    if now < CLOCK_FLOOR { Err(IdentityError::Clock { now }) } else { Ok(()) }
}

fn generate(what: &'static str) -> Result<KeyPair, IdentityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|source| IdentityError::Make { what, source })
}

fn parse_key(path: &Path, pem: &str) -> Result<KeyPair, IdentityError> {
    KeyPair::from_pem(pem).map_err(|source| IdentityError::Damaged {
        path: path.to_owned(),
        what: "key",
        source,
    })
}

fn create_certificate(key: KeyPair, path: &Path, now: UnixMs) -> Result<(KeyPair, String), IdentityError> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (serial, _) = validity(&mut params, now, CA_VALID_S)?;
    // Two installations must not have CAs of one name: a verifier picks the issuer by name.
    let tag = serial.iter().take(4).map(|b| format!("{b:02x}")).collect::<String>();
    params.distinguished_name = common_name(&format!("Loa Lang CA {tag}"));
    let certificate =
        params.self_signed(&key).map_err(|source| IdentityError::Make { what: "CA certificate", source })?;
    let pem = certificate.pem();
    files::write(path, &pem)?;
    Ok((key, pem))
}

fn end_entity(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sets both ends of the validity and a random serial number; returns the serial and the end.
fn validity(
    params: &mut CertificateParams,
    now: UnixMs,
    valid_s: i64,
) -> Result<([u8; 16], UnixMs), IdentityError> {
    check_clock(now)?;
    let not_after_s = now.seconds().saturating_add(valid_s);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(not_after_s.unsigned_abs());
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(IdentityError::Random)?;
    // RFC 5280, 4.1.2.2: positive, and not 0. The top bits 01 keep it so and the length fixed.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok((serial, UnixMs::from_seconds(not_after_s)))
}

pub(super) fn parse_csr(csr: &[u8]) -> Result<CertificateSigningRequestParams, IdentityError> {
    let refused = |reason, source| IdentityError::Csr { reason, source };
    if csr.len() > CSR_MAX_BYTES {
        return Err(refused("it is longer than 16 KiB", None));
    }
    // `from_der` and `from_pem` check the CSR's signature by the key in it.
    let parsed = if csr.starts_with(b"-----BEGIN") {
        let text = std::str::from_utf8(csr).map_err(|_| refused("its PEM is not text", None))?;
        CertificateSigningRequestParams::from_pem(text)
    } else {
        CertificateSigningRequestParams::from_der(&csr.into())
    };
    let request =
        parsed.map_err(|e| refused("it cannot be read, or is not signed by the key in it", Some(e)))?;

    // The library takes the kind of key from the signature's algorithm; the length shows that the key is of that kind.
    let (kind, length) = (request.public_key.algorithm(), request.public_key.der_bytes().len());
    let accepted = [(&PKCS_ECDSA_P256_SHA256, 65), (&PKCS_ECDSA_P384_SHA384, 97), (&PKCS_ED25519, 32)];
    if !accepted.iter().any(|(k, l)| *k == kind && *l == length) {
        return Err(refused("its key is not ECDSA P-256, ECDSA P-384 or Ed25519", None));
    }
    Ok(request)
}
