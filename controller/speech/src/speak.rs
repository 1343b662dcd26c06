//! The two ways to an object: a text that is spoken, a recording that was uploaded.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::cache::SoundCache;
use crate::master::MasterError;
use crate::normalize::{Normalizer, Pause, Sentence};
use crate::object::{
    AudioObject, Finish, FinishError, MIN_JOINT_MS, can_be_cut, finish, finish_segment, join_segments,
};
use crate::opus::{Place, Segment};
use crate::progress::{Reporter, Stage};
use crate::recipe::{Fingerprint, Recipe, RecipeKey};
use crate::recording::{RecordingError, RecordingLimits, RecordingReport, prepare_recording};
use crate::synthesize::{Pauses, Speaker, SynthesisError, Synthesizer, speak_sentences};
use crate::text::CleanText;

/// Why there is no object.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The text was not spoken.
    #[error("the text could not be spoken")]
    Synthesis(#[from] SynthesisError),
    /// The recording is refused.
    #[error("the recording can't be used")]
    Recording(#[from] RecordingError),
    /// The sound could not be mastered or coded.
    #[error("the sound could not be made ready for the loudspeakers")]
    Finish(#[from] FinishError),
    /// The worker thread was stopped or panicked.
    #[error("the audio worker ended early")]
    Worker(#[from] tokio::task::JoinError),
}

/// Speaks a text and makes an object of it. The same text, recipe, normaliser and engine give the same bytes; ask
/// [`Recipe::key`] first whether they have been made already. What is remembered in `cache` costs no time again and makes no
/// difference to the bytes.
///
/// Runs the engine's own number of workers; how many texts are spoken at a time is the caller's to bound. Dropping
/// the future stops the engine; mastering, once begun, runs to its end.
///
/// # Errors
/// See [`SpeechError`].
pub async fn speak(
    text: &CleanText,
    recipe: &Recipe,
    normalizer: &Normalizer,
    engine: &dyn Synthesizer,
    cache: Option<&Arc<SoundCache>>,
    progress: &Reporter,
) -> Result<AudioObject, SpeechError> {
    let spoken = normalizer.normalize(text.as_str());
    let speaker = Speaker { engine, voice: &recipe.voice, cache };
    let sentences = spoken.sentences();
    if let Some(object) = speak_in_segments(&speaker, sentences, recipe, progress).await? {
        progress.report(Stage::Done, 0, 0);
        return Ok(object);
    }
    match speak_as_one(&speaker, sentences, &recipe.pauses, &recipe.finish, progress).await {
        // Single words between long pauses: of so much silence no whole is loud enough.
        Err(SpeechError::Finish(
            FinishError::Master(MasterError::OutOfReach { .. }) | FinishError::Overshoot { .. },
        )) if sentences.len() > 1 => {
            speak_as_one(&speaker, sentences, &SHORT_PAUSES, &recipe.finish, progress).await
        }
        made => made,
    }
}

/// Pauses for sentences that are no longer than their pauses.
const SHORT_PAUSES: Pauses = Pauses { clause_ms: 100, sentence_ms: 200, paragraph_ms: 300 };

async fn speak_as_one(
    speaker: &Speaker<'_>,
    sentences: &[Sentence],
    pauses: &Pauses,
    settings: &Finish,
    progress: &Reporter,
) -> Result<AudioObject, SpeechError> {
    let pcm = speak_sentences(speaker, sentences, pauses, progress).await?;
    let (settings, reporter) = (*settings, progress.clone());
    Ok(tokio::task::spawn_blocking(move || finish(pcm, &settings, &reporter)).await??)
}

/// Speaks a text sentence by sentence, each made ready for itself. `None` where that can't be done: a single sentence, one
/// that alone can't be brought to the loudness, settings that don't allow it.
async fn speak_in_segments(
    speaker: &Speaker<'_>,
    sentences: &[Sentence],
    recipe: &Recipe,
    progress: &Reporter,
) -> Result<Option<AudioObject>, SpeechError> {
    let pieces = pieces(sentences, &recipe.pauses);
    if pieces.len() < 2 || !can_be_cut(&recipe.finish) {
        return Ok(None);
    }
    let total = sentences.len();
    progress.report(Stage::Synthesizing, 0, total);
    let work: Vec<_> = pieces.iter().map(|piece| piece.make(speaker, recipe)).collect();
    let mut made = futures_util::stream::iter(work).buffered(speaker.engine.parallel().get());
    let (mut segments, mut done) = (Vec::with_capacity(pieces.len()), 0);
    for piece in &pieces {
        let Some(segment) = made.try_next().await? else { break };
        let Some(segment) = segment else { return Ok(None) };
        segments.push(segment);
        done += piece.sentences.len();
        progress.report(Stage::Synthesizing, done, total);
    }
    let settings = recipe.finish;
    Ok(tokio::task::spawn_blocking(move || join_segments(&segments, &settings)).await??)
}

/// Sentences up to a pause in which a sound can be cut.
struct Piece<'a> {
    sentences: &'a [Sentence],
    /// The pause behind them.
    pause_ms: u32,
    place: Place,
}

fn pieces<'a>(sentences: &'a [Sentence], pauses: &Pauses) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = sentences
        .split_inclusive(|sentence| pauses.after(sentence) >= MIN_JOINT_MS)
        .map(|sentences| {
            let pause_ms = sentences.last().map_or(0, |last| pauses.after(last));
            Piece { sentences, pause_ms, place: Place { first: false, last: false } }
        })
        .collect();
    if let Some(first) = pieces.first_mut() {
        first.place.first = true;
    }
    if let Some(last) = pieces.last_mut() {
        last.place.last = true;
    }
    pieces
}

