//! One sentence as sound: which voice says it, at what pace, and where it is remembered.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Engine, SynthesisError, Synthesizer, Voice, answer};
use crate::cache::SoundCache;
use crate::normalize::{Sentence, Style};
use crate::pcm::Pcm;
use crate::recipe::{Fingerprint, RecipeKey};

/// What is emphasised is spoken at this share of the pace. Slower, espeak-ng's tones come apart.
const EMPHASIS_PERCENT: u16 = 80;
/// No engine is asked to speak slower than espeak-ng can.
const SLOWEST_WORDS_PER_MINUTE: u16 = 80;

/// Who speaks, and where what was spoken is remembered.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) engine: &'a dyn Synthesizer,
    pub(crate) voice: &'a Voice,
    pub(crate) cache: Option<&'a Arc<SoundCache>>,
}

/// An engine that is asked for one sentence, and how.
struct Role<'a> {
    engine: &'a dyn Synthesizer,
    voice: Cow<'a, Voice>,
}

impl<'a> Speaker<'a> {
    /// Names what is made of a sentence: everything that decides its sound.
    pub(crate) fn key(&self, sentence: &Sentence) -> Result<RecipeKey, SynthesisError> {
        let role = self.role(sentence.style())?;
        Ok(role.key(&role.engine.wording(sentence)))
    }

    /// One sentence as sound: remembered, or spoken and then remembered as the engine sent it.
    pub(super) async fn speak(&self, sentence: &Sentence) -> Result<Pcm, SynthesisError> {
        let role = self.role(sentence.style())?;
        let wording = role.engine.wording(sentence);
        let key = role.key(&wording);
        let name = role.engine.engine().name.clone();
        if let Some(cache) = self.cache {
            let (cache, name) = (Arc::clone(cache), name.clone());
            let known = move || cache.get(&key).and_then(|sound| answer::decode(&name, sound).ok());
            if let Some(pcm) = tokio::task::spawn_blocking(known).await? {
                return Ok(pcm);
            }
        }
        let sound = role.engine.synthesize(&wording, &role.voice).await?;
        let cache = self.cache.map(Arc::clone);
        let decode = move || {
            let pcm = answer::decode(&name, sound.clone())?;
            if let Some(cache) = cache.filter(|_| !pcm.samples().is_empty()) {
                cache.put(&key, &sound);
            }
            Ok(pcm)
        };
        tokio::task::spawn_blocking(decode).await?
    }

    fn role(&self, style: Style) -> Result<Role<'a>, SynthesisError> {
        let mut role = match style.language {
            None => Role { engine: self.engine, voice: Cow::Borrowed(self.voice) },
            Some(language) => {
                let (engine, id) = voice_of(self.engine, self.voice, language).ok_or_else(|| {
                    let engine = self.engine.engine().name.clone();
                    SynthesisError::NoVoiceOf { engine, language: language.to_owned() }
                })?;
                Role { engine, voice: Cow::Owned(Voice { id: id.to_owned(), ..self.voice.clone() }) }
            }
        };
        if style.emphasis {
            let pace = &mut role.voice.to_mut().words_per_minute;
            let slower = u32::from(*pace) * u32::from(EMPHASIS_PERCENT) / 100;
            *pace = u16::try_from(slower).unwrap_or(*pace).max(SLOWEST_WORDS_PER_MINUTE).min(*pace);
        }
        Ok(role)
    }
}

impl Role<'_> {
    fn key(&self, wording: &str) -> RecipeKey {
        let Engine { name, version } = self.engine.engine();
        let Voice { id, words_per_minute } = &*self.voice;
        let mut key = Fingerprint::lasting("sentence");
        key.text("engine", name).text("engine-version", version);
        key.text("voice", id).number("words-per-minute", (*words_per_minute).into());
        key.text("wording", wording);
        key.end()
    }
}

/// Who says words of a language in a track: the track's own voice if it's that language's, else the engine's first voice of
/// it, else the guest's; with the voice's id.
pub(crate) fn voice_of<'a>(
    engine: &'a dyn Synthesizer,
    own: &'a Voice,
    language: &str,
) -> Option<(&'a dyn Synthesizer, &'a str)> {
    let speaks = |tag: &str| tag.split('-').next() == Some(language);
    let of = |engine: &'a dyn Synthesizer| {
        let mut voices = engine.voices().iter().filter(|voice| speaks(&voice.language));
        voices.next().map(|voice| (engine, voice.id.as_str()))
    };
    let is_own = engine.voices().iter().any(|voice| voice.id == own.id && speaks(&voice.language));
    if is_own {
        return Some((engine, own.id.as_str()));
    }
    of(engine).or_else(|| engine.guest().and_then(of))
}
