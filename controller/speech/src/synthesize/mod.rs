//! Voices: from spoken text to sound.
//!
//! A [`Synthesizer`] speaks one sentence; [`speak_text`] cuts a text at its sentences, speaks
//! them in a bounded number of workers and joins them with pauses of our own, because engines shorten or ignore
//! theirs. An engine that isn't ours stays outside the process or behind HTTP.

mod espeak;
mod join;
mod wav;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use espeak::{Espeak, EspeakConfig};
pub use join::{Pauses, speak_text};

use crate::normalize::Sentence;
use crate::pcm::{Pcm, PcmError};

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
/// The same sentence, voice and [`Engine`] must give the same samples.
#[async_trait::async_trait]
pub trait Synthesizer: Send + Sync {
    /// Name and version.
    fn engine(&self) -> &Engine;

    /// The voices on offer.
    fn voices(&self) -> &[VoiceInfo];

    /// How many sentences it may speak at the same time.
    fn parallel(&self) -> NonZeroUsize;

    /// Speaks one sentence. Dropping the future stops the work.
    async fn synthesize(&self, sentence: &Sentence, voice: &Voice) -> Result<Pcm, SynthesisError>;
}

/// Why nothing was spoken.
#[derive(Debug, thiserror::Error)]
pub enum SynthesisError {
    /// The engine isn't installed.
    #[error("the speech engine {} is not installed: run `{install}`", program.display())]
    EngineMissing {
        /// The program that was looked for.
        program: PathBuf,
        /// The command that installs it.
        install: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The engine is there and could not be run or talked to.
    #[error("the speech engine {} could not be run: {action} failed", program.display())]
    EngineIo {
        /// The program.
        program: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The engine ended with an error.
    #[error("the speech engine {} failed ({status}): {message}", program.display())]
    EngineFailed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote to its error output, at most 500 characters.
        message: String,
    },
    /// The engine took too long and was stopped.
    #[error("the speech engine {} was stopped after {} ms on one sentence", program.display(), limit.as_millis())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// Time that it had.
        limit: Duration,
    },
    /// The engine has no such voice.
    #[error("the speech engine {engine} has no voice {voice:?}; it has: {known}")]
    UnknownVoice {
        /// The engine.
        engine: String,
        /// The voice that was asked for.
        voice: String,
        /// Its voices, with commas.
        known: String,
    },
    /// A pace that the engine can't keep.
    #[error("{words_per_minute} words a minute is outside {min} to {max}")]
    Pace {
        /// The pace that was asked for.
        words_per_minute: u16,
        /// Slowest.
        min: u16,
        /// Fastest.
        max: u16,
    },
    /// What the engine gave isn't the sound that was asked for.
    #[error("the speech engine {engine} gave no usable sound: {reason}")]
    BadAudio {
        /// The engine.
        engine: String,
        /// What was wrong with it.
        reason: String,
    },
    /// The engine's sound can't be processed.
    #[error("the sound of the speech engine {engine} can't be used")]
    Pcm {
        /// The engine.
        engine: String,
        /// Why.
        #[source]
        source: PcmError,
    },
    /// Nothing was left to speak.
    #[error("the text holds nothing that can be spoken")]
    NothingToSay,
}
