//! What an object is made from, so that it isn't made again.

use sha2::{Digest, Sha256};

use crate::master::{Compression, Mastering};
use crate::normalize::{Normalizer, markup};
use crate::object::Finish;
use crate::opus::OpusSettings;
use crate::synthesize::{Engine, Pauses, Synthesizer, Voice, voice_of};
use crate::text::CleanText;

/// Changes whenever this crate would make another sound from the same recipe.
pub const CHAIN_VERSION: &str = "4";

/// Changes whenever this crate would make another sound of the same recording, before it's mastered.
const RECORDING_VERSION: &str = "2";

/// How a text becomes an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// Voice and pace.
    pub voice: Voice,
    /// Silence between the parts.
    pub pauses: Pauses,
    /// Mastering and coder.
    pub finish: Finish,
}

/// Names what a recipe makes from an input: equal keys, same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipeKey([u8; 32]);

impl RecipeKey {
    /// SHA-256 over everything that decides the sound.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for RecipeKey {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Recipe {
    /// The key of what [`speak`](crate::speak) makes of `text`.
    #[must_use]
    pub fn key(&self, text: &CleanText, normalizer: &Normalizer, engine: &dyn Synthesizer) -> RecipeKey {
        let Self { voice: Voice { id, words_per_minute }, pauses, finish } = self;
        let Engine { name, version } = engine.engine();
        let Pauses { clause_ms, sentence_ms, paragraph_ms } = pauses;
        let mut key = Fingerprint::new("speech");
        key.text("text", text.as_str());
        key.text("normalizer", &normalizer.identity());
        key.text("engine", name).text("engine-version", version);
        key.text("voice", id).number("words-per-minute", (*words_per_minute).into());
        key.number("clause-ms", (*clause_ms).into());
        key.number("sentence-ms", (*sentence_ms).into());
        key.number("paragraph-ms", (*paragraph_ms).into());
        if markup::is_marked_up(text.as_str()) {
            key.text("markup", markup::MARKUP_VERSION);
            for language in markup::languages(text.as_str()) {
                key.text("language", language);
                if let Some((engine, voice)) = voice_of(engine, &self.voice, language) {
                    let Engine { name, version } = engine.engine();
                    key.text("its-engine", name).text("its-version", version).text("its-voice", voice);
                }
            }
        }
        key.finish(finish)
    }
}

impl Finish {
    /// The key of what [`master_recording`](crate::master_recording) makes of a file.
    #[must_use]
    pub fn key(&self, recording: &[u8]) -> RecipeKey {
        let mut key = Fingerprint::new("recording");
        key.text("conditioning", RECORDING_VERSION).field("bytes", recording);
        key.finish(self)
    }
}

