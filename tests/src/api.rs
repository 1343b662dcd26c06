//! A person at the JSON API, as a program would be.

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde_json::Value;

/// Somebody who is signed in.
#[derive(Debug)]
pub struct Person {
    http: Client,
    base: String,
    csrf: String,
}

impl Person {
    /// Signs in with a one-time link, as `loa-controller user add` prints it.
    ///
    /// # Errors
    /// When the link is refused.
    pub async fn by_link(link: &str) -> Result<Self> {
        let (base, secret) = link.split_once("/welcome/").context("a sign-in link holds /welcome/")?;
        let http = Client::builder().cookie_store(true).build()?;
        let mut person = Self { http, base: base.to_owned(), csrf: String::new() };
        let me = person.post("/session/link", &serde_json::json!({ "token": secret })).await?;
        person.csrf = text(&me, "/csrf")?;
        Ok(person)
    }

    /// Reads.
    ///
    /// # Errors
    /// When it is refused, with the reason.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// When it is refused, with the reason.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.base));
        if !self.csrf.is_empty() {
            request = request.header("x-csrf-token", &self.csrf);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = answer.status();
        let said = answer.text().await?;
        if !status.is_success() {
            bail!("{method} {path} was refused ({status}): {said}");
        }
        serde_json::from_str(&said).with_context(|| format!("{method} {path} answered {said:?}"))
    }
}

/// A text in an answer, by JSON pointer.
///
/// # Errors
/// When it is not there.
pub fn text(answer: &Value, pointer: &str) -> Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no {pointer}: {answer}"))
}
