//! `loa-node enrol` against a controller.

use std::os::unix::fs::PermissionsExt as _;

use ed25519_dalek::SigningKey;
use loa_node::clock::{NodeClock, build_time};
use loa_node::enrol::{EnrolError, enrol};
use loa_node::identity::Identity;
use loa_protocol::area::AreaPath;
use loa_protocol::enrolment::{
    EnrolAnswer, EnrolRequest, EnrolmentSecret, EnrolmentToken, SignedTrustAnchor, TrustAnchor,
};
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::wire::Wire as _;
use loa_test_broker::{Pki, free_port};
use tempfile::TempDir;

use crate::parts::{VILLAGE, key_set, key_set_signed_by, node, root, tenant};
use crate::web::{Reply, Web};

fn token(port: u16, scheme: &str) -> EnrolmentToken {
    EnrolmentToken {
        controller_url: format!("{scheme}://127.0.0.1:{port}/"),
        secret: EnrolmentSecret::from_random(&[5; 32]),
        root_key_sha256: EnrolmentToken::pin(&root().verifying_key()),
        node_id: node(),
        expires_unix_s: i64::MAX,
    }
}

/// What an honest controller answers.
fn answer(pki: &Pki, request: &[u8]) -> EnrolAnswer {
    let request = EnrolRequest::from_cbor(request).unwrap();
    request.verify(&token(1, "http").secret.verifier()).unwrap();
    assert_eq!(request.node_id, node());
    let anchor = TrustAnchor { tenant: tenant(), broker_name: "loa-broker".to_owned(), ca_pem: pki.ca_pem() };
    EnrolAnswer {
        certificate_chain_pem: pki.sign(&request.csr_der, node().as_str()),
        trust_anchor: SignedTrustAnchor::sign(&anchor, &root()),
        root_public_key: root().verifying_key().to_bytes(),
        broker_host: "10.20.0.5".to_owned(),
        broker_port: 8883,
        key_set: key_set(),
        path: Some(village()),
    }
}

fn village() -> AreaPath {
    AreaPath::new(vec![AreaId::new(VILLAGE).unwrap()]).unwrap()
}

fn good(answer: EnrolAnswer) -> Reply {
    Reply::Answer(200, "application/cbor", answer.to_cbor())
}

fn try_enrol(folder: &TempDir, port: u16) -> Result<Identity, EnrolError> {
    let clock = NodeClock::new(build_time());
    enrol(&folder.path().join("data"), &token(port, "http").to_text(), false, &clock)
}

