//! The pages as a browser meets them: in process, on a real database, through forms as they stand in the HTML.

mod account;
mod alerts;
mod door;
mod every_page;
mod forms;
mod heard;
mod languages;
mod live;
mod main_job;
mod orders;
mod refused;
mod scoping;
mod tracks;
mod words;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Settings;
use crate::domain::role::Principal;
use crate::http::AppState;
use crate::services::story::{PASSPHRASE, Story};

/// The whole web server of a small commune.
struct Web {
    story: Story,
    state: AppState,
    router: Router,
    stop: CancellationToken,
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl Answer {
    /// The page, which must be there.
    fn page(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.html);
        self
    }

    /// Where a 303 leads.
    fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.html);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The hidden fields of the form that posts to `action`.
    fn form(&self, action: &str) -> Form {
        let start = self.html.find(&format!("action=\"{action}\""));
        let start = start.unwrap_or_else(|| panic!("no form for {action} in {}", self.html));
        let form = &self.html[start..];
        let form = &form[..form.find("</form>").unwrap()];
        let mut fields = Vec::new();
        for input in form.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\"")) {
            let value = |name: &str| {
                let from = input.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
                unescaped(&input[from..from + input[from..].find('"').unwrap()])
            };
            fields.push((value("name"), value("value")));
        }
        Form { action: action.to_owned(), fields }
    }
}

/// A form as it is filled.
#[derive(Debug, Clone)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    fn value(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap().1
    }
}

fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, sign) in [("&#38;", "&"), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">")] {
        text = text.replace(entity, sign);
    }
    text
}

/// A browser with its cookies.
#[derive(Debug, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Web {
    async fn new() -> Self {
        Self::of(Story::new().await)
    }

    fn of(story: Story) -> Self {
        let state = crate::http::tests::state(&story);
        let stop = CancellationToken::new();
        let pages = super::router(state.clone(), Settings::new(&story.config, stop.clone()));
        let router = crate::http::router(state.clone(), pages);
        Self { story, state, router, stop }
    }

    async fn answer(
        &self,
        browser: &mut Browser,
        request: axum::http::request::Builder,
        body: Body,
    ) -> Answer {
        let cookies: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request
            .header(header::COOKIE, cookies.join("; "))
            .header(header::HOST, "loa.example")
            .body(body)
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                browser.cookies.remove(name);
            } else {
                browser.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let html = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, html }
    }

    async fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        self.answer(browser, Request::get(path), Body::empty()).await
    }

    async fn send(&self, browser: &mut Browser, form: &Form) -> Answer {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(&form.fields);
        let request = Request::post(&form.action)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "http://loa.example");
        self.answer(browser, request, Body::from(encoded.finish())).await
    }

    /// Goes where a form led, and gives that page.
    async fn follow(&self, browser: &mut Browser, answer: &Answer) -> Answer {
        self.get(browser, answer.to()).await.page()
    }

    /// The person's browser, signed in by a one-time link and with a passphrase from then on.
    async fn browser(&self, who: &Principal) -> Browser {
        let mut browser = Browser::default();
        let users = &self.story.services.users;
        let link = users.issue_sign_in_link(&self.story.operator, who.user_id().unwrap()).await.unwrap();
        let path = format!("/welcome/{}", link.reveal());
        let page = self.get(&mut browser, &path).await.page();
        let form = page.form(&path).with("passphrase", PASSPHRASE).with("passphrase_again", PASSPHRASE);
        assert_eq!(self.send(&mut browser, &form).await.to(), "/");
        browser
    }
}
