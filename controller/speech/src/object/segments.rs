//! An object from segments, each mastered, coded and measured for itself: a sentence that did not change need not be made
//! again.
//!
//! A segment ends in the middle of a pause, and lasts whole hops of the meter's gating blocks, so the loudness of the whole is
//! known from the blocks of its segments (ITU-R BS.1770-4), and what each measures is what sounds (see
//! `opus::segment`). A segment whose blocks measure the target makes a whole that measures it too; that is checked, and where it
//! fails the sound is made as one.

use super::{AudioObject, Finish, FinishError, Heard, settle};
use crate::master::{Blocks, LOUDNESS_TOLERANCE_LU, SAMPLE_RATE_HZ};
use crate::opus::{LEAD_SAMPLES, MAX_BITRATE_BPS, Place, Segment, assemble};
use crate::pcm::Pcm;

/// The shortest pause in which a sound is cut: a gating block that reaches from one sentence into the next would belong to
/// neither.
pub(crate) const MIN_JOINT_MS: u32 = 400;
/// A hop of the gating blocks.
const HOP_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 10;

/// Whether these settings allow it.
pub(crate) const fn can_be_cut(settings: &Finish) -> bool {
    settings.opus.bitrate_bps <= MAX_BITRATE_BPS
}

/// Makes a segment of a sentence and the pause behind it, which comes out up to half a hop shorter or longer.
///
/// # Errors
/// See [`FinishError`]; also where the sentence alone can't be brought to the loudness.
pub(crate) fn finish_segment(
    sentence: &Pcm,
    pause_ms: u32,
    place: Place,
    settings: &Finish,
) -> Result<Segment, FinishError> {
    let mut samples = vec![0.0; if place.first { 0 } else { LEAD_SAMPLES }];
    samples.extend_from_slice(sentence.samples());
    if !place.last {
        let pause = (pause_ms * (SAMPLE_RATE_HZ / 1_000)) as usize;
        // The next segment brings its lead along.
        let whole = samples.len() + pause.saturating_sub(LEAD_SAMPLES);
        samples.resize((whole + HOP_SAMPLES / 2) / HOP_SAMPLES * HOP_SAMPLES, 0.0);
    }
    let pcm = Pcm::new(samples, SAMPLE_RATE_HZ)
        .map_err(|source| crate::master::MasterError::Resample { source })?;
    let ceiling_dbtp = settings.mastering.ceiling_dbtp;
    let settled = settle(pcm, &settings.mastering, |pcm| {
        let (segment, loud) = Segment::code(pcm.samples(), place, &settings.opus, ceiling_dbtp)?;
        let loudness = Blocks::loudness(std::iter::once(&segment.blocks));
        let loud = if loudness.true_peak_dbtp > ceiling_dbtp { loud } else { Vec::new() };
        Ok(Heard { made: segment, loudness, loud })
    })?;
    Ok(settled.made)
}

/// The object of segments in their order; `None` where together they don't measure what was asked for.
///
/// # Errors
/// [`FinishError::Opus`].
pub(crate) fn join_segments(
    segments: &[Segment],
    settings: &Finish,
) -> Result<Option<AudioObject>, FinishError> {
    let loudness = Blocks::loudness(segments.iter().map(|segment| &segment.blocks));
    let missing = settings.mastering.target_lufs - loudness.integrated_lufs;
    // A fifth of the tolerance is left for meters whose blocks begin elsewhere.
    let is_right = missing.abs() <= LOUDNESS_TOLERANCE_LU * 0.8
        && loudness.true_peak_dbtp <= settings.mastering.ceiling_dbtp;
    if !is_right {
        return Ok(None);
    }
    let (bytes, samples) = assemble(segments, &settings.opus)?;
    Ok(Some(AudioObject::new(bytes, loudness, samples)))
}
