//! Voices: from spoken text to sound.
//!
//! A [`Synthesizer`] speaks one sentence; [`speak_text`] cuts a text at its sentences, speaks
//! them in a bounded number of workers and joins them with pauses of our own, because engines shorten or ignore
//! theirs. An engine that isn't ours stays outside the process or behind HTTP.

mod answer;
mod error;
mod espeak;
mod guest;
mod http;
mod join;
mod piper;
mod program;
mod respell;
mod speaker;

use std::borrow::Cow;
use std::num::NonZeroUsize;

pub use error::SynthesisError;
pub use espeak::{Espeak, EspeakConfig};
pub use guest::WithGuest;
pub use http::{HttpEngine, HttpSettings, Kind};
pub(crate) use join::speak_sentences;
pub use join::{Pauses, speak_text};
pub use piper::{Piper, PiperConfig};
pub(crate) use speaker::{Speaker, voice_of};

use crate::normalize::Sentence;

/// Which engine spoke; part of the key of what it made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Engine {
    /// Such as `espeak-ng`.
    pub name: String,
    /// The engine's own version and whatever else changes its sound for the same text.
    pub version: String,
}

/// A voice that an engine offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VoiceInfo {
    /// The engine's name for it, as [`Voice::id`] takes it.
    pub id: String,
    /// BCP 47 tag of the language that it speaks.
    pub language: String,
    /// For people, in Vietnamese.
    pub label_vi: String,
    /// For people, in English.
    pub label_en: String,
}

/// A voice and its pace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Voice {
    /// One of the engine's [`VoiceInfo::id`].
    pub id: String,
    /// Pace in the engine's words a minute; outdoors 120 to 130 is clearest.
    pub words_per_minute: u16,
}

impl Default for Voice {
    /// Northern Vietnamese at 125 words a minute, about 170 syllables.
    fn default() -> Self {
        Self { id: "vi".to_owned(), words_per_minute: 125 }
    }
}

/// An engine that turns a sentence into sound.
///
/// An adapter fetches a sound file and looks into none: files of every kind are read in one place.
#[async_trait::async_trait]
pub trait Synthesizer: Send + Sync {
    /// Name and version.
    fn engine(&self) -> &Engine;

    /// The voices on offer.
    fn voices(&self) -> &[VoiceInfo];

    /// How many sentences it may speak at the same time.
    fn parallel(&self) -> NonZeroUsize;

    /// Another engine, for words that are marked as a language's that no voice of this one speaks.
    fn guest(&self) -> Option<&dyn Synthesizer> {
        None
    }

    /// What the engine is given for a sentence, which is not always what people would write.
    fn wording<'a>(&self, sentence: &'a Sentence) -> Cow<'a, str> {
        Cow::Borrowed(sentence.as_str())
    }

    /// Speaks a [`wording`](Self::wording): the bytes of one sound file. Dropping the future stops the work.
    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError>;
}

/// Words a minute, in espeak-ng's count, that an engine is taken to speak at its own speed where nobody has set it: about
/// 210 syllables.
pub const NATURAL_WORDS_PER_MINUTE: u16 = 155;

/// How much faster than by itself an engine has to speak, for one that knows a factor rather than a pace.
fn speed(voice: &Voice, natural_words_per_minute: u16) -> f64 {
    f64::from(voice.words_per_minute) / f64::from(natural_words_per_minute.max(1))
}

/// Refuses a voice that the engine was not declared with.
fn known_voice(engine: &Engine, voices: &[VoiceInfo], voice: &Voice) -> Result<(), SynthesisError> {
    if voices.iter().any(|known| known.id == voice.id) {
        return Ok(());
    }
    let known: Vec<&str> = voices.iter().map(|known| known.id.as_str()).collect();
    Err(SynthesisError::UnknownVoice {
        engine: engine.name.clone(),
        voice: voice.id.clone(),
        known: known.join(", "),
    })
}
