//! A whole text from its sentences.

use futures_util::StreamExt;
use futures_util::TryStreamExt;

use super::speaker::Speaker;
use super::{SynthesisError, Synthesizer, Voice};
use crate::master::SAMPLE_RATE_HZ;
use crate::normalize::{Pause, Sentence, Spoken};
use crate::pcm::Pcm;
use crate::progress::{Reporter, Stage};

/// Below this an engine's edge is silence, which gives way to our pauses.
const EDGE_DBFS: f32 = -60.0;
/// Kept in front of the first and behind the last audible sample, so that no consonant is cut.
const EDGE_KEEP_MS: usize = 15;
/// Edges fade over this time, so that joints don't click.
const FADE_MS: usize = 4;

/// Silence between the parts of a text, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pauses {
    /// Where a sentence too long for the engine was cut.
    pub clause_ms: u32,
    /// Between sentences.
    pub sentence_ms: u32,
    /// Between paragraphs.
    pub paragraph_ms: u32,
}

impl Default for Pauses {
    /// Longer than indoors: an echo from the next horn must die before the next sentence.
    fn default() -> Self {
        Self { clause_ms: 200, sentence_ms: 550, paragraph_ms: 1_100 }
    }
}

impl Pauses {
    /// Silence behind a sentence: ours, and what its writer asked for.
    pub(crate) const fn after(&self, sentence: &Sentence) -> u32 {
        let own_ms = match sentence.pause_after() {
            Pause::Clause => self.clause_ms,
            Pause::Sentence => self.sentence_ms,
            Pause::Paragraph => self.paragraph_ms,
            Pause::Marked | Pause::End => 0,
        };
        own_ms + sentence.silence_after_ms()
    }
}

/// Speaks a text: each sentence on its own, [`Synthesizer::parallel`] at a time, joined in order at the rate of
/// mastering. Progress is counted in sentences.
///
/// # Errors
/// The first sentence that fails ends the job and stops the others.
pub async fn speak_text(
    engine: &dyn Synthesizer,
    text: &Spoken,
    voice: &Voice,
    pauses: &Pauses,
    progress: &Reporter,
) -> Result<Pcm, SynthesisError> {
    speak_sentences(&Speaker { engine, voice, cache: None }, text.sentences(), pauses, progress).await
}

/// The same for some sentences; the pause behind the last is left out.
pub(crate) async fn speak_sentences(
    speaker: &Speaker<'_>,
    sentences: &[Sentence],
    pauses: &Pauses,
    progress: &Reporter,
) -> Result<Pcm, SynthesisError> {
    let total = sentences.len();
    progress.report(Stage::Synthesizing, 0, total);
    // Boxed futures, made before the stream begins: a closure that borrows each sentence would make this future
    // unfit for `tokio::spawn` (the compiler can't show it `Send` for every lifetime).
    let work: Vec<_> = sentences.iter().map(|sentence| speaker.speak(sentence)).collect();
    let mut spoken = futures_util::stream::iter(work).buffered(speaker.engine.parallel().get());
    let mut joined = Joined::default();
    for (index, sentence) in sentences.iter().enumerate() {
        let Some(pcm) = spoken.try_next().await? else { break };
        // What follows the last of these is the caller's, unless nothing follows.
        let is_callers = index + 1 == total && sentence.pause_after() != Pause::End;
        let pause_ms = if is_callers { 0 } else { pauses.after(sentence) };
        joined.silence(sentence.silence_before_ms());
        joined.append(&pcm, pause_ms);
        progress.report(Stage::Synthesizing, index + 1, total);
    }
    if total == 0 {
        return Err(SynthesisError::NothingToSay);
    }
    Pcm::new(joined.samples, SAMPLE_RATE_HZ)
        .map_err(|source| SynthesisError::Pcm { engine: speaker.engine.engine().name.clone(), source })
}

#[derive(Default)]
struct Joined {
    samples: Vec<f32>,
}

impl Joined {
    fn append(&mut self, sentence: &Pcm, pause_ms: u32) {
        let rate = SAMPLE_RATE_HZ as usize;
        let audible = audible(sentence.samples(), rate * EDGE_KEEP_MS / 1_000);
        let start = self.samples.len();
        self.samples.extend_from_slice(audible);
        let fade = (rate * FADE_MS / 1_000).min(audible.len() / 2);
        let added = &mut self.samples[start..];
        let count = added.len();
        for n in 0..fade {
            let gain = n as f32 / fade as f32;
            added[n] *= gain;
            added[count - 1 - n] *= gain;
        }
        self.silence(pause_ms);
    }

    fn silence(&mut self, ms: u32) {
        let pause = SAMPLE_RATE_HZ as usize * ms as usize / 1_000;
        self.samples.resize(self.samples.len() + pause, 0.0);
    }
}

/// The samples without the silence at both edges; nothing, where all is silence.
fn audible(samples: &[f32], keep: usize) -> &[f32] {
    let threshold = 10.0_f32.powf(EDGE_DBFS / 20.0);
    let heard = |sample: &f32| sample.abs() > threshold;
    let (Some(first), Some(last)) = (samples.iter().position(heard), samples.iter().rposition(heard)) else {
        return &[];
    };
    &samples[first.saturating_sub(keep)..(last + 1 + keep).min(samples.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_ours_and_edges_do_not_click() {
        let rate = 16_000;
        let mut sentence = vec![0.0; 5_000];
        sentence.extend(vec![0.5; 1_600]);
        sentence.extend(vec![0.0; 9_000]);
        let sentence = Pcm::new(sentence, rate).unwrap();
        let mut joined = Joined::default();
        joined.append(&sentence, 500);
        joined.append(&sentence, 0);
        let keep = 240;
        assert_eq!(joined.samples.len(), 2 * (1_600 + 2 * keep) + 8_000);
        let second = keep + 1_600 + keep + 8_000 + keep;
        assert!(joined.samples[second - 1].abs() < 1e-6);
        assert!((joined.samples[second + 800] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_silent_sentence_leaves_its_pause() {
        let mut joined = Joined::default();
        joined.append(&Pcm::new(vec![0.0; 4_000], SAMPLE_RATE_HZ).unwrap(), 100);
        assert_eq!(joined.samples, vec![0.0; 1_600]);
    }
}