fn files(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join("data")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The error with all of its causes.
fn words(error: &EnrolError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

#[test]
fn a_board_becomes_a_node() {
    for tls in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let ca = Pki::new();
        let ca_pem = ca.ca_pem();
        // The web server's own certificate is nobody's and for another name: it protects nothing, see `enrol::http`.
        let web_pki = Pki::new();
        let web = Web::serve(1, tls.then_some(&web_pki), move |request| good(answer(&ca, request)));
        let clock = NodeClock::new(build_time());
        let scheme = if tls { "https" } else { "http" };
        let data = folder.path().join("data");
        let made = enrol(&data, &token(web.port, scheme).to_text(), false, &clock).unwrap();
        let kept = Identity::load(&data).unwrap();
        assert_eq!((&kept.tenant, &kept.node), (&tenant(), &node()));
        assert_eq!((kept.broker_host.as_str(), kept.broker_port), ("10.20.0.5", 8883));
        assert_eq!((kept.root, kept.ca_pem.clone()), (root().verifying_key(), ca_pem));
        assert_eq!(kept.private_key_pem, made.private_key_pem);
        assert_eq!(kept.path, village(), "it stands where the controller says");
        assert_eq!(files(&folder), ["identity.toml"]);
        let mode = std::fs::metadata(Identity::path(&data)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The key that was made here works with the certificate that was made there.
        let own = loa_link::ClientIdentity {
            chain_pem: kept.certificate_chain_pem.as_bytes(),
            key_pem: kept.private_key_pem.as_bytes(),
        };
        loa_link::client_config(kept.ca_pem.as_bytes(), Some(own), clock.for_tls()).unwrap();

        let again = try_enrol(&folder, web.port).unwrap_err();
        assert!(matches!(&again, EnrolError::Already { node: is } if *is == node()), "{again}");
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_request() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Pki::new();
    let mut calls = 0;
    let web = Web::serve(2, None, move |request| {
        calls += 1;
        if calls == 1 { Reply::Nothing } else { good(answer(&ca, request)) }
    });
    let lost = try_enrol(&folder, web.port).unwrap_err();
    assert!(lost.to_string().contains("run the same command again"), "{lost}");
    assert_eq!(files(&folder), ["enrolment-pending.toml"]);
    try_enrol(&folder, web.port).unwrap();
    assert_eq!(web.bodies.recv().unwrap(), web.bodies.recv().unwrap());
    assert_eq!(files(&folder), ["identity.toml"]);
}

#[test]
fn nothing_is_kept_of_an_answer_that_does_not_hold() {
    type Spoil = fn(EnrolAnswer, &Pki, &[u8]) -> EnrolAnswer;
    let cases: &[(&str, Spoil)] = &[
        ("another installation", |answer, _, _| {
            let other = SigningKey::from_bytes(&[99; 32]);
            EnrolAnswer { root_public_key: other.verifying_key().to_bytes(), ..answer }
        }),
        ("not signed by the root", |mut answer, _, _| {
            answer.trust_anchor.anchor[20] ^= 1;
            answer
        }),
        ("not one of its CA", |answer, _, request| {
            let csr = EnrolRequest::from_cbor(request).unwrap().csr_der;
            EnrolAnswer { certificate_chain_pem: Pki::new().sign(&csr, node().as_str()), ..answer }
        }),
        ("not for the key of this board", |answer, pki, _| EnrolAnswer {
            certificate_chain_pem: pki.issue(node().as_str(), &[]).0,
            ..answer
        }),
        ("\"n-other\", not for n-da-nhim-1", |answer, pki, request| {
            let csr = EnrolRequest::from_cbor(request).unwrap().csr_der;
            EnrolAnswer { certificate_chain_pem: pki.sign(&csr, "n-other"), ..answer }
        }),
        ("key set does not hold", |answer, _, _| EnrolAnswer {
            key_set: key_set_signed_by(&SigningKey::from_bytes(&[98; 32])),
            ..answer
        }),
        ("no certificate", |answer, _, _| EnrolAnswer { certificate_chain_pem: "none".to_owned(), ..answer }),
    ];
    for (expected, spoil) in cases {
        let folder = tempfile::tempdir().unwrap();
        let web = Web::serve(1, None, move |request| {
            let pki = Pki::new();
            let honest = answer(&pki, request);
            good(spoil(honest, &pki, request))
        });
        let error = words(&try_enrol(&folder, web.port).unwrap_err());
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
        assert_eq!(files(&folder), ["enrolment-pending.toml"], "{expected}");
    }
}

#[test]
fn a_refusal_is_said_in_plain_words() {
    let problem = r#"{"type":"about:blank","title":"Mã đã hết hạn","detail":"Mã ghi danh này đã hết hạn."}"#;
    let used = r#"{"type":"about:blank","title":"x","detail":"Mã ghi danh đã được một bo mạch khác dùng."}"#;
    let cases: &[(u16, &str, &[&str])] = &[
        (410, problem, &["Mã ghi danh này đã hết hạn.", "has expired: ask for a new token"]),
        (409, used, &["đã được một bo mạch khác dùng", "used by another board: ask for a new token"]),
        (503, "down", &["run the same command again later"]),
        (200, "<html>", &["answered with something else"]),
    ];
    for (status, body, parts) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (status, body) = (*status, body.as_bytes().to_vec());
        let web =
            Web::serve(1, None, move |_| Reply::Answer(status, "application/problem+json", body.clone()));
        let error = words(&try_enrol(&folder, web.port).unwrap_err());
        for part in *parts {
            assert!(error.contains(part), "{error:?} should contain {part:?}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let error = words(&try_enrol(&folder, free_port()).unwrap_err());
    assert!(
        error.contains("cannot reach the controller") && error.contains("check the board's network"),
        "{error}"
    );
    let clock = NodeClock::new(build_time());
    let error = enrol(folder.path(), "loa1.abc", false, &clock).unwrap_err();
    assert!(error.to_string().contains("copy the whole line again"), "{error}");
}

#[test]
fn a_board_that_was_enrolled_becomes_another_node_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Pki::new();
    let web = Web::serve(2, None, move |request| good(answer(&ca, request)));
    let first = try_enrol(&folder, web.port).unwrap();
    let other = EnrolmentToken { node_id: NodeId::new("n-2").unwrap(), ..token(web.port, "http") };
    let clock = NodeClock::new(build_time());
    let data = folder.path().join("data");
    assert!(matches!(enrol(&data, &other.to_text(), false, &clock), Err(EnrolError::Already { .. })));
    let second = enrol(&data, &token(web.port, "http").to_text(), true, &clock).unwrap();
    assert_ne!(second.private_key_pem, first.private_key_pem, "a new enrolment has a key of its own");
}
