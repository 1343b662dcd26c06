//! What surrounds every request, and what never leaves the server.

use serde_json::json;

use super::{Browser, Web};
use crate::domain::role::Role;
use crate::http::CONTENT_SECURITY_POLICY;

#[tokio::test]
async fn every_answer_is_guarded_and_numbered() {
    let web = Web::new().await;
    for path in ["/session", "/openapi.json", "/nothing"] {
        let answer = web.get(&Browser::default(), path).await;
        assert_eq!(answer.header("content-security-policy"), CONTENT_SECURITY_POLICY);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
    let answer = web.get(&Browser::default(), "/session").await;
    let id = answer.header("x-request-id").to_owned();
    assert_eq!(answer.json()["instance"], json!(format!("urn:loa:request:{id}")));
}

#[tokio::test]
async fn the_inside_of_a_failure_stays_inside() {
    let web = Web::new().await;
    let lan = web.browser(&web.story.person("lan", Role::Author, "da-don").await).await;
    web.story.services.store().close().await;
    let answer = web.get(&lan, "/bulletins").await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
    let text = String::from_utf8(answer.bytes).unwrap().to_lowercase();
    for word in ["database", "pool", "sql", "closed"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn a_panic_costs_its_request_alone() {
    let web = Web::new().await;
    let routes = axum::Router::new().route("/panics", axum::routing::get(panics));
    let router = crate::http::router(super::state(&web.story), routes);
    let request = axum::http::Request::get("/panics").body(axum::body::Body::empty()).unwrap();
    let answer = Web { story: web.story, router }.send(request).await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
    assert!(!String::from_utf8(answer.bytes).unwrap().contains("secret"));
}

async fn panics() {
    let words = String::from("a secret");
    assert!(words.is_empty(), "{words}");
}
