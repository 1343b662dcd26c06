//! Any server with OpenAI's `/v1/audio/speech`.
//!
//! Source: OpenAI's API reference, "Create speech" (<https://platform.openai.com/docs/api-reference/audio/createSpeech>):
//! `POST {base}/v1/audio/speech`, `Authorization: Bearer`, JSON `{model, input (at most 4,096 characters), voice,
//! response_format, speed 0.25 to 4}`; the answer is the sound's bytes. WAV is asked for, whose length the server may leave
//! open.

use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::json;

use super::exchange::{Answer, Ask, Read, secret_header};
use super::{Dialect, Line, at};
use crate::secret::Secret;

pub(super) struct Openai {
    url: Url,
    bearer: Option<HeaderValue>,
    model: String,
}

impl Openai {
    pub(super) fn new(base: Url, secret: &Secret, model: &str) -> Result<Self, String> {
        let bearer = if secret.is_empty() {
            None
        } else {
            Some(secret_header(&format!("Bearer {}", secret.reveal()))?)
        };
        Ok(Self { url: at(&base, "/v1/audio/speech"), bearer, model: model.to_owned() })
    }
}

impl Dialect for Openai {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        let body = json!({
            "model": self.model,
            "input": line.text,
            "voice": line.voice,
            "response_format": "wav",
            "speed": line.speed.clamp(0.25, 4.0),
        });
        let ask = Ask::json(self.url.clone(), &body);
        Ok(match &self.bearer {
            Some(bearer) => ask.with("authorization", bearer.clone()),
            None => ask,
        })
    }

    fn read(&self, answer: Answer) -> Read {
        Read::Audio(answer.body)
    }
}
