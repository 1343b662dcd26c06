//! Certificates are judged by the verifiers that the broker and the nodes use, not by looking at them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ed25519_dalek::SigningKey;
use loa_protocol::enrolment::{EnrolRequest, EnrolmentToken};
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use proptest::prelude::*;
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;

use super::*;

/// 2026-11-20T00:00:00Z
const NOW: UnixMs = UnixMs(1_795_132_800_000);
const YEAR_MS: i64 = 31_557_600_000;

fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

fn authority() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open_or_create(&folder.path().join("ca"), NOW).unwrap();
    (folder, authority)
}

fn csr(kind: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
    let key = KeyPair::generate_for(kind).unwrap();
    CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
}

fn roots(authority: &Authority) -> Arc<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

fn at(now: UnixMs) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now.seconds().unsigned_abs()))
}

fn verify_client(authority: &Authority, pem: &str, now: UnixMs) -> Result<(), rustls::Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority), ring).build().unwrap();
    let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    verifier.verify_client_cert(&leaf, &[], at(now)).map(|_| ())
}

fn verify_server(authority: &Authority, pem: &str, name: &str, now: UnixMs) -> Result<(), rustls::Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(roots(authority), ring).build().unwrap();
    let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&leaf, &[], &name, &[], at(now)).map(|_| ())
}

#[test]
fn a_node_certificate_verifies_for_clients_only_and_for_five_years() {
    let (_folder, authority) = authority();
    for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let made = authority.sign_csr(&csr(kind), &node("n-1"), NOW).unwrap();
        verify_client(&authority, &made.chain_pem, NOW).unwrap();
        // A board whose clock stands at the date of its firmware image.
        verify_client(&authority, &made.chain_pem, NOW - 6 * YEAR_MS).unwrap();
        verify_client(&authority, &made.chain_pem, made.not_after).unwrap();
        verify_client(&authority, &made.chain_pem, made.not_after + 1000).unwrap_err();
        verify_server(&authority, &made.chain_pem, "n-1", NOW).unwrap_err();
    }
}

#[test]
fn the_subject_asked_for_is_ignored_and_the_record_matches_the_certificate() {
    let (_folder, authority) = authority();
    let key = KeyPair::generate().unwrap();
    let mut asked = CertificateParams::new(vec!["n-other".to_owned()]).unwrap();
    asked.distinguished_name.push(DnType::CommonName, "controller");
    asked.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = asked.serialize_request(&key).unwrap();

    let made = authority.sign_csr(request.der(), &node("n-1"), NOW).unwrap();
    let der = CertificateDer::from_pem_slice(made.chain_pem.as_bytes()).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=n-1");
    assert!(!parsed.is_ca());
    assert!(parsed.subject_alternative_name().unwrap().is_none());
    assert_eq!(parsed.public_key().subject_public_key.data.as_ref(), key.public_key_raw());
    assert_eq!(parsed.serial.to_bytes_be(), made.serial);
    assert_eq!(parsed.validity().not_after.timestamp(), made.not_after.seconds());
    assert_eq!(made.fingerprint, <[u8; 32]>::from(Sha256::digest(&der)));

    let again = authority.sign_csr(request.pem().unwrap().as_bytes(), &node("n-1"), NOW).unwrap();
    assert_ne!(again.serial, made.serial);
}

/// Where the signed part of a CSR lies: the first element of its outer sequence (RFC 2986, 4.2).
fn signed_part(csr: &[u8]) -> std::ops::Range<usize> {
    let header = |at: usize| match csr[at + 1] {
        short @ ..=0x7f => (2, usize::from(short)),
        0x80 | 0x81 => (3, usize::from(csr[at + 2])),
        _ => (4, usize::from(u16::from_be_bytes([csr[at + 2], csr[at + 3]]))),
    };
    let (outer, _) = header(0);
    let (inner, length) = header(outer);
    outer..outer + inner + length
}

#[test]
fn a_tampered_csr_is_refused() {
    let (_folder, authority) = authority();
    for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let good = csr(kind);
        authority.sign_csr(&good, &node("n-1"), NOW).unwrap();
        // Behind the signed part stand the algorithm's name and the signature; the last bytes are the signature's.
        for i in signed_part(&good).chain(good.len() - 60..good.len()) {
            let mut bad = good.clone();
            bad[i] ^= 1;
            let error = authority.sign_csr(&bad, &node("n-1"), NOW).expect_err(&format!("byte {i}"));
            assert!(matches!(error, IdentityError::Csr { .. }), "byte {i}: {error:?}");
        }
    }
}

#[test]
fn a_csr_with_the_key_of_somebody_else_is_refused() {
    let (_folder, authority) = authority();
    let (own, victim) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let request = CertificateParams::default().serialize_request(&own).unwrap().der().to_vec();
    let at = request.windows(65).position(|w| w == own.public_key_raw()).unwrap();
    let mut stolen = request;
    stolen[at..at + 65].copy_from_slice(victim.public_key_raw());
    let error = authority.sign_csr(&stolen, &node("n-1"), NOW).unwrap_err();
    assert!(matches!(error, IdentityError::Csr { .. }), "{error:?}");
}

#[test]
fn an_rsa_key_is_refused() {
    let (_folder, authority) = authority();
    let error = authority.sign_csr(include_bytes!("testdata/rsa-2048.csr"), &node("n-1"), NOW).unwrap_err();
    assert!(matches!(error, IdentityError::Csr { reason, .. } if reason.contains("P-256")), "{error:?}");
}

#[test]
fn the_controllers_own_name_is_not_given_to_a_node() {
    let (_folder, authority) = authority();
    let error = authority.sign_csr(&csr(&PKCS_ED25519), &node("controller"), NOW).unwrap_err();
    assert!(matches!(error, IdentityError::ReservedId(_)), "{error:?}");
}

