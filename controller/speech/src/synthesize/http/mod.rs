//! Engines behind HTTP: what all of them share.
//!
//! ```text
//!             ask                     read
//! sentence ────────> HTTP exchange ────────> Audio   the sound file is here (bytes, or base64 in JSON)
//!              ^       with retries        ├> Wait    not ready: the same again after a while
//!              └───────────────────────────└> Then    another exchange: where the sound is, or whether it is ready
//! ```
//!
//! That one loop carries all three transports: bytes, URL then poll, base64 in JSON. What differs between engines is a
//! [`Dialect`].
//!
//! Invariants:
//! - A secret goes to the configured origin alone: an exchange that carries one follows no redirect to another host,
//!   scheme or port. An address that an engine answers with is fetched without the secret, and leads to the Internet or
//!   back to the configured host ([`reach`]).
//! - A secret is in no error, no address and no `Debug`: engines like to quote the key that they refuse.
//! - No answer is read beyond its bound, and nothing is waited for without one.

mod azure;
mod exchange;
mod fpt;
mod google;
mod openai;
mod piper;
mod reach;
mod vbee;
mod viettel;

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::Url;
use serde::Deserialize;
use tokio::time::Instant;

use self::exchange::{Ask, Clients, Read};
use super::{Engine, SynthesisError, Synthesizer, Voice, VoiceInfo, known_voice, speed};
use crate::secret::Secret;

/// The longest that a wait between two looks grows to.
const POLL_EVERY_MAX: Duration = Duration::from_secs(5);

/// An engine's way of talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Piper's own web server.
    PiperHttp,
    /// Any server with OpenAI's `/v1/audio/speech`.
    Openai,
    /// FPT.AI version 5.
    Fpt,
    /// Viettel AI.
    Viettel,
    /// Vbee.
    Vbee,
    /// Google Cloud Text-to-Speech.
    Google,
    /// Azure Speech.
    Azure,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::PiperHttp, Self::Openai, Self::Fpt, Self::Viettel, Self::Vbee, Self::Google, Self::Azure];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PiperHttp => "piper-http",
            Self::Openai => "openai",
            Self::Fpt => "fpt",
            Self::Viettel => "viettel",
            Self::Vbee => "vbee",
            Self::Google => "google",
            Self::Azure => "azure",
        }
    }

    /// Whether it can't be used without a secret.
    #[must_use]
    pub const fn needs_secret(self) -> bool {
        match self {
            Self::PiperHttp | Self::Openai => false,
            Self::Fpt | Self::Viettel | Self::Vbee | Self::Google | Self::Azure => true,
        }
    }

    /// Where its maker runs it; `None` where only the operator can know.
    #[must_use]
    pub const fn usual_url(self) -> Option<&'static str> {
        match self {
            Self::PiperHttp => Some("http://127.0.0.1:5000"),
            Self::Openai => Some("https://api.openai.com"),
            Self::Fpt => Some("https://api.fpt.ai"),
            Self::Viettel => Some("https://viettelai.vn"),
            Self::Vbee => Some("https://vbee.vn"),
            Self::Google => Some("https://texttospeech.googleapis.com"),
            Self::Azure => None,
        }
    }

    /// The Vietnamese voices that its maker names, where these are known.
    #[must_use]
    pub fn usual_voices(self) -> Vec<VoiceInfo> {
        let ids: &[&str] = match self {
            Self::PiperHttp => &[],
            Self::Openai => &["alloy"],
            Self::Fpt => &["banmai", "lannhi", "leminh", "myan", "thuminh", "giahuy", "linhsan"],
            Self::Viettel => &["hn-quynhanh", "hue-maingoc", "hue-baoquoc", "hcm-diemmy", "hcm-minhquan"],
            Self::Vbee => &[],
            Self::Google => &["vi-VN-Standard-A", "vi-VN-Wavenet-A"],
            Self::Azure => &["vi-VN-HoaiMyNeural", "vi-VN-NamMinhNeural"],
        };
        let voice = |id: &&str| VoiceInfo {
            id: (*id).to_owned(),
            language: "vi".to_owned(),
            label_vi: (*id).to_owned(),
            label_en: (*id).to_owned(),
        };
        ids.iter().map(voice).collect()
    }
}