/// A hash over named fields. Each carries its length, so no two different recipes run together into the same bytes.
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of something that this crate's own sound depends on.
    pub(crate) fn new(kind: &str) -> Self {
        let mut fingerprint = Self::lasting(kind);
        fingerprint.text("chain", CHAIN_VERSION);
        fingerprint
    }

    /// Of something that this crate has no part in, such as what an engine answered.
    pub(crate) fn lasting(kind: &str) -> Self {
        let mut fingerprint = Self(Sha256::new());
        fingerprint.text("loa-speech", kind);
        fingerprint
    }

    pub(crate) fn end(self) -> RecipeKey {
        RecipeKey(self.0.finalize().into())
    }

    pub(crate) fn field(&mut self, name: &str, value: &[u8]) -> &mut Self {
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.field(name, value.as_bytes())
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.field(name, &value.to_le_bytes())
    }

    fn real(&mut self, name: &str, value: f64) -> &mut Self {
        self.field(name, &value.to_bits().to_le_bytes())
    }

    pub(crate) fn finish(mut self, finish: &Finish) -> RecipeKey {
        let Finish { mastering, opus } = finish;
        let Mastering { target_lufs, ceiling_dbtp, high_pass_hz, presence_hz, presence_db, compression } =
            mastering;
        let Compression { threshold_db, ratio, knee_db, attack_ms, release_ms } = compression;
        let OpusSettings { bitrate_bps, complexity } = opus;
        for (name, value) in [
            ("target-lufs", target_lufs),
            ("ceiling-dbtp", ceiling_dbtp),
            ("high-pass-hz", high_pass_hz),
            ("presence-hz", presence_hz),
            ("presence-db", presence_db),
            ("threshold-db", threshold_db),
            ("ratio", ratio),
            ("knee-db", knee_db),
            ("attack-ms", attack_ms),
            ("release-ms", release_ms),
        ] {
            self.real(name, *value);
        }
        self.number("bitrate-bps", (*bitrate_bps).into()).number("complexity", (*complexity).into());
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::synthesize::{SynthesisError, VoiceInfo};
    use crate::text;

    /// An engine that has a name and voices, and is not asked to speak.
    struct Named(Engine, Vec<VoiceInfo>);

    #[async_trait::async_trait]
    impl Synthesizer for Named {
        fn engine(&self) -> &Engine {
            &self.0
        }

        fn voices(&self) -> &[VoiceInfo] {
            &self.1
        }

        fn parallel(&self) -> NonZeroUsize {
            NonZeroUsize::MIN
        }

        async fn synthesize(&self, _: &str, _: &Voice) -> Result<Vec<u8>, SynthesisError> {
            Err(SynthesisError::NothingToSay)
        }
    }

    /// Objects on many disks have such keys.
    #[test]
    fn nothing_of_the_mark_up_is_in_the_key_of_a_text_without_commands() {
        let raw = "Họp lúc 7h30 [tại xã], gọi 115.";
        let text = text::check(raw, text::DEFAULT_MAX_BYTES).unwrap().text;
        let engine = Named(Engine { name: "espeak-ng".to_owned(), version: "1.51".to_owned() }, Vec::new());
        let mut key = Fingerprint::new("speech");
        key.text("text", raw).text("normalizer", &Normalizer::default().identity());
        key.text("engine", "espeak-ng").text("engine-version", "1.51");
        key.text("voice", "vi").number("words-per-minute", 125);
        key.number("clause-ms", 200).number("sentence-ms", 550).number("paragraph-ms", 1_100);
        let recipe = Recipe::default();
        assert_eq!(recipe.key(&text, &Normalizer::default(), &engine), key.finish(&recipe.finish));
    }

    #[test]
    fn who_says_the_words_of_another_language_decides_the_key() {
        let clean = |raw| text::check(raw, text::DEFAULT_MAX_BYTES).unwrap().text;
        let engine = |voice: &str| {
            let voice = VoiceInfo {
                id: voice.to_owned(),
                language: "en".to_owned(),
                label_vi: String::new(),
                label_en: String::new(),
            };
            Named(Engine { name: "cloud".to_owned(), version: "1".to_owned() }, vec![voice])
        };
        let key = |raw, voice| Recipe::default().key(&clean(raw), &Normalizer::default(), &engine(voice));
        assert_ne!(key("gọi [en: hotline]", "amy"), key("gọi [en: hotline]", "bob"));
        assert_eq!(key("gọi hotline", "amy"), key("gọi hotline", "bob"));
        assert_eq!(key("gọi [tiếng K'Ho: niam]", "amy"), key("gọi [tiếng K'Ho: niam]", "bob"));
    }

    #[test]
    fn everything_that_decides_the_sound_decides_the_key() {
        let clean = |raw| text::check(raw, text::DEFAULT_MAX_BYTES).unwrap().text;
        let engine = |version: &str| {
            Named(Engine { name: "espeak-ng".to_owned(), version: version.to_owned() }, Vec::new())
        };
        let (recipe, reader) = (Recipe::default(), Normalizer::default());
        let key = recipe.key(&clean("Xin chào"), &reader, &engine("1.51"));
        assert_eq!(recipe.clone().key(&clean("Xin chào"), &reader, &engine("1.51")), key);
        let mut keys = vec![
            key,
            recipe.key(&clean("Xin chào."), &reader, &engine("1.51")),
            recipe.key(&clean("Xin chào"), &reader, &engine("1.52")),
        ];
        let slower = Voice { words_per_minute: 120, ..Voice::default() };
        keys.push(Recipe { voice: slower, ..recipe.clone() }.key(
            &clean("Xin chào"),
            &reader,
            &engine("1.51"),
        ));
        let pauses = Pauses { sentence_ms: 600, ..Pauses::default() };
        keys.push(Recipe { pauses, ..recipe.clone() }.key(&clean("Xin chào"), &reader, &engine("1.51")));
        let mut finish = Finish::default();
        finish.mastering.compression.ratio = 4.0;
        keys.push(Recipe { finish, ..recipe }.key(&clean("Xin chào"), &reader, &engine("1.51")));
        keys.push(Finish::default().key("Xin chào".as_bytes()));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert_eq!(key.to_string().len(), 64);
    }
}
