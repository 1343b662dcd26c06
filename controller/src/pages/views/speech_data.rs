//! The speech data set: making an export, and fetching it.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::Choice;
use crate::pages::format::Moment;
use crate::pages::shell::Shell;

/// `GET /speech-data`, for whoever administers the whole installation. Field `language`, posted to `/speech-data`.
#[derive(Clone, Debug, Template)]
#[template(path = "speech_data.html")]
pub struct SpeechDataPage {
    /// Surroundings.
    pub shell: Shell,
    /// Languages to choose from.
    pub languages: Vec<Choice>,
    /// Where the export stands.
    pub export: ExportCard,
}

/// Where the export stands.
#[derive(Clone, Debug)]
pub enum ExportCard {
    /// There is none.
    None,
    /// Being made.
    Running {
        /// Recordings that were read.
        done: usize,
        /// Recordings to read.
        all: usize,
    },
    /// `GET /api/v1/speech-data/archive`.
    Ready {
        /// Recordings in it.
        recordings: usize,
        /// Their speakers.
        speakers: usize,
        /// Their length, milliseconds.
        duration_ms: u64,
        /// Recordings that did not go in.
        left_out: usize,
        /// When it was made.
        made_at: Moment,
    },
    /// It could not be made.
    Failed,
}
