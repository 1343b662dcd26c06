//! FPT.AI version 5.
//!
//! Source: <https://docs.fpt.ai/docs/en/speech/api/text-to-speech>: `POST /hmi/tts/v5`, headers `api_key`, `voice`, `speed`
//! (-3 to 3), `format`; the body is the text itself, 3 to 5,000 characters. The answer is JSON `{async: URL, error: 0,
//! message, request_id}`; the sound appears at that URL after five seconds to two minutes, which is polled (a callback
//! would need an address that the Internet can reach). Clients send the key as `api-key` too.

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::exchange::{Answer, Ask, Read, Stage, secret_header};
use super::{Dialect, Line, at, http_url};
use crate::secret::Secret;

/// Texts below this are refused.
const MIN_CHARS: usize = 3;
/// FPT names no factor for its steps; a tenth is what they sound like.
const SPEED_STEP: f64 = 0.1;

pub(super) struct Fpt {
    url: Url,
    key: HeaderValue,
}

impl Fpt {
    pub(super) fn new(base: Url, secret: &Secret) -> Result<Self, String> {
        Ok(Self { url: at(&base, "/hmi/tts/v5"), key: secret_header(secret.reveal())? })
    }
}

impl Dialect for Fpt {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        let voice = HeaderValue::from_str(line.voice)
            .map_err(|_| "its voice holds a character that no header can carry".to_owned())?;
        let step = ((line.speed - 1.0) / SPEED_STEP).round().clamp(-3.0, 3.0) as i16;
        let mut text = line.text.to_owned();
        while text.chars().count() < MIN_CHARS {
            text.push('.');
        }
        Ok(Ask::post(self.url.clone(), text.into_bytes())
            .with("content-type", HeaderValue::from_static("text/plain; charset=utf-8"))
            .with("api_key", self.key.clone())
            .with("api-key", self.key.clone())
            .with("voice", voice)
            .with("speed", HeaderValue::from(step))
            .with("format", HeaderValue::from_static("wav")))
    }

    fn read(&self, answer: Answer) -> Read {
        if answer.stage == Stage::Download {
            return if answer.body.is_empty() { Read::Wait } else { Read::Audio(answer.body) };
        }
        let value = match answer.json() {
            Ok(value) => value,
            Err(read) => return read,
        };
        let message = value["message"].as_str().unwrap_or_default();
        let error = &value["error"];
        if error.as_i64() != Some(0) && error.as_str() != Some("0") {
            return Read::Declined { code: error.to_string(), message: message.to_owned() };
        }
        match value["async"].as_str().and_then(http_url) {
            Some(url) => Read::Then(Box::new(Ask::download(url))),
            None => Read::Unclear("no http(s) address where the sound would be".to_owned()),
        }
    }

    /// The store behind the address knows nothing of a sound that is still being made.
    fn unusual(&self, _line: &Line<'_>, asked: &Ask, status: u16) -> Option<Read> {
        (asked.stage() == Stage::Download && matches!(status, 202 | 204 | 403 | 404)).then_some(Read::Wait)
    }
}
