//! Boards that come with a token, and those that only pretend to.

use axum::body::Body;
use axum::http::Request;
use ed25519_dalek::VerifyingKey;
use loa_protocol::enrolment::{EnrolRequest, EnrolmentSecret, EnrolmentToken};
use loa_protocol::ids::NodeId;
use loa_protocol::wire::Wire as _;

use super::{Answer, Web, router, state};
use crate::services::story::{Story, node};

/// A commune whose boards can enrol.
async fn web() -> Web {
    let story = Story::new().await;
    let state = state(&story);
    let boards = std::sync::Arc::clone(&state.enrolments).router();
    Web { router: router(state, boards), story }
}

impl Web {
    async fn enrol(&self, body: Vec<u8>) -> Answer {
        let request = Request::post("/api/v1/enrol").header("content-type", "application/cbor");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn token(&self, id: &str) -> EnrolmentToken {
        let state = state(&self.story);
        let token = state.enrolments.issue(&self.story.operator, &node(id)).await.unwrap();
        EnrolmentToken::from_text(&token.text).unwrap()
    }
}

fn csr() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
}

fn request(token: &EnrolmentToken) -> Vec<u8> {
    EnrolRequest::new(token, csr(), None).to_cbor()
}

/// A token that nobody issued.
fn guessed(id: &str) -> EnrolmentToken {
    EnrolmentToken {
        controller_url: "http://loa.example".to_owned(),
        secret: EnrolmentSecret::from_random(&[5; 32]),
        root_key_sha256: EnrolmentToken::pin(&VerifyingKey::default()),
        node_id: NodeId::new(id).unwrap(),
        expires_unix_s: i64::MAX,
    }
}

#[tokio::test]
async fn who_proves_the_token_is_told_what_stands_in_the_way() {
    let web = web().await;
    let token = web.token("cum-1").await;
    let first = request(&token);
    let answer = web.enrol(first.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/cbor"));
    assert_eq!(web.enrol(first).await.bytes, answer.bytes, "its answer was lost: it asks again");
    let used = web.enrol(request(&token)).await;
    assert_eq!(used.problem(), (409, "enrolment.token_used".to_owned()));
    assert!(
        used.json()["detail"].as_str().unwrap().starts_with("Mã đăng ký đã được một thiết bị khác dùng.")
    );

    let late = web.token("cum-2").await;
    web.story.clock.advance(72 * 3_600_000);
    assert_eq!(web.enrol(request(&late)).await.problem(), (410, "enrolment.token_expired".to_owned()));

    let token = web.token("cum-x").await;
    let broken = EnrolRequest::new(&token, b"no request".to_vec(), None).to_cbor();
    assert_eq!(web.enrol(broken).await.problem(), (400, "enrolment.unreadable".to_owned()));
    assert_eq!(web.enrol(request(&token)).await.status.as_u16(), 200, "a broken request used nothing up");
}

/// Unknown node, node without token, used, expired and revoked: without the secret they are all the same.
#[tokio::test]
async fn who_does_not_prove_the_token_learns_nothing() {
    let web = web().await;
    let used = web.token("cum-1").await;
    assert_eq!(web.enrol(request(&used)).await.status.as_u16(), 200);
    web.token("cum-2").await;
    let mut answers = Vec::new();
    for id in ["cum-1", "cum-2", "cum-x", "cum-khong-co"] {
        answers.push(web.enrol(request(&guessed(id))).await);
    }
    web.story.clock.advance(73 * 3_600_000);
    answers.push(web.enrol(request(&guessed("cum-2"))).await);
    web.story.services.nodes.revoke(&web.story.operator, &node("cum-1"), "mất").await.unwrap();
    answers.push(web.enrol(request(&guessed("cum-1"))).await);
    // The board itself: its token is gone with the revocation.
    answers.push(web.enrol(request(&used)).await);
    for answer in &answers {
        assert_eq!(answer.problem(), (403, "enrolment.refused".to_owned()));
        let mut json = answer.json();
        json.as_object_mut().unwrap().remove("instance");
        let mut first = answers[0].json();
        first.as_object_mut().unwrap().remove("instance");
        assert_eq!(json, first);
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let web = web().await;
    for body in [Vec::new(), b"{}".to_vec(), vec![0xa0]] {
        assert_eq!(web.enrol(body).await.problem(), (400, "enrolment.unreadable".to_owned()));
    }
    assert_eq!(web.enrol(vec![0; 40_000]).await.problem(), (413, "request.too_large".to_owned()));
}
