//! One question and its answer, bounded in time and size, tried again where that may help.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, Response, Url};
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde_json::Value;

use super::super::SynthesisError;
use super::super::answer::MAX_ANSWER_BYTES;
use super::HttpSettings;
use super::reach::{Outside, Reach, is_outside};
use crate::secret::Secret;

/// Largest body: the largest sound, in base64 inside JSON.
const MAX_BODY_BYTES: usize = MAX_ANSWER_BYTES / 3 * 4 + 64 * 1_024;
/// What is quoted of an engine's own words.
const MAX_QUOTED_CHARS: usize = 300;
const REDIRECTS_MAX: usize = 5;

/// Where in a conversation an exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The text is handed over.
    Request,
    /// Whether the sound is ready.
    Poll,
    /// The sound itself, from an address that the engine named.
    Download,
}

/// One question. Never printed: headers and body may hold a secret.
pub(super) struct Ask {
    stage: Stage,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Ask {
    /// A text to speak, as JSON.
    pub(super) fn json(url: Url, body: &Value) -> Self {
        Self::post(url, body.to_string().into_bytes())
            .with("content-type", HeaderValue::from_static("application/json"))
    }

    /// A text to speak.
    pub(super) fn post(url: Url, body: Vec<u8>) -> Self {
        Self { stage: Stage::Request, method: Method::POST, url, headers: HeaderMap::new(), body }
    }

    /// Whether the sound is ready.
    pub(super) fn poll(url: Url) -> Self {
        let (method, headers) = (Method::GET, HeaderMap::new());
        Self { stage: Stage::Poll, method, url, headers, body: Vec::new() }
    }

    /// The sound at an address that the engine named; carries no secret.
    pub(super) fn download(url: Url) -> Self {
        Self { stage: Stage::Download, ..Self::poll(url) }
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Where it stands in the conversation.
    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Where it goes.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it counts against the engine's rate.
    pub(super) fn is_counted(&self) -> bool {
        self.stage == Stage::Request
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) stage: Stage,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The answer, if its status is a success.
    pub(super) fn success(self, settings: &HttpSettings) -> Result<Self, SynthesisError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(refused(settings, self.status, &self.body, None))
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Read> {
        serde_json::from_slice(&self.body).map_err(|_| {
            let what = match self.body.trim_ascii_start().first() {
                None => "an empty answer",
                Some(b'<') => "a web page",
                Some(_) => "something else",
            };
            Read::Unclear(format!("{what} instead of JSON"))
        })
    }
}

/// What an answer says.
pub(super) enum Read {
    /// The sound file.
    Audio(Vec<u8>),
    /// Not ready: the same question again.
    Wait,
    /// Another question.
    Then(Box<Ask>),
    /// The engine's own refusal.
    Declined { code: String, message: String },
    /// Nothing that its makers describe.
    Unclear(String),
}

/// One client for what carries a secret, one for what does not.
pub(super) struct Clients {
    with_secret: Client,
    without: Client,
    reach: Reach,
}

impl Clients {
    /// `reach`: where an address in an answer may lead.
    pub(super) fn new(timeout: Duration, reach: &Reach) -> Result<Self, reqwest::Error> {
        let same_origin = Policy::custom(|attempt| {
            let first = attempt.previous().first().map(Url::origin);
            if first != Some(attempt.url().origin()) || attempt.previous().len() > REDIRECTS_MAX {
                // The redirect itself becomes the answer, whose status is no success.
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        let within = reach.clone();
        let within_reach = Policy::custom(move |attempt| match within.check(attempt.url()) {
            Ok(()) if attempt.previous().len() > REDIRECTS_MAX => attempt.stop(),
            Ok(()) => attempt.follow(),
            Err(outside) => attempt.error(outside),
        });
        let client = |builder: ClientBuilder| {
            let mut builder =
                builder.timeout(timeout).user_agent(concat!("loa-lang/", env!("CARGO_PKG_VERSION")));
            if let Some(tls) = tls() {
                builder = builder.tls_backend_preconfigured(tls);
            }
            builder.build()
        };
        let without = Client::builder().redirect(within_reach).dns_resolver(Arc::new(reach.clone()));
        Ok(Self {
            with_secret: client(Client::builder().redirect(same_origin))?,
            without: client(without)?,
            reach: reach.clone(),
        })
    }

    /// Asks until there is an answer that is no passing trouble, or the attempts are used up.
    pub(super) async fn exchange(
        &self,
        settings: &HttpSettings,
        ask: &Ask,
    ) -> Result<Answer, SynthesisError> {
        let again = ExponentialBuilder::new()
            .with_min_delay(settings.retry_delay)
            .with_max_delay(settings.retry_delay_max)
            .with_max_times(settings.attempts.get() - 1)
            .with_jitter();
        (|| self.once(settings, ask))
            .retry(again)
            .when(|error: &SynthesisError| {
                error.passes() && error.retry_after().is_none_or(|wait| wait <= settings.retry_delay_max)
            })
            .adjust(|error: &SynthesisError, delay| {
                // No delay: the attempts are used up.
                delay.map(|delay| error.retry_after().map_or(delay, |wait| wait.max(delay)))
            })
            .await
    }

    async fn once(&self, settings: &HttpSettings, ask: &Ask) -> Result<Answer, SynthesisError> {
        let outside = |outside: Outside| SynthesisError::BadAudio {
            engine: settings.name.clone(),
            reason: format!("where the sound would be it gave {outside}"),
        };
        let client = if ask.stage == Stage::Download {
            self.reach.check(&ask.url).map_err(outside)?;
            &self.without
        } else {
            &self.with_secret
        };
        let lost = |source: reqwest::Error| {
            let engine = settings.name.clone();
            if is_outside(&source) {
                outside(Outside)
            } else if source.is_timeout() {
                SynthesisError::TimedOut { engine, limit: settings.timeout }
            } else {
                // An address in an answer may be signed, which makes it a secret too.
                SynthesisError::Unreachable { engine, source: source.without_url() }
            }
        };
        let request = client
            .request(ask.method.clone(), ask.url.clone())
            .headers(ask.headers.clone())
            .body(ask.body.clone());
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let location = response.headers().contains_key(LOCATION);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                let reason = format!("more than {MAX_BODY_BYTES} bytes for one sentence");
                return Err(SynthesisError::BadAudio { engine: settings.name.clone(), reason });
            }
            body.extend_from_slice(&chunk);
        }
        let passing = refused(settings, status, &body, retry_after);
        if passing.passes() || (300..400).contains(&status) && location {
            return Err(passing);
        }
        Ok(Answer { stage: ask.stage, status, body })
    }
}

/// rustls with ring, and the system's own authorities. `None` leaves the choice to reqwest: no authority was found.
fn tls() -> Option<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Some(builder.ok()?.with_platform_verifier().ok()?.with_no_client_auth())
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

fn refused(
    settings: &HttpSettings,
    status: u16,
    body: &[u8],
    retry_after: Option<Duration>,
) -> SynthesisError {
    let message = quoted(&complaint(body), &settings.secret);
    SynthesisError::Refused { engine: settings.name.clone(), status, message, retry_after }
}

/// What an engine says of itself in an answer that is no success: the places where makers put their words.
fn complaint(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let places = ["/error/message", "/error_message", "/message", "/detail", "/error", "/data/message"];
    places
        .iter()
        .find_map(|place| value.pointer(place).and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// An engine's words on one line, cut, and without the secret.
pub(super) fn quoted(text: &str, secret: &Secret) -> String {
    let hidden = if secret.is_empty() { text.to_owned() } else { text.replace(secret.reveal(), "***") };
    let line: String = hidden.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(MAX_QUOTED_CHARS).collect()
}

/// A header that carries a secret, which reqwest's own `Debug` then leaves out.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "its secret holds a character that no header can carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
