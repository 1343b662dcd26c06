//! Why nothing was spoken.

use std::path::PathBuf;
use std::time::Duration;

use crate::pcm::PcmError;

/// Why nothing was spoken. None of these holds a secret.
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
    #[error("the speech engine {engine} was given up on after {} ms on one sentence", limit.as_millis())]
    TimedOut {
        /// The engine.
        engine: String,
        /// Time that it had.
        limit: Duration,
    },
    /// The engine's settings can't be used.
    #[error("the speech engine {engine} can't be used as it is set: {problem}")]
    Settings {
        /// The engine.
        engine: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// The engine's server could not be reached, or the connection broke.
    #[error(
        "the server of the speech engine {engine} could not be reached: check the network and its address"
    )]
    Unreachable {
        /// The engine.
        engine: String,
        /// What the network said, without the address.
        #[source]
        source: reqwest::Error,
    },
    /// The engine's server answered with a status that is no success.
    #[error("the server of the speech engine {engine} answered {status}{}: {}", said(message), advice(*status))]
    Refused {
        /// The engine.
        engine: String,
        /// HTTP status.
        status: u16,
        /// What it said, at most 300 characters; may be empty.
        message: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The engine answered in its own words that it won't speak.
    #[error("the speech engine {engine} would not speak (its code {code}){}", said(message))]
    Declined {
        /// The engine.
        engine: String,
        /// Its code.
        code: String,
        /// What it said, at most 300 characters; may be empty.
        message: String,
    },
    /// The engine took the text, and the sound was not ready in time.
    #[error("the speech engine {engine} had no sound ready after {} s", waited.as_secs())]
    NotReady {
        /// The engine.
        engine: String,
        /// Time that it had.
        waited: Duration,
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
    /// Words are marked as a language's that neither the engine nor its guest speaks.
    #[error("the speech engine {engine} has no voice for the words that are marked as {language:?}")]
    NoVoiceOf {
        /// The engine.
        engine: String,
        /// BCP 47 tag.
        language: String,
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
    /// The worker thread was stopped or panicked.
    #[error("the audio worker ended early")]
    Worker(#[from] tokio::task::JoinError),
    /// Nothing was left to speak.
    #[error("the text holds nothing that can be spoken")]
    NothingToSay,
}

impl SynthesisError {
    /// Whether the same engine may succeed later though nobody changes anything.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::EngineIo { .. }
            | Self::TimedOut { .. }
            | Self::Unreachable { .. }
            | Self::NotReady { .. }
            | Self::Worker(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::EngineMissing { .. }
            | Self::EngineFailed { .. }
            | Self::Settings { .. }
            | Self::Declined { .. }
            | Self::UnknownVoice { .. }
            | Self::NoVoiceOf { .. }
            | Self::Pace { .. }
            | Self::BadAudio { .. }
            | Self::Pcm { .. }
            | Self::NothingToSay => false,
        }
    }

    /// Whether it is about what was to be spoken and how, so that the engine may well speak the next text: a voice or a
    /// pace that it does not have, its own refusal of a text, an answer of 4xx. Not those that are about the account
    /// (401, 402, 403), about too many requests (429), or that pass by themselves.
    #[must_use]
    pub const fn is_about_the_text(&self) -> bool {
        match self {
            Self::UnknownVoice { .. }
            | Self::NoVoiceOf { .. }
            | Self::Pace { .. }
            | Self::Declined { .. }
            | Self::NothingToSay => true,
            Self::Refused { status, .. } => {
                matches!(status, 400..=499) && !matches!(status, 401..=403 | 408 | 425 | 429)
            }
            Self::EngineMissing { .. }
            | Self::EngineIo { .. }
            | Self::EngineFailed { .. }
            | Self::TimedOut { .. }
            | Self::Settings { .. }
            | Self::Unreachable { .. }
            | Self::NotReady { .. }
            | Self::BadAudio { .. }
            | Self::Pcm { .. }
            | Self::Worker(_) => false,
        }
    }

    /// How long the engine asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

const fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => "it points to another address; set the right one, secrets are not sent elsewhere",
        401 | 403 => "check the engine's secret and what it is allowed to do",
        402 => "check the account's balance",
        404 => "check the engine's address",
        413 | 414 => "the sentence is too long for it",
        429 => "too many requests; set a lower rate for it",
        500..=599 => "its server is in trouble; try again later",
        _ => "check the engine's settings and voice",
    }
}
