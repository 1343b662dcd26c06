//! A person at the JSON API, as a program would be.

use anyhow::{Context, Result, bail, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// Somebody who is signed in.
#[derive(Debug)]
pub struct Person {
    http: Client,
    base: String,
    csrf: String,
}

/// What the API answered, good or bad.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub kind: String,
    /// What was asked, for messages.
    asked: String,
    said: String,
}

impl Person {
    /// Signs in with a one-time link, as `loa-controller user add` prints it.
    ///
    /// # Errors
    /// When the link is refused.
    pub async fn by_link(link: &str) -> Result<Self> {
        let (base, secret) = link.split_once("/welcome/").context("a sign-in link holds /welcome/")?;
        crate::tls::choose_ring();
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
        self.ask(self.request(Method::GET, path), format!("GET {path}")).await?.good()
    }

    /// Changes something.
    ///
    /// # Errors
    /// When it is refused, with the reason.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.try_post(path, body).await?.good()
    }

    /// Changes something, or is refused.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask(self.request(Method::POST, path).json(body), format!("POST {path}")).await
    }

    /// Puts a recording into a bulletin that was seen as it is, or is refused.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_upload(
        &self,
        bulletin: &Value,
        language: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> Result<Answer> {
        let path = format!("/bulletins/{}/tracks", text(bulletin, "/id")?);
        let form = Form::new()
            .text("seen", text(bulletin, "/seen_words")?)
            .text("language", language.to_owned())
            .part("recording", Part::bytes(bytes).file_name(file_name.to_owned()));
        self.ask(self.request(Method::POST, &path).multipart(form), format!("POST {path}")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        // English words, so that a test can name them; the codes are the same in every language.
        let request = request.header("accept-language", "en");
        if self.csrf.is_empty() { request } else { request.header("x-csrf-token", &self.csrf) }
    }

    async fn ask(&self, request: RequestBuilder, asked: String) -> Result<Answer> {
        let answer = request.send().await.with_context(|| asked.clone())?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        Ok(Answer { status: answer.status().as_u16(), kind, asked, said: answer.text().await? })
    }
}

impl Answer {
    /// What a good answer holds.
    ///
    /// # Errors
    /// That it is a refusal, with its words.
    pub fn good(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("{} was refused ({}): {}", self.asked, self.status, self.said);
        }
        serde_json::from_str(&self.said).with_context(|| format!("{} answered {:?}", self.asked, self.said))
    }

    /// The problem document (RFC 9457) of a refusal.
    ///
    /// # Errors
    /// That it is no refusal, or one in another form.
    pub fn problem(&self) -> Result<Value> {
        ensure!(self.status >= 400, "{} was not refused ({}): {}", self.asked, self.status, self.said);
        ensure!(
            self.kind == "application/problem+json",
            "{} was refused in {:?}: {}",
            self.asked,
            self.kind,
            self.said
        );
        let problem: Value = serde_json::from_str(&self.said)?;
        ensure!(problem["status"] == self.status, "{} says {} in {}", self.asked, self.status, self.said);
        Ok(problem)
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
