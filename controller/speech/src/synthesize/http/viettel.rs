//! Viettel AI, both addresses.
//!
//! Sources: <https://viettelgroup.ai/document/tts> (older): `POST /voice/api/tts/v1/rest/syn`, header `token`, JSON `{text,
//! voice, id, without_filter, speed 0.7 to 1.3, tts_return_option 2 (WAV)}`. Newer, as its public clients use it: `POST
//! https://viettelai.vn/tts/speech_synthesis`, JSON with `token` inside and `speed` 0.8 to 1.2. Both answer with the sound's
//! bytes, or with JSON that tells what is wrong. An address that ends in the older path gets the older shape.

use reqwest::Url;
use serde_json::json;

use super::exchange::{Answer, Ask, Read, secret_header};
use super::{Dialect, Line, at};
use crate::secret::Secret;

const OLDER_PATH: &str = "/voice/api/tts/v1/rest/syn";
const NEWER_PATH: &str = "/tts/speech_synthesis";
/// A WAV file.
const RETURN_WAV: u8 = 2;

pub(super) struct Viettel {
    url: Url,
    older: bool,
    token: Secret,
}

impl Viettel {
    pub(super) fn new(base: Url, token: Secret) -> Self {
        let older = base.path().trim_end_matches('/').ends_with(OLDER_PATH);
        Self { url: at(&base, if older { OLDER_PATH } else { NEWER_PATH }), older, token }
    }
}

impl Dialect for Viettel {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        let (slowest, fastest) = if self.older { (0.7, 1.3) } else { (0.8, 1.2) };
        let mut body = json!({
            "text": line.text,
            "voice": line.voice,
            "speed": line.speed.clamp(slowest, fastest),
            "tts_return_option": RETURN_WAV,
            "without_filter": false,
        });
        if self.older {
            body["id"] = json!("1");
            let token = secret_header(self.token.reveal())?;
            return Ok(Ask::json(self.url.clone(), &body).with("token", token));
        }
        body["token"] = json!(self.token.reveal());
        Ok(Ask::json(self.url.clone(), &body))
    }

    fn read(&self, answer: Answer) -> Read {
        if answer.body.trim_ascii_start().first() != Some(&b'{') {
            return Read::Audio(answer.body);
        }
        let value = match answer.json() {
            Ok(value) => value,
            Err(read) => return read,
        };
        let words = ["vi_message", "en_message", "message", "error_message", "error"];
        let message = words.iter().find_map(|key| value[key].as_str()).unwrap_or_default().to_owned();
        let code = ["code", "error_code", "status"].iter().find_map(|key| value.get(*key));
        Read::Declined { code: code.map_or_else(|| "?".to_owned(), ToString::to_string), message }
    }
}