/// How an engine behind HTTP is used.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// What it's called in settings and errors.
    pub name: String,
    /// Its way of talking.
    pub kind: Kind,
    /// Scheme, host and port, with a path in front of the documented one where a gateway wants it.
    pub url: String,
    /// Key or token.
    pub secret: Secret,
    /// Its voices.
    pub voices: Vec<VoiceInfo>,
    /// OpenAI-compatible: the model.
    pub model: String,
    /// Vbee: the application's id.
    pub app_id: String,
    /// Longest time for one exchange.
    pub timeout: Duration,
    /// Longest time until a sound that is announced is there.
    pub ready_within: Duration,
    /// First wait between two looks whether it's there; it doubles up to five seconds.
    pub poll_every: Duration,
    /// How often an exchange is tried when what stands in its way may pass.
    pub attempts: NonZeroUsize,
    /// First wait before trying again; it doubles, with jitter.
    pub retry_delay: Duration,
    /// The longest wait that an engine may ask for (`Retry-After`) before it's given up on instead.
    pub retry_delay_max: Duration,
    /// Sentences at the same time.
    pub parallel: NonZeroUsize,
    /// Requests a minute, looks whether a sound is ready not counted.
    pub requests_per_minute: NonZeroUsize,
    /// Words a minute that it speaks by itself.
    pub natural_words_per_minute: u16,
}

impl HttpSettings {
    /// The usual settings of a kind.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        const TWO: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
        Self {
            name: name.into(),
            kind,
            url: kind.usual_url().unwrap_or_default().to_owned(),
            secret: Secret::default(),
            voices: kind.usual_voices(),
            model: "tts-1".to_owned(),
            app_id: String::new(),
            timeout: Duration::from_secs(30),
            // FPT states five seconds to two minutes.
            ready_within: Duration::from_secs(150),
            poll_every: Duration::from_millis(500),
            attempts: TWO.saturating_add(1),
            retry_delay: Duration::from_millis(500),
            retry_delay_max: Duration::from_secs(20),
            parallel: TWO,
            requests_per_minute: NonZeroUsize::MIN.saturating_add(119),
            natural_words_per_minute: super::NATURAL_WORDS_PER_MINUTE,
        }
    }
}

/// What is said, in terms that every dialect knows.
struct Line<'a> {
    /// The words.
    text: &'a str,
    /// The engine's name for the voice.
    voice: &'a str,
    /// BCP 47 tag of the voice's language.
    language: &'a str,
    /// 1 is as the engine speaks by itself.
    speed: f64,
}

/// What differs between engines: how to ask, and how to read an answer with a status of success.
trait Dialect: Send + Sync {
    /// The first exchange.
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String>;

    /// Reads an answer.
    fn read(&self, answer: exchange::Answer) -> Read;

    /// A status that is no success and that this engine uses for something else than refusing.
    fn unusual(&self, _line: &Line<'_>, _asked: &Ask, _status: u16) -> Option<Read> {
        None
    }
}

/// The adapter of an engine behind HTTP.
pub struct HttpEngine {
    settings: HttpSettings,
    engine: Engine,
    dialect: Box<dyn Dialect>,
    clients: Clients,
    rate: DefaultDirectRateLimiter,
}

impl fmt::Debug for HttpEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEngine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl HttpEngine {
    /// The adapter; nothing is sent before it speaks.
    ///
    /// # Errors
    /// [`SynthesisError::Settings`]: no http(s) address, no secret where one is needed, one that no header can carry.
    pub fn new(settings: HttpSettings) -> Result<Self, SynthesisError> {
        let wrong = |problem: String| SynthesisError::Settings { engine: settings.name.clone(), problem };
        let base = http_url(&settings.url).ok_or_else(|| {
            wrong(format!("its url is {:?}, and should be like https://host:port", settings.url))
        })?;
        if settings.kind.needs_secret() && settings.secret.is_empty() {
            return Err(wrong(format!("the kind {} needs a secret", settings.kind.name())));
        }
        let secret = settings.secret.clone();
        let reach = reach::Reach::of(&base);
        let dialect: Box<dyn Dialect> = match settings.kind {
            Kind::PiperHttp => Box::new(piper::PiperHttp::new(base)),
            Kind::Openai => Box::new(openai::Openai::new(base, &secret, &settings.model).map_err(wrong)?),
            Kind::Fpt => Box::new(fpt::Fpt::new(base, &secret).map_err(wrong)?),
            Kind::Viettel => Box::new(viettel::Viettel::new(base, secret)),
            Kind::Vbee => Box::new(vbee::Vbee::new(base, &secret, &settings.app_id).map_err(wrong)?),
            Kind::Google => Box::new(google::Google::new(base, &secret).map_err(wrong)?),
            Kind::Azure => Box::new(azure::Azure::new(base, &secret).map_err(wrong)?),
        };
        let clients = Clients::new(settings.timeout, &reach)
            .map_err(|source| SynthesisError::Unreachable { engine: settings.name.clone(), source })?;
        let per_minute = u32::try_from(settings.requests_per_minute.get()).unwrap_or(u32::MAX);
        let quota = Quota::per_minute(per_minute.try_into().unwrap_or(std::num::NonZeroU32::MIN));
        // What changes the sound of the same text: the way, the place, the model, and what speed 1 means.
        let version = format!(
            "{} {} {} {}",
            settings.kind.name(),
            settings.url,
            settings.model,
            settings.natural_words_per_minute
        );
        let engine = Engine { name: settings.name.clone(), version };
        Ok(Self { engine, dialect, clients, rate: RateLimiter::direct(quota), settings })
    }

