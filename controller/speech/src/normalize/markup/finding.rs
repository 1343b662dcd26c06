//! What went wrong with a command, for staff to see before it airs.

use std::ops::Range;

use super::{PAUSE_MAX_MS, PAUSE_MIN_MS, PAUSES_MAX_MS};

/// What is wrong with a stretch that looks like a command. Names are as they were typed, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// No command has this name.
    UnknownCommand {
        /// The name.
        name: String,
        /// The command that was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// No language has this name or code.
    UnknownLanguage {
        /// The name.
        name: String,
        /// The language that was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// Nobody speaks this language but people: the words are not read at all.
    NoVoice {
        /// The name.
        name: String,
        /// BCP 47 tag.
        language: &'static str,
    },
    /// The command's name stands without its colon.
    NoColon {
        /// The name.
        name: String,
    },
    /// The bracket isn't closed on its line.
    Unclosed {
        /// The name.
        name: String,
    },
    /// A command inside one that can't hold it.
    Nested {
        /// The name.
        name: String,
    },
    /// A command with nothing to say.
    Empty {
        /// The name.
        name: String,
    },
    /// A pause that is none, or shorter or longer than pauses may be.
    PauseLength {
        /// The length.
        length: String,
    },
    /// This pause would make all pauses together longer than they may be.
    PausesInAll,
    /// What is in it isn't what the command says.
    NotThat {
        /// The name in data of what it should be: `number`, `date`, `time`, `roman`, `telephone`, `score`.
        kind: &'static str,
        /// What it is.
        content: String,
    },
}

impl Problem {
    /// Its name in data and in messages.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownCommand { .. } => "unknown-command",
            Self::UnknownLanguage { .. } => "unknown-language",
            Self::NoVoice { .. } => "no-voice",
            Self::NoColon { .. } => "no-colon",
            Self::Unclosed { .. } => "unclosed",
            Self::Nested { .. } => "nested",
            Self::Empty { .. } => "empty",
            Self::PauseLength { .. } => "pause-length",
            Self::PausesInAll => "pauses-in-all",
            Self::NotThat { .. } => "not-that",
        }
    }

    /// The values that a message about it needs, by their names. Lengths are in seconds.
    #[must_use]
    pub fn args(&self) -> Vec<(&'static str, String)> {
        let seconds = |ms: u32| match ms % 1_000 {
            0 => (ms / 1_000).to_string(),
            rest => format!("{},{}", ms / 1_000, rest / 100),
        };
        match self {
            Self::UnknownCommand { name, nearest } | Self::UnknownLanguage { name, nearest } => {
                vec![("name", name.clone()), ("nearest", nearest.unwrap_or_default().to_owned())]
            }
            Self::NoVoice { name, language } => {
                vec![("name", name.clone()), ("language", (*language).to_owned())]
            }
            Self::NoColon { name }
            | Self::Unclosed { name }
            | Self::Nested { name }
            | Self::Empty { name } => {
                vec![("name", name.clone())]
            }
            Self::PauseLength { length } => vec![
                ("length", length.clone()),
                ("least", seconds(PAUSE_MIN_MS)),
                ("most", seconds(PAUSE_MAX_MS)),
            ],
            Self::PausesInAll => vec![("most", seconds(PAUSES_MAX_MS))],
            Self::NotThat { kind, content } => {
                vec![("kind", (*kind).to_owned()), ("content", content.clone())]
            }
        }
    }
}

/// A command that went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MarkupFinding {
    /// What is wrong.
    pub problem: Problem,
    /// Its bytes in the text as it was typed; whole characters.
    pub bytes: Range<usize>,
}
