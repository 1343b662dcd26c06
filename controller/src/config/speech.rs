//! Turning text into speech.

mod engines;
mod offered;
mod orders;

use loa_speech::normalize::{Options, Region};
use serde::Deserialize;

pub use engines::{EMBEDDED, EngineConfig, EngineKind, VoiceConfig};
pub use offered::Offered;
pub use orders::OrderConfig;

use crate::domain::language::Languages;

/// The speech workers, their engines and voices.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechConfig {
    /// How many tracks are made at the same time.
    pub workers: usize,
    /// Voice of a synthesised track that names none; a voice of espeak-ng.
    pub voice: String,
    /// Whose habits numbers are read with: north ("nghìn", "linh"), central or south ("ngàn", "lẻ").
    pub region: String,
    /// Speed of a synthesised track that names none. 120 is 165 syllables a minute: outdoors, slower is clearer.
    pub words_per_minute: u16,
    /// Languages for which a synthetic voice exists. Text in another language is refused: it needs a recording.
    pub languages: Vec<String>,
    /// The synthesiser's program; found on the PATH when it is a bare name.
    pub program: String,
    /// Room on the disk for sentences that were spoken, in MiB.
    pub cache_max_mib: u64,
    /// Engines besides the embedded espeak-ng.
    pub engines: Vec<EngineConfig>,
    /// Which engines are asked, one after the other. espeak-ng always comes last, named or not.
    pub orders: Vec<OrderConfig>,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            voice: "vi".to_owned(),
            region: "north".to_owned(),
            words_per_minute: 120,
            languages: vec!["vi".to_owned(), "en".to_owned()],
            program: "espeak-ng".to_owned(),
            cache_max_mib: 512,
            engines: Vec::new(),
            orders: Vec::new(),
        }
    }
}

/// A setting that cannot be used: its key, and what is wrong and expected.
pub(super) type Problem = (String, String);

impl SpeechConfig {
    /// Takes the secrets out of the files that hold them.
    pub(super) fn read_secrets(&mut self) -> Result<(), Problem> {
        for (index, engine) in self.engines.iter_mut().enumerate() {
            engine.read_secret().map_err(|problem| (key(index, "secret_file"), problem))?;
        }
        Ok(())
    }

    /// How texts are read, in the way of the region.
    #[must_use]
    pub fn reading(&self) -> Options {
        // A configuration that was loaded names a region that exists.
        let region: Region = self.region.parse().unwrap_or_default();
        Options::of(region)
    }

    /// The rules that one value alone cannot break.
    pub(super) fn check(&self, listed: &Languages) -> Result<(), Problem> {
        let unlisted = |path: String, language: &str| match listed.check(language, &[]) {
            Ok(_) => Ok(()),
            Err(message) => Err((path, message.en.into_owned())),
        };
        for language in &self.languages {
            unlisted("speech.languages".to_owned(), language)?;
        }
        for (index, engine) in self.engines.iter().enumerate() {
            let known = &self.engines[..index];
            engine.check(known).map_err(|(name, problem)| (key(index, name), problem))?;
            for voice in engine.voices() {
                unlisted(key(index, "voices"), &voice.language)?;
            }
        }
        let offered = self.offered();
        if let Some(mute) = self.languages.iter().find(|code| offered.iter().all(|o| o.language != **code)) {
            let problem = format!(
                "no engine has a voice that speaks {mute:?}; such a language is recorded by a person"
            );
            return Err(("speech.languages".to_owned(), problem));
        }
        for (index, order) in self.orders.iter().enumerate() {
            let path = |name: &str| format!("speech.orders[{index}].{name}");
            order
                .check(&self.orders[..index], &self.languages, &self.engines)
                .map_err(|(name, problem)| (path(name), problem))?;
        }
        Ok(())
    }
}

fn key(index: usize, name: &str) -> String {
    format!("speech.engines[{index}].{name}")
}
