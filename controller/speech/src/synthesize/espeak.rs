//! espeak-ng as a subprocess: the voice that is always there, with no network and no model.
//!
//! It stays a subprocess: it is GPL, and a crash or a hang in it ends one sentence. Quirks that are kept in here:
//! - decomposed letters (NFD) lose half of all syllables: [`Sentence`] is NFC by construction;
//! - names of the highlands and loan words are mumbled or read as English (see [`super::respell`]);
//! - `[[ … ]]` is taken for phonemes, so no square bracket is ever passed on;
//! - at its usual amplitude (100) loud syllables clip, at 70 none does;
//! - the header of `--stdout` states a false length (see [`super::answer`]).

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::program::Program;
use super::respell::{RESPELLING_VERSION, respell};
use super::{Engine, SynthesisError, Synthesizer, Voice, VoiceInfo, known_voice};
use crate::normalize::Sentence;

/// The command that installs the engine on the systems that we ship for.
const INSTALL: &str = "sudo apt-get install espeak-ng";
/// Paces that espeak-ng keeps; it silently clamps others.
const WORDS_PER_MINUTE: std::ops::RangeInclusive<u16> = 80..=450;

/// How espeak-ng is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EspeakConfig {
    /// Name or path of the program.
    pub program: PathBuf,
    /// Loudness from 0 to 200; 70 leaves headroom for mastering.
    pub amplitude: u8,
    /// Longest time for one sentence.
    pub timeout: Duration,
    /// Processes that may run at the same time.
    pub parallel: NonZeroUsize,
}

impl Default for EspeakConfig {
    fn default() -> Self {
        Self {
            program: PathBuf::from("espeak-ng"),
            amplitude: 70,
            timeout: Duration::from_secs(30),
            parallel: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The adapter; cheap to clone.
#[derive(Clone, Debug)]
pub struct Espeak {
    program: Program,
    amplitude: u8,
    parallel: NonZeroUsize,
    engine: Engine,
    voices: Vec<VoiceInfo>,
}

impl Espeak {
    /// The voices that it has on every machine.
    #[must_use]
    pub fn known_voices() -> Vec<VoiceInfo> {
        voices()
    }

    /// Finds the program and asks for its version.
    ///
    /// # Errors
    /// [`SynthesisError::EngineMissing`] with the command that installs it, or that it could not be run.
    pub async fn find(config: EspeakConfig) -> Result<Self, SynthesisError> {
        let EspeakConfig { program, amplitude, timeout, parallel } = config;
        let program = Program { path: program, install: INSTALL, timeout };
        let banner = program.run(["--version"], "").await?;
        let banner = String::from_utf8_lossy(&banner);
        // "eSpeak NG text-to-speech: 1.51  Data at: …": the path is no part of what it sounds like.
        let version = banner.split_once(": ").and_then(|(_, rest)| rest.split_whitespace().next());
        let Some(version) = version else {
            return Err(SynthesisError::BadAudio {
                engine: "espeak-ng".to_owned(),
                reason: "its --version names no version".to_owned(),
            });
        };
        let engine = Engine {
            name: "espeak-ng".to_owned(),
            version: format!("{version} amplitude {amplitude} respelling {RESPELLING_VERSION}"),
        };
        Ok(Self { program, amplitude, parallel, engine, voices: voices() })
    }

    fn check(&self, voice: &Voice) -> Result<(), SynthesisError> {
        known_voice(&self.engine, &self.voices, voice)?;
        if !WORDS_PER_MINUTE.contains(&voice.words_per_minute) {
            return Err(SynthesisError::Pace {
                words_per_minute: voice.words_per_minute,
                min: *WORDS_PER_MINUTE.start(),
                max: *WORDS_PER_MINUTE.end(),
            });
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Synthesizer for Espeak {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn parallel(&self) -> NonZeroUsize {
        self.parallel
    }

    fn wording<'a>(&self, sentence: &'a Sentence) -> Cow<'a, str> {
        without_brackets(sentence.as_str())
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        self.check(voice)?;
        let amplitude = self.amplitude.to_string();
        let pace = voice.words_per_minute.to_string();
        // -b 1: UTF-8 whatever the locale; -z: no pause at the end, pauses are ours.
        let arguments =
            ["-v", &voice.id, "-s", &pace, "-a", &amplitude, "-b", "1", "-z", "--stdin", "--stdout"];
        let text = without_brackets(text);
        let text = if voice.id.starts_with("vi") { respell(&text) } else { Cow::Borrowed(&*text) };
        self.program.run(arguments, &text).await
    }
}

/// The voices of espeak-ng 1.49 and later that bulletins need.
fn voices() -> Vec<VoiceInfo> {
    let voice = |id: &str, language: &str, label_vi: &str, label_en: &str| VoiceInfo {
        id: id.to_owned(),
        language: language.to_owned(),
        label_vi: label_vi.to_owned(),
        label_en: label_en.to_owned(),
    };
    vec![
        voice("vi", "vi", "Giọng miền Bắc", "Northern"),
        voice("vi-vn-x-central", "vi", "Giọng miền Trung", "Central"),
        voice("vi-vn-x-south", "vi", "Giọng miền Nam", "Southern"),
        voice("en", "en", "Tiếng Anh", "English"),
        voice("fr", "fr", "Tiếng Pháp", "French"),
        voice("de", "de", "Tiếng Đức", "German"),
        voice("es", "es", "Tiếng Tây Ban Nha", "Spanish"),
        voice("it", "it", "Tiếng Ý", "Italian"),
        voice("ru", "ru", "Tiếng Nga", "Russian"),
        voice("cmn", "zh", "Tiếng Trung", "Chinese"),
        voice("ko", "ko", "Tiếng Hàn", "Korean"),
    ]
}

/// Every bracket goes, not only pairs: taking `]]` out of `[]][` would make a new `[[`.
fn without_brackets(text: &str) -> Cow<'_, str> {
    if text.contains(['[', ']']) { Cow::Owned(text.replace(['[', ']'], " ")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bracket_reaches_the_engine() {
        for text in ["họp [[h@l'oU]] tại xã", "[]][", "[[[", "a]]]b"] {
            assert!(!without_brackets(text).contains(['[', ']']), "{text}");
        }
    }
}
