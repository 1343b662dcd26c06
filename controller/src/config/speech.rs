//! Turning text into speech.

use serde::Deserialize;

/// The speech workers and their voice.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechConfig {
    /// How many tracks are made at the same time.
    pub workers: usize,
    /// Voice of a synthesised track that names none; a voice of espeak-ng.
    pub voice: String,
    /// Speed of a synthesised track that names none. 120 is 165 syllables a minute: outdoors, slower is clearer.
    pub words_per_minute: u16,
    /// Languages for which a synthetic voice exists. Text in another language is refused: it needs a recording.
    pub languages: Vec<String>,
    /// The synthesiser's program; found on the PATH when it is a bare name.
    pub program: String,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            voice: "vi".to_owned(),
            words_per_minute: 120,
            languages: vec!["vi".to_owned(), "en".to_owned()],
            program: "espeak-ng".to_owned(),
        }
    }
}
