//! Speaking a track: one engine after the other, until one has spoken the whole of it.
//!
//! **Invariants.** A track is spoken by one voice throughout, but for words that its writer marked as another language's: when an engine fails in the middle, the next one begins at the
//! beginning. What was made is remembered under the recipe of the engine that made it, so a track that another engine
//! spoke while the preferred one was away is made by the preferred one the next time.

use loa_protocol::bulletin::Language;
use loa_protocol::ids::ObjectHash;
use loa_speech::{Normalizer, Recipe, Reporter, SpeechError, SynthesisError, Voice, speak};
use tokio::time::Instant;

use super::voices::Cast;
use super::{Maker, MakingFailed, words};
use crate::domain::bulletin::{MakingError, Spoken};
use crate::store::speech_jobs::SpeechJob;
use crate::store::{StoreError, bulletins};

/// What a track asks for.
pub(super) struct Wish<'a> {
    pub(super) text: &'a str,
    /// The author's choice; `None`: the usual one.
    pub(super) voice: Option<&'a str>,
    pub(super) words_per_minute: Option<u16>,
}

impl Maker {
    /// Speaks a track.
    pub(super) async fn speak(
        &self,
        job: &SpeechJob,
        wish: Wish<'_>,
        reporter: &Reporter,
    ) -> Result<(ObjectHash, Spoken), MakingFailed> {
        let config = &self.settings.speech;
        let max_bytes = self.settings.limits.text_max_chars.saturating_mul(4);
        let text = loa_speech::text::check(wish.text, max_bytes)?.text;
        let mut tx = self.settings.store.read().await?;
        let bulletin = bulletins::get(&mut tx, &job.bulletin).await?.ok_or(StoreError::Reference)?;
        let reader = self.readers.of(&mut tx, &bulletin.path).await?;
        drop(tx);
        let language = &job.track.content.language;
        let as_written = Normalizer::as_written();
        let (normalizer, words_digest) = if *language == Language::vietnamese() {
            (&reader.normalizer, reader.words_digest.as_str())
        } else {
            (&as_written, "")
        };
        let words_per_minute = wish.words_per_minute.unwrap_or(config.words_per_minute);
        let mut instead: Option<MakingError> = None;
        let mut failed: Option<SynthesisError> = None;
        for cast in self.voices.cast(language, &bulletin.path, wish.voice) {
            let by = cast.name();
            let recipe =
                Recipe { voice: Voice { id: cast.voice.clone(), words_per_minute }, ..Recipe::default() };
            match self.speak_by(&cast, &text, &recipe, normalizer, reporter).await {
                Ok(hash) => {
                    let instead = instead.map(|why| words::instead(cast.engine, why));
                    return Ok((hash, Spoken { by, words_digest: words_digest.to_owned(), instead }));
                }
                Err(Unspoken::Resting(why)) => {
                    instead.get_or_insert(why);
                }
                Err(Unspoken::Synthesis(error)) => {
                    cast.failed(Instant::now(), &error);
                    instead.get_or_insert_with(|| words::synthesis(&error));
                    // What passes is worth another attempt; of the rest the last is the embedded engine's.
                    if failed.as_ref().is_none_or(|before| !before.passes()) {
                        let engine = cast.engine;
                        let shown = format!("{error:#}");
                        tracing::warn!(track = %job.track.id, engine, error = shown, "an engine did not speak");
                        failed = Some(error);
                    }
                }
                Err(Unspoken::Other(error)) => return Err(error),
            }
        }
        let nobody = || SynthesisError::Settings {
            engine: "?".to_owned(),
            problem: format!("no engine has a voice that speaks {language}"),
        };
        Err(MakingFailed::Speech(failed.unwrap_or_else(nobody).into()))
    }

    async fn speak_by(
        &self,
        cast: &Cast<'_>,
        text: &loa_speech::CleanText,
        recipe: &Recipe,
        normalizer: &Normalizer,
        reporter: &Reporter,
    ) -> Result<ObjectHash, Unspoken> {
        let engine = self.voices.engine(cast, text).await?;
        let key = recipe.key(text, normalizer, engine.as_ref()).to_string();
        if let Some(made) = self.made(&key).await.map_err(MakingFailed::from)? {
            return Ok(made);
        }
        if let Some(why) = cast.resting(Instant::now()) {
            return Err(Unspoken::Resting(why));
        }
        let object =
            match speak(text, recipe, normalizer, engine.as_ref(), self.settings.cache.as_ref(), reporter)
                .await
            {
                Ok(object) => object,
                Err(SpeechError::Synthesis(error)) => return Err(error.into()),
                // Such as a sound that is silence throughout: another engine may do better.
                Err(SpeechError::Finish(error)) if !cast.is_embedded() => {
                    let (engine, reason) = (cast.engine.to_owned(), error.to_string());
                    return Err(SynthesisError::BadAudio { engine, reason }.into());
                }
                Err(error) => return Err(MakingFailed::Speech(error).into()),
            };
        cast.succeeded();
        Ok(self.keep(&key, object).await?)
    }
}

/// Why one engine did not speak.
enum Unspoken {
    /// It failed a moment ago.
    Resting(MakingError),
    /// It failed.
    Synthesis(SynthesisError),
    /// No other engine would do better.
    Other(MakingFailed),
}

impl From<SynthesisError> for Unspoken {
    fn from(error: SynthesisError) -> Self {
        Self::Synthesis(error)
    }
}

impl From<MakingFailed> for Unspoken {
    fn from(error: MakingFailed) -> Self {
        Self::Other(error)
    }
}
