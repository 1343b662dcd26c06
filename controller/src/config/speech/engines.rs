//! An engine that the operator declares.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use loa_speech::synthesize::NATURAL_WORDS_PER_MINUTE;
use loa_speech::{
    HttpEngine, HttpSettings, Kind, Piper, PiperConfig, Secret, SynthesisError, Synthesizer, VoiceInfo,
};
use serde::Deserialize;

/// The name of the engine that is always there.
pub const EMBEDDED: &str = "espeak-ng";

/// An engine besides the embedded one. What is left out has its kind's usual value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// What orders, notes and errors call it.
    pub name: String,
    /// Its way of talking.
    pub kind: EngineKind,
    /// `http://` or `https://`, host and port.
    #[serde(default)]
    pub url: String,
    /// Azure: the region that the key belongs to, in place of `url`.
    #[serde(default)]
    pub region: String,
    /// Key or token.
    #[serde(default)]
    pub secret: Secret,
    /// A file that holds the key or token, in place of `secret`.
    #[serde(default)]
    pub secret_file: PathBuf,
    /// Its voices.
    #[serde(default)]
    pub voices: Vec<VoiceConfig>,
    /// OpenAI-compatible: the model.
    #[serde(default)]
    pub model: String,
    /// Vbee: the application's id.
    #[serde(default)]
    pub app_id: String,
    /// Piper as a subprocess: the program.
    #[serde(default = "piper")]
    pub program: PathBuf,
    /// Longest time for one sentence, in seconds; where the sound is fetched later, for one exchange.
    #[serde(default = "timeout_s")]
    pub timeout_s: u32,
    /// Sentences at the same time.
    #[serde(default = "parallel")]
    pub parallel: usize,
    /// Requests a minute at most.
    #[serde(default = "requests_per_minute")]
    pub requests_per_minute: usize,
    /// Words a minute that it speaks by itself; paces are reckoned from it.
    #[serde(default = "natural_words_per_minute")]
    pub natural_words_per_minute: u16,
}

/// A voice of a declared engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceConfig {
    /// The engine's name for it; Piper as a subprocess: the path of its model.
    pub id: String,
    /// BCP 47 tag of the language that it speaks.
    #[serde(default = "vietnamese")]
    pub language: String,
    /// What people call it; empty: its id.
    #[serde(default)]
    pub label: String,
}

/// Every kind of engine that can be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum EngineKind {
    /// Piper as a subprocess.
    Piper,
    /// Behind HTTP.
    Http(Kind),
}

impl TryFrom<String> for EngineKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "piper" {
            return Ok(Self::Piper);
        }
        let http = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        http.map(Self::Http).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
            format!(
                "there is no kind of engine called {text:?}; the kinds are piper, {} ({EMBEDDED} is always there and \
                 is not declared)",
                names.join(", ")
            )
        })
    }
}

fn piper() -> PathBuf {
    PathBuf::from("piper")
}

const fn timeout_s() -> u32 {
    30
}

const fn parallel() -> usize {
    2
}

const fn requests_per_minute() -> usize {
    120
}

const fn natural_words_per_minute() -> u16 {
    NATURAL_WORDS_PER_MINUTE
}

fn vietnamese() -> String {
    "vi".to_owned()
}

impl EngineConfig {
    /// Reads `secret_file`, when one is named.
    pub(super) fn read_secret(&mut self) -> Result<(), String> {
        if self.secret_file.as_os_str().is_empty() {
            return Ok(());
        }
        if !self.secret.is_empty() {
            return Err("give `secret` or `secret_file`, not both".to_owned());
        }
        let text = std::fs::read_to_string(&self.secret_file)
            .map_err(|error| format!("{} cannot be read: {error}", self.secret_file.display()))?;
        self.secret = Secret::new(text.trim());
        Ok(())
    }

