//! Vbee.
//!
//! Source: <https://help.vbee.vn/tai-lieu-api/dac-ta-api>: `POST /api/v1/tts`, `Authorization: Bearer`, JSON `{app_id,
//! response_type: "indirect", callback_url, input_text, voice_code, audio_type, speed_rate 0.1 to 1.9}`; the answer is
//! `{status 1|0, error_code, error_message, result: {request_id, status}}`. `GET /api/v1/tts/{request_id}` gives
//! `result.status` (`IN_PROGRESS`, `SUCCESS`, `FAILURE`) and, in the end, `result.audio_link`.

use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::exchange::{Answer, Ask, Read, Stage, secret_header};
use super::{Dialect, Line, at, http_url};
use crate::secret::Secret;

/// Vbee insists on one. The sound is asked for instead, so nothing listens there.
const CALLBACK: &str = "https://localhost/";

pub(super) struct Vbee {
    url: Url,
    bearer: HeaderValue,
    app_id: String,
}

impl Vbee {
    pub(super) fn new(base: Url, secret: &Secret, app_id: &str) -> Result<Self, String> {
        if app_id.is_empty() {
            return Err("the kind vbee needs an app_id".to_owned());
        }
        let bearer = secret_header(&format!("Bearer {}", secret.reveal()))?;
        Ok(Self { url: at(&base, "/api/v1/tts"), bearer, app_id: app_id.to_owned() })
    }

    fn taken(&self, result: &Value) -> Read {
        let id = result["request_id"].as_str().unwrap_or_default();
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !plain {
            return Read::Unclear("no request_id to ask for the sound by".to_owned());
        }
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{id}", self.url.path()));
        Read::Then(Box::new(Ask::poll(url).with("authorization", self.bearer.clone())))
    }
}

impl Dialect for Vbee {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        let body = json!({
            "app_id": self.app_id,
            "response_type": "indirect",
            "callback_url": CALLBACK,
            "input_text": line.text,
            "voice_code": line.voice,
            "audio_type": "wav",
            "speed_rate": line.speed.clamp(0.1, 1.9),
        });
        Ok(Ask::json(self.url.clone(), &body).with("authorization", self.bearer.clone()))
    }

    fn read(&self, answer: Answer) -> Read {
        if answer.stage == Stage::Download {
            return Read::Audio(answer.body);
        }
        let value = match answer.json() {
            Ok(value) => value,
            Err(read) => return read,
        };
        let declined = |code: &Value| Read::Declined {
            code: code.as_str().map_or_else(|| code.to_string(), str::to_owned),
            message: value["error_message"].as_str().unwrap_or_default().to_owned(),
        };
        if value["status"].as_i64() != Some(1) {
            return declined(&value["error_code"]);
        }
        let result = &value["result"];
        if answer.stage == Stage::Request {
            return self.taken(result);
        }
        match result["status"].as_str() {
            Some("SUCCESS") => match result["audio_link"].as_str().and_then(http_url) {
                Some(url) => Read::Then(Box::new(Ask::download(url))),
                None => Read::Unclear("no http(s) address where the sound would be".to_owned()),
            },
            Some("FAILURE") => declined(&result["status"]),
            _ => Read::Wait,
        }
    }
}
