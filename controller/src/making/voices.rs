//! Who speaks a track: the engines at hand, and the order in which they are asked.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_speech::normalize::markup;
use loa_speech::{CleanText, Espeak, EspeakConfig, SynthesisError, Synthesizer, VoiceInfo, WithGuest};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::words;
use crate::config::{EMBEDDED, SpeechConfig};
use crate::domain::bulletin::MakingError;

/// The engines.
pub(super) struct Voices {
    config: SpeechConfig,
    /// Found once; looked for again while it is missing, since somebody may be installing it.
    embedded: Mutex<Option<Arc<Espeak>>>,
    declared: Vec<Declared>,
}

struct Declared {
    name: String,
    engine: Arc<dyn Synthesizer>,
    breaker: std::sync::Mutex<Breaker>,
}

/// An engine with the voice that it would speak a track with.
pub(super) struct Cast<'a> {
    /// The engine's name.
    pub(super) engine: &'a str,
    /// The voice's id.
    pub(super) voice: String,
    /// `None`: the embedded one.
    declared: Option<&'a Declared>,
}

impl Voices {
    pub(super) fn new(config: &SpeechConfig) -> Self {
        let declared = config.engines.iter().filter_map(|engine| match engine.build() {
            Ok(built) => Some(Declared {
                name: engine.name.clone(),
                engine: built,
                breaker: std::sync::Mutex::default(),
            }),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(engine = engine.name, error, "this speech engine is left out");
                None
            }
        });
        Self { declared: declared.collect(), embedded: Mutex::new(None), config: config.clone() }
    }

    /// Who is asked for a track, one after the other: the voice that the author chose, then the order of the nearest
    /// area, and last the engine that is always there.
    pub(super) fn cast(&self, language: &Language, area: &AreaPath, chosen: Option<&str>) -> Vec<Cast<'_>> {
        // The usual voice is what the form sends when nobody chose.
        let chosen = chosen.filter(|voice| *voice != self.config.voice).map(|voice| self.named(voice));
        let mut names: Vec<&str> = chosen.iter().map(|(engine, _)| *engine).collect();
        for name in self.config.order(language.as_str(), area).iter().map(String::as_str).chain([EMBEDDED]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let voice_of = |name: &str| match &chosen {
            Some((engine, voice)) if *engine == name => Some((*voice).to_owned()),
            _ => self.usual_voice(name, language),
        };
        let declared = |name: &str| self.declared.iter().find(|declared| declared.name == name);
        names
            .into_iter()
            .filter(|name| *name == EMBEDDED || declared(name).is_some())
            .filter_map(|engine| {
                let (voice, declared) = (voice_of(engine)?, declared(engine));
                Some(Cast { engine: declared.map_or(EMBEDDED, |d| d.name.as_str()), voice, declared })
            })
            .collect()
    }

    /// A voice as tracks name it: `engine/voice`, or a voice of the embedded engine.
    fn named<'a>(&self, voice: &'a str) -> (&'a str, &'a str) {
        match voice.split_once('/') {
            Some((engine, voice)) if engine == EMBEDDED || self.declared.iter().any(|d| d.name == engine) => {
                (engine, voice)
            }
            _ => (EMBEDDED, voice),
        }
    }

    /// The voice with which an engine speaks a language when nobody chose one.
    fn usual_voice(&self, engine: &str, language: &Language) -> Option<String> {
        let first = |voices: &[VoiceInfo]| {
            voices.iter().find(|voice| voice.language == language.as_str()).map(|voice| voice.id.clone())
        };
        if let Some(declared) = self.declared.iter().find(|declared| declared.name == engine) {
            return first(declared.engine.voices());
        }
        let voices = Espeak::known_voices();
        let set = &self.config.voice;
        let set_language = voices.iter().find(|voice| voice.id == *set).map(|voice| voice.language.as_str());
        // A voice that espeak-ng does not have is meant for Vietnamese, and refused by name when it is to speak.
        if set_language.unwrap_or("vi") == language.as_str() {
            return Some(set.clone());
        }
        first(&voices)
    }

    /// The engine itself; where words of the text are marked as another language's, with the one that is always there beside
    /// it.
    pub(super) async fn engine(
        &self,
        cast: &Cast<'_>,
        text: &CleanText,
    ) -> Result<Arc<dyn Synthesizer>, SynthesisError> {
        let Some(declared) = cast.declared else { return self.embedded().await };
        let engine = Arc::clone(&declared.engine);
        if markup::languages(text.as_str()).is_empty() {
            return Ok(engine);
        }
        match self.embedded().await {
            Ok(guest) => Ok(Arc::new(WithGuest::new(engine, guest))),
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(
                    cast.engine,
                    error,
                    "nobody is there to speak words marked as another language's"
                );
                Ok(engine)
            }
        }
    }

    /// The engine that is always there.
    async fn embedded(&self) -> Result<Arc<dyn Synthesizer>, SynthesisError> {
        let mut found = self.embedded.lock().await;
        if let Some(engine) = found.as_ref() {
            return Ok(Arc::clone(engine) as Arc<dyn Synthesizer>);
        }
        let config = EspeakConfig { program: PathBuf::from(&self.config.program), ..EspeakConfig::default() };
        let engine = Arc::new(Espeak::find(config).await?);
        *found = Some(Arc::clone(&engine));
        Ok(engine)
    }
}

impl Cast<'_> {
    /// `engine/voice`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.engine, self.voice)
    }

    /// Whether it is the engine that is always there.
    pub(super) const fn is_embedded(&self) -> bool {
        self.declared.is_none()
    }

    /// Why it is not asked now. The embedded engine never rests: after it there is none.
    pub(super) fn resting(&self, now: Instant) -> Option<MakingError> {
        let breaker = self.declared?.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.resting(now).cloned()
    }

    /// It could not speak a track.
    pub(super) fn failed(&self, now: Instant, error: &SynthesisError) {
        // A text that it will not speak is no reason to keep the next one from it.
        if let Some(declared) = self.declared.filter(|_| !error.is_about_the_text()) {
            let mut breaker = declared.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            breaker.failed(now, error.retry_after(), words::synthesis(error));
        }
    }

    /// It spoke a track.
    pub(super) fn succeeded(&self) {
        if let Some(declared) = self.declared {
            declared.breaker.lock().unwrap_or_else(PoisonError::into_inner).succeeded();
        }
    }
}