    /// The key that is wrong, and how.
    pub(super) fn check(&self, before: &[Self]) -> Result<(), (&'static str, String)> {
        let rule =
            |holds: bool, name, problem: &str| if holds { Ok(()) } else { Err((name, problem.to_owned())) };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let named = !self.name.is_empty() && self.name.chars().all(plain);
        rule(named, "name", "use small letters a-z, digits and -")?;
        rule(self.name != EMBEDDED, "name", "this is the embedded engine's name; choose another")?;
        rule(before.iter().all(|other| other.name != self.name), "name", "another engine has this name")?;
        rule((1..=600).contains(&self.timeout_s), "timeout_s", "choose 1 to 600")?;
        rule((1..=16).contains(&self.parallel), "parallel", "choose 1 to 16")?;
        rule((1..=6_000).contains(&self.requests_per_minute), "requests_per_minute", "choose 1 to 6000")?;
        let natural = (60..=400).contains(&self.natural_words_per_minute);
        rule(natural, "natural_words_per_minute", "choose 60 to 400")?;
        if let EngineKind::Http(kind) = self.kind {
            let secret = !kind.needs_secret() || !self.secret.is_empty();
            let problem = format!("the kind {} needs `secret` or `secret_file`", kind.name());
            rule(secret, "secret", &problem)?;
        }
        let region = self.region.chars().all(plain);
        rule(region, "region", "use small letters a-z and digits, such as southeastasia")?;
        let placed =
            self.kind != EngineKind::Http(Kind::Azure) || !self.region.is_empty() || !self.url.is_empty();
        rule(placed, "region", "the kind azure needs the region of its key, such as southeastasia")?;
        rule(!self.voices().is_empty(), "voices", "name at least one voice: voices = [{ id = \"…\" }]")?;
        match self.build() {
            Ok(_) => Ok(()),
            Err(SynthesisError::Settings { problem, .. }) => Err(("kind", problem)),
            Err(error) => Err(("kind", error.to_string())),
        }
    }

    /// Its voices: those that are declared, else the usual ones of its kind.
    pub fn voices(&self) -> Vec<VoiceInfo> {
        if self.voices.is_empty() {
            return match self.kind {
                EngineKind::Piper => Vec::new(),
                EngineKind::Http(kind) => kind.usual_voices(),
            };
        }
        let voice = |VoiceConfig { id, language, label }: &VoiceConfig| {
            let label = if label.is_empty() { id } else { label };
            VoiceInfo {
                id: id.clone(),
                language: language.clone(),
                label_vi: label.clone(),
                label_en: label.clone(),
            }
        };
        self.voices.iter().map(voice).collect()
    }

    /// The adapter.
    ///
    /// # Errors
    /// [`SynthesisError::Settings`].
    pub fn build(&self) -> Result<Arc<dyn Synthesizer>, SynthesisError> {
        let timeout = Duration::from_secs(u64::from(self.timeout_s));
        let parallel = NonZeroUsize::new(self.parallel).unwrap_or(NonZeroUsize::MIN);
        let kind = match self.kind {
            EngineKind::Piper => {
                return Ok(Arc::new(Piper::new(PiperConfig {
                    name: self.name.clone(),
                    program: self.program.clone(),
                    voices: self.voices(),
                    timeout,
                    parallel,
                    natural_words_per_minute: self.natural_words_per_minute,
                })));
            }
            EngineKind::Http(kind) => kind,
        };
        let usual = HttpSettings::new(self.name.as_str(), kind);
        let or_usual = |own: &String, usual: String| if own.is_empty() { usual } else { own.clone() };
        let regional = match self.region.as_str() {
            "" => usual.url,
            region => format!("https://{region}.tts.speech.microsoft.com"),
        };
        Ok(Arc::new(HttpEngine::new(HttpSettings {
            url: or_usual(&self.url, regional),
            secret: self.secret.clone(),
            voices: self.voices(),
            model: or_usual(&self.model, usual.model),
            app_id: self.app_id.clone(),
            timeout,
            parallel,
            requests_per_minute: NonZeroUsize::new(self.requests_per_minute).unwrap_or(NonZeroUsize::MIN),
            natural_words_per_minute: self.natural_words_per_minute,
            ..HttpSettings::new(self.name.as_str(), kind)
        })?))
    }
}
