//! The API as a browser or a program meets it: in process, on a real database.

mod alerts;
mod away;
mod bad_input;
mod description;
mod doubts;
mod enrolling;
mod main_job;
mod preflight;
mod schedule_rules;
mod signing_in;
mod speech_data;
mod surroundings;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{AppState, WebSettings, router};
use crate::dataset::Exports;
use crate::domain::role::Principal;
use crate::enrol::{BrokerAddress, Enrolments};
use crate::identity::Authority;
use crate::services::story::Story;
use crate::trust::Trust;

/// The web server of a small commune.
struct Web {
    story: Story,
    router: Router,
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.bytes)))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}")).to_str().unwrap()
    }

    /// Status and code of a refusal.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["type"], format!("urn:loa:problem:{}", json["code"].as_str().unwrap()));
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned())
    }

    fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }
}

/// A signed-in browser, or one that is not.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Web {
    async fn new() -> Self {
        Self::of(Story::new().await)
    }

    fn of(story: Story) -> Self {
        let router = router(state(&story), Router::new());
        Self { story, router }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    fn request(&self, browser: &Browser, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request =
            Request::builder().method(method.parse::<Method>().unwrap()).uri(format!("/api/v1{path}"));
        if let Some(cookie) = &browser.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = &browser.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        request
    }

    async fn get(&self, browser: &Browser, path: &str) -> Answer {
        self.send(self.request(browser, "GET", path).body(Body::empty()).unwrap()).await
    }

    async fn call(&self, browser: &Browser, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(browser, method, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// The person's browser, signed in by a one-time link.
    async fn browser(&self, who: &Principal) -> Browser {
        let link = self.story.services.users.issue_sign_in_link(&self.story.operator, who.user_id().unwrap());
        let body = serde_json::json!({ "token": link.await.unwrap().reveal() });
        let answer = self.call(&Browser::default(), "POST", "/session/link", body).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let me = answer.ok(201);
        Browser { cookie: Some(cookie), csrf: Some(me["csrf"].as_str().unwrap().to_owned()) }
    }
}

/// What the handlers of a story share.
pub(crate) fn state(story: &Story) -> AppState {
    let now = story.clock.now();
    let authority = Authority::open_or_create(&story.config.data_dir.join("ca"), now).unwrap();
    let anchor = authority.trust_anchor(story.config.tenant.clone());
    let trust = Trust::open_or_create(&story.config.data_dir.join("keys"), &anchor, now).unwrap();
    let base_url = "http://loa.example".to_owned();
    let enrolments = Enrolments {
        nodes: story.services.nodes.clone(),
        clock: story.clock.clone(),
        authority: Arc::new(authority),
        trust: Arc::new(trust),
        base_url: base_url.clone(),
        broker: BrokerAddress { host: "loa.example".to_owned(), port: 8883 },
    };
    AppState {
        services: story.services.clone(),
        exports: Exports::open(story.services.clone(), story.config.data_dir.join("exports")).unwrap(),
        enrolments: Arc::new(enrolments),
        web: Arc::new(WebSettings::new(&story.config.http, &story.config.limits, base_url)),
    }
}
