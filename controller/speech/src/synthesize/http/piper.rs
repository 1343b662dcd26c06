//! Piper's own web server.
//!
//! Source: OHF-Voice/piper1-gpl, `docs/API_HTTP.md` and `src/piper/http_server.py`: `POST /synthesize` (older versions:
//! `POST /`), JSON `{text, voice, length_scale}`, where a length above 1 is slower; the answer is a WAV file. It asks for no
//! secret.

use reqwest::Url;
use serde_json::json;

use super::exchange::{Answer, Ask, Read, Stage};
use super::{Dialect, Line, at};

pub(super) struct PiperHttp {
    newer: Url,
    older: Url,
}

impl PiperHttp {
    pub(super) fn new(base: Url) -> Self {
        Self { newer: at(&base, "/synthesize"), older: base }
    }
}

fn ask(url: &Url, line: &Line<'_>) -> Ask {
    let body = json!({ "text": line.text, "voice": line.voice, "length_scale": 1.0 / line.speed });
    Ask::json(url.clone(), &body)
}

impl Dialect for PiperHttp {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        Ok(ask(&self.newer, line))
    }

    fn read(&self, answer: Answer) -> Read {
        Read::Audio(answer.body)
    }

    /// A server without that page is an older one.
    fn unusual(&self, line: &Line<'_>, asked: &Ask, status: u16) -> Option<Read> {
        let missing = matches!(status, 404 | 405) && asked.stage() == Stage::Request;
        (missing && *asked.url() != self.older).then(|| Read::Then(Box::new(ask(&self.older, line))))
    }
}
