//! An engine with another one beside it, for words in languages that it doesn't speak.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{Engine, SynthesisError, Synthesizer, Voice, VoiceInfo};
use crate::normalize::Sentence;

/// An engine that speaks a track, and a guest for the words that are marked as another language's.
#[derive(Clone)]
pub struct WithGuest {
    engine: Arc<dyn Synthesizer>,
    guest: Arc<dyn Synthesizer>,
}

impl WithGuest {
    /// `guest` is asked only for languages that none of `engine`'s voices speaks.
    #[must_use]
    pub fn new(engine: Arc<dyn Synthesizer>, guest: Arc<dyn Synthesizer>) -> Self {
        Self { engine, guest }
    }
}

#[async_trait::async_trait]
impl Synthesizer for WithGuest {
    fn engine(&self) -> &Engine {
        self.engine.engine()
    }

    fn voices(&self) -> &[VoiceInfo] {
        self.engine.voices()
    }

    fn parallel(&self) -> NonZeroUsize {
        self.engine.parallel()
    }

    fn wording<'a>(&self, sentence: &'a Sentence) -> Cow<'a, str> {
        self.engine.wording(sentence)
    }

    fn guest(&self) -> Option<&dyn Synthesizer> {
        Some(&*self.guest)
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        self.engine.synthesize(text, voice).await
    }
}
