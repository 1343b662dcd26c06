//! The two ways to an object: a text that is spoken, a recording that was uploaded.

use crate::normalize::Normalizer;
use crate::object::{AudioObject, Finish, FinishError, finish};
use crate::progress::{Reporter, Stage};
use crate::recipe::Recipe;
use crate::recording::{RecordingError, RecordingLimits, decode_recording};
use crate::synthesize::{SynthesisError, Synthesizer, speak_text};
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

/// Speaks a text and makes an object of it. The same text, recipe, normaliser and engine give the same bytes;
/// ask [`Recipe::key`] first whether they have been made already.
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
    progress: &Reporter,
) -> Result<AudioObject, SpeechError> {
    let spoken = normalizer.normalize(text.as_str());
    let pcm = speak_text(engine, &spoken, &recipe.voice, &recipe.pauses, progress).await?;
    let (settings, reporter) = (recipe.finish, progress.clone());
    Ok(tokio::task::spawn_blocking(move || finish(pcm, &settings, &reporter)).await??)
}

/// Decodes an uploaded recording and makes an object of it, with the same mastering as a spoken text.
///
/// # Errors
/// See [`SpeechError`].
pub async fn master_recording(
    bytes: Vec<u8>,
    limits: RecordingLimits,
    settings: Finish,
    progress: &Reporter,
) -> Result<AudioObject, SpeechError> {
    let reporter = progress.clone();
    tokio::task::spawn_blocking(move || {
        reporter.report(Stage::Decoding, 0, 0);
        let pcm = decode_recording(bytes, &limits)?;
        Ok(finish(pcm, &settings, &reporter)?)
    })
    .await?
}
