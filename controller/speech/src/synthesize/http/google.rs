//! Google Cloud Text-to-Speech.
//!
//! Source: <https://cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize>: `POST /v1/text:synthesize`, JSON
//! `{input: {text}, voice: {languageCode, name}, audioConfig: {audioEncoding: "LINEAR16", speakingRate 0.25 to 4}}`; the
//! answer is `{audioContent}`, a WAV file in base64. A secret that begins with `ya29.` is an access token of OAuth, any
//! other an API key.

use data_encoding::BASE64;
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::json;

use super::exchange::{Answer, Ask, Read, secret_header};
use super::{Dialect, Line, at};
use crate::secret::Secret;

pub(super) struct Google {
    url: Url,
    header: &'static str,
    secret: HeaderValue,
}

impl Google {
    pub(super) fn new(base: Url, secret: &Secret) -> Result<Self, String> {
        let (header, text) = if secret.reveal().starts_with("ya29.") {
            ("authorization", format!("Bearer {}", secret.reveal()))
        } else {
            ("x-goog-api-key", secret.reveal().to_owned())
        };
        Ok(Self { url: at(&base, "/v1/text:synthesize"), header, secret: secret_header(&text)? })
    }
}

impl Dialect for Google {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        let body = json!({
            "input": { "text": line.text },
            "voice": { "languageCode": language_code(line), "name": line.voice },
            "audioConfig": { "audioEncoding": "LINEAR16", "speakingRate": line.speed.clamp(0.25, 4.0) },
        });
        Ok(Ask::json(self.url.clone(), &body).with(self.header, self.secret.clone()))
    }

    fn read(&self, answer: Answer) -> Read {
        let value = match answer.json() {
            Ok(value) => value,
            Err(read) => return read,
        };
        let Some(content) = value["audioContent"].as_str() else {
            return Read::Unclear("JSON without audioContent".to_owned());
        };
        match BASE64.decode(content.as_bytes()) {
            Ok(bytes) => Read::Audio(bytes),
            Err(_) => Read::Unclear("audioContent that is no base64".to_owned()),
        }
    }
}

/// `vi-VN-Standard-A` speaks `vi-VN`.
fn language_code(line: &Line<'_>) -> String {
    let mut parts = line.voice.split('-');
    match (parts.next(), parts.next()) {
        (Some(language), Some(region)) if region.len() == 2 => format!("{language}-{region}"),
        _ => line.language.to_owned(),
    }
}