#[test]
fn the_authority_survives_a_restart_and_its_files_are_private() {
    let (folder, authority) = authority();
    let dir = folder.path().join("ca");
    let made = authority.sign_csr(&csr(&PKCS_ED25519), &node("n-1"), NOW).unwrap();
    let broker = authority.broker_certificate(&[], NOW).unwrap();
    let again = Authority::open_or_create(&dir, NOW + YEAR_MS).unwrap();
    assert_eq!(again.ca_pem(), authority.ca_pem());
    verify_client(&again, &made.chain_pem, NOW).unwrap();
    for path in [&dir.join("ca.key"), &broker.key_path] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    let key = fs::read_to_string(dir.join("ca.key")).unwrap();
    let body = key.lines().nth(1).unwrap();
    assert!(!format!("{again:?}").contains(body));
}

#[test]
fn lost_swapped_and_readable_keys_are_told_apart() {
    let (folder, _first) = authority();
    let dir = folder.path().join("ca");
    let open = || Authority::open_or_create(&dir, NOW).unwrap_err();

    fs::set_permissions(dir.join("ca.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = open();
    assert!(matches!(error, IdentityError::KeyReadable { mode: 0o644, .. }), "{error:?}");
    assert!(error.to_string().contains("chmod 600"), "{error}");

    let (other, _second) = authority();
    fs::copy(other.path().join("ca/ca.key"), dir.join("ca.key")).unwrap();
    fs::set_permissions(dir.join("ca.key"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open(), IdentityError::NotAPair { .. }));

    fs::write(dir.join("ca.key"), "not a key").unwrap();
    assert!(matches!(open(), IdentityError::Damaged { what: "key", .. }));

    fs::remove_file(dir.join("ca.key")).unwrap();
    assert!(matches!(open(), IdentityError::KeyMissing { .. }));
}

#[test]
fn a_key_without_certificate_is_finished_after_a_power_cut() {
    let (folder, _authority) = authority();
    let dir = folder.path().join("ca");
    fs::remove_file(dir.join("ca.pem")).unwrap();
    let again = Authority::open_or_create(&dir, NOW).unwrap();
    let made = again.sign_csr(&csr(&PKCS_ED25519), &node("n-1"), NOW).unwrap();
    verify_client(&again, &made.chain_pem, NOW).unwrap();
}

#[test]
fn a_clock_that_was_never_set_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Authority::open_or_create(folder.path(), UnixMs(3_600_000)).unwrap_err();
    assert!(matches!(error, IdentityError::Clock { .. }), "{error:?}");
    assert!(error.to_string().contains("1970"), "{error}");
}

#[test]
fn the_broker_certificate_carries_its_fixed_name_and_the_configured_ones() {
    let (_folder, authority) = authority();
    let names = ["loa.lamdong.example".to_owned(), "10.1.2.3".to_owned(), "::1".to_owned()];
    let made = authority.broker_certificate(&names, NOW).unwrap();
    let pem = fs::read_to_string(&made.chain_path).unwrap();
    for name in ["loa-broker", "loa.lamdong.example", "10.1.2.3", "::1"] {
        verify_server(&authority, &pem, name, NOW).unwrap();
    }
    verify_server(&authority, &pem, "elsewhere.example", NOW).unwrap_err();
    verify_client(&authority, &pem, NOW).unwrap_err();

    let error = authority.broker_certificate(&["làng".to_owned()], NOW).unwrap_err();
    assert!(matches!(&error, IdentityError::BrokerName { name, .. } if name == "làng"), "{error:?}");
}

#[test]
fn a_certificate_of_another_authority_does_not_verify() {
    let (_a, ours) = authority();
    let (_b, theirs) = authority();
    let made = theirs.sign_csr(&csr(&PKCS_ED25519), &node("n-1"), NOW).unwrap();
    verify_client(&ours, &made.chain_pem, NOW).unwrap_err();
}

#[test]
fn a_token_enrols_its_own_node_its_own_board_and_in_time() {
    let root = SigningKey::from_bytes(&[5; 32]).verifying_key();
    let expires = NOW.seconds() + 3600;
    let issued = issue_token("http://10.0.0.1:8080", &node("n-1"), Some("SN-1"), &root, expires).unwrap();
    let token = EnrolmentToken::from_text(&issued.token.to_text()).unwrap();
    let record = &issued.record;
    let request = |serial: &str| EnrolRequest::new(&token, vec![1], Some(serial.to_owned()));

    assert_eq!(check_request(&request("SN-1"), record, NOW), Ok(()));
    assert_eq!(check_request(&request("SN-2"), record, NOW), Err(EnrolmentRefused::OtherBoard(node("n-1"))));
    let late = NOW + 3_600_000;
    assert_eq!(check_request(&request("SN-1"), record, late), Err(EnrolmentRefused::Expired(node("n-1"))));

    let other = issue_token("http://10.0.0.1:8080", &node("n-2"), None, &root, expires).unwrap();
    let foreign = EnrolRequest::new(&other.token, vec![1], None);
    assert!(matches!(check_request(&foreign, record, NOW), Err(EnrolmentRefused::NotProven { .. })));
    assert_ne!(other.record.verifier, record.verifier);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_as_csr_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parse_csr_for_test(&bytes).is_err());
        let pem = [b"-----BEGIN CERTIFICATE REQUEST-----\n".as_slice(), &bytes].concat();
        prop_assert!(parse_csr_for_test(&pem).is_err());
    }
}

fn parse_csr_for_test(bytes: &[u8]) -> Result<(), IdentityError> {
    authority::parse_csr(bytes).map(|_| ())
}