    async fn converse(&self, line: &Line<'_>) -> Result<Vec<u8>, SynthesisError> {
        let engine = || self.settings.name.clone();
        let wrong = |problem| SynthesisError::Settings { engine: engine(), problem };
        let began = Instant::now();
        let mut every = self.settings.poll_every;
        let mut ask = self.dialect.ask(line).map_err(wrong)?;
        loop {
            if ask.is_counted() {
                self.rate.until_ready().await;
            }
            let answer = self.clients.exchange(&self.settings, &ask).await?;
            let unusual = self.dialect.unusual(line, &ask, answer.status);
            let read = match unusual {
                Some(read) => read,
                None => self.dialect.read(answer.success(&self.settings)?),
            };
            match read {
                Read::Audio(bytes) => return Ok(bytes),
                Read::Then(next) => ask = *next,
                Read::Wait => {
                    let waited = began.elapsed();
                    if waited + every > self.settings.ready_within {
                        return Err(SynthesisError::NotReady { engine: engine(), waited });
                    }
                    tokio::time::sleep(every).await;
                    every = (every * 2).min(POLL_EVERY_MAX);
                }
                Read::Declined { code, message } => {
                    let message = exchange::quoted(&message, &self.settings.secret);
                    return Err(SynthesisError::Declined { engine: engine(), code, message });
                }
                Read::Unclear(reason) => {
                    return Err(SynthesisError::BadAudio { engine: engine(), reason });
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl Synthesizer for HttpEngine {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.settings.voices
    }

    fn parallel(&self) -> NonZeroUsize {
        self.settings.parallel
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        known_voice(&self.engine, &self.settings.voices, voice)?;
        let known = self.settings.voices.iter().find(|known| known.id == voice.id);
        let language = known.map_or("vi", |known| known.language.as_str());
        let speed = speed(voice, self.settings.natural_words_per_minute);
        self.converse(&Line { text, voice: &voice.id, language, speed }).await
    }
}

/// An address over http(s) with a host, or nothing.
fn http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The documented path behind the operator's address, unless the address ends in it already.
fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let front = base.path().trim_end_matches('/');
    if !front.ends_with(path) {
        url.set_path(&format!("{front}{path}"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_once() {
        let path = "/v1/audio/speech";
        for (base, whole) in [
            ("https://api.openai.com", "https://api.openai.com/v1/audio/speech"),
            ("http://10.0.0.2:8000/tts/", "http://10.0.0.2:8000/tts/v1/audio/speech"),
            ("http://10.0.0.2:8000/v1/audio/speech", "http://10.0.0.2:8000/v1/audio/speech"),
        ] {
            assert_eq!(at(&http_url(base).unwrap(), path).as_str(), whole);
        }
        for text in ["", "file:///etc/passwd", "ftp://host/", "host:80", "javascript:alert(1)"] {
            assert_eq!(http_url(text), None, "{text}");
        }
    }

    #[test]
    fn settings_that_can_not_work_are_refused() {
        let problem = |settings| HttpEngine::new(settings).unwrap_err().to_string();
        assert!(problem(HttpSettings::new("fpt", Kind::Fpt)).contains("needs a secret"));
        assert!(problem(HttpSettings::new("azure", Kind::Azure)).contains("https://host:port"));
        let secret = Secret::new("line\nbreak");
        let settings = HttpSettings { secret, ..HttpSettings::new("fpt", Kind::Fpt) };
        assert!(!format!("{settings:?}").contains("break"));
        let text = problem(settings);
        assert!(text.contains("secret") && !text.contains("break"), "{text}");
    }
}