impl Piece<'_> {
    /// The segment, remembered or made; `None` where it can't be made for itself.
    async fn make(&self, speaker: &Speaker<'_>, recipe: &Recipe) -> Result<Option<Segment>, SpeechError> {
        let key = self.key(speaker, recipe)?;
        if let Some(cache) = speaker.cache {
            let cache = Arc::clone(cache);
            let known = move || cache.get(&key).and_then(|bytes| Segment::from_bytes(&bytes));
            if let Some(segment) = tokio::task::spawn_blocking(known).await? {
                return Ok(Some(segment));
            }
        }
        let pcm = speak_sentences(speaker, self.sentences, &recipe.pauses, &Reporter::silent()).await?;
        let (pause_ms, place, settings) = (self.pause_ms, self.place, recipe.finish);
        let cache = speaker.cache.map(Arc::clone);
        let finish = move || match finish_segment(&pcm, pause_ms, place, &settings) {
            Ok(segment) => {
                if let Some(cache) = cache {
                    cache.put(&key, &segment.to_bytes());
                }
                Ok(Some(segment))
            }
            // A sound without a voice, or too short and sharp to be made loud by itself.
            Err(FinishError::Master(_) | FinishError::Overshoot { .. }) => Ok(None),
            Err(error @ FinishError::Opus(_)) => Err(error.into()),
        };
        tokio::task::spawn_blocking(finish).await?
    }

    /// Names the segment: everything that decides its bytes.
    fn key(&self, speaker: &Speaker<'_>, recipe: &Recipe) -> Result<RecipeKey, SynthesisError> {
        let mut key = Fingerprint::new("segment");
        for sentence in self.sentences {
            key.field("sentence", speaker.key(sentence)?.as_bytes());
            // Texts without mark-up have the names that they have without this.
            if sentence.silence_before_ms() > 0 {
                key.number("silence-before-ms", sentence.silence_before_ms().into());
            }
            if sentence.silence_after_ms() > 0 || sentence.pause_after() == Pause::Marked {
                key.number("silence-after-ms", sentence.silence_after_ms().into());
            }
        }
        key.number("clause-ms", recipe.pauses.clause_ms.into());
        key.number("sentence-ms", recipe.pauses.sentence_ms.into());
        key.number("pause-ms", self.pause_ms.into());
        key.number("first", self.place.first.into()).number("last", self.place.last.into());
        Ok(key.finish(&recipe.finish))
    }
}

/// A recording that is ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct MasteredRecording {
    /// What is sent.
    pub object: AudioObject,
    /// What was measured on the recording as it came, and cut off from it.
    pub report: RecordingReport,
}

/// Decodes a recording, trims it, makes its pauses quieter, and makes an object of it with the same mastering as a spoken
/// text.
///
/// # Errors
/// See [`SpeechError`].
pub async fn master_recording(
    bytes: Vec<u8>,
    limits: RecordingLimits,
    settings: Finish,
    progress: &Reporter,
) -> Result<MasteredRecording, SpeechError> {
    let reporter = progress.clone();
    tokio::task::spawn_blocking(move || {
        reporter.report(Stage::Decoding, 0, 0);
        let (pcm, report) = prepare_recording(bytes, &limits)?;
        Ok(MasteredRecording { object: finish(pcm, &settings, &reporter)?, report })
    })
    .await?
}
