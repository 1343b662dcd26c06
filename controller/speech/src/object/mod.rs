//! The finished audio of a bulletin's track: content-addressed, ready to be sent.

mod segments;

use sha2::{Digest, Sha256};

use crate::master::{
    LOUDNESS_TOLERANCE_LU, Loudness, MasterError, Mastered, Mastering, SAMPLE_RATE_HZ, Shaped,
};
use crate::opus::{Coded, Coder, Loud, OpusError, OpusSettings};
use crate::pcm::{Pcm, duration_ms};
use crate::progress::{Reporter, Stage};

/// Room that the first pass leaves below the ceiling for the coder's overshoot. More would be taken from every peak, and costs what
/// is understood; with this much one sound of five has a place that needs a second pass.
const CODER_HEADROOM_DB: f64 = 1.2;
/// What the first pass adds for the coder's own loss. Measured at 24 kb/s: 0.3 to 0.5 LU.
const CODER_LOSS_LU: f64 = 0.4;
/// Passes of limiting and coding before the sound is given up on.
const MAX_PASSES: usize = 8;
/// A place that came out too loud is softened by this much more than its excess.
const REPAIR_MARGIN_DB: f64 = 0.5;

pub(crate) use segments::{MIN_JOINT_MS, can_be_cut, finish_segment, join_segments};

/// How an object's bytes are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// One Opus stream, mono, in Ogg.
    OggOpus,
}

/// Audio that is ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioObject {
    /// The file.
    pub bytes: Vec<u8>,
    /// SHA-256 of `bytes`: the object's name.
    pub sha256: [u8; 32],
    /// Length when played.
    pub duration_ms: u64,
    /// Measured on the decoded object at 48 kHz, as a node plays it.
    pub loudness: Loudness,
    /// Rate of the sound that was coded.
    pub sample_rate_hz: u32,
    /// How `bytes` are coded.
    pub codec: Codec,
}

/// What is done to every sound, spoken or recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Finish {
    /// The mastering chain.
    pub mastering: Mastering,
    /// The coder.
    pub opus: OpusSettings,
}

/// Why a sound did not become an object.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// Mastering failed.
    #[error("the sound could not be mastered")]
    Master(#[from] MasterError),
    /// Coding failed.
    #[error("the sound could not be coded")]
    Opus(#[from] OpusError),
    /// The coder's overshoot could not be made up for.
    #[error(
        "after {MAX_PASSES} passes the coded sound still measures {:.1} LUFS at {:.1} dBTP",
        .reached.integrated_lufs, .reached.true_peak_dbtp
    )]
    Overshoot {
        /// What the last pass measured.
        reached: Loudness,
    },
}

/// Masters and codes a sound, so that what is *decoded* has the loudness and the peaks that were asked for.
///
/// Blocking: takes about a hundredth of the sound's length on each of two threads.
///
/// # Errors
/// See [`FinishError`].
pub fn finish(pcm: Pcm, settings: &Finish, progress: &Reporter) -> Result<AudioObject, FinishError> {
    progress.report(Stage::Mastering, 0, 0);
    let mut coder = Coder::new(settings.opus, settings.mastering.ceiling_dbtp);
    let report = |done, total| progress.report(Stage::Encoding, done, total);
    let settled = settle(pcm, &settings.mastering, |pcm| {
        let Coded { bytes, heard, loud } = coder.code(pcm, &report)?;
        Ok(Heard { made: bytes, loudness: heard, loud })
    })?;
    progress.report(Stage::Done, 0, 0);
    let samples = settled.mastered.pcm.samples().len();
    Ok(AudioObject::new(settled.made, settled.heard, samples))
}

impl AudioObject {
    fn new(bytes: Vec<u8>, loudness: Loudness, samples: usize) -> Self {
        Self {
            sha256: Sha256::digest(&bytes).into(),
            bytes,
            duration_ms: duration_ms(samples, SAMPLE_RATE_HZ),
            loudness,
            sample_rate_hz: SAMPLE_RATE_HZ,
            codec: Codec::OggOpus,
        }
    }
}

/// What one pass of coding made, and what it measures when it's played.
struct Heard<T> {
    made: T,
    loudness: Loudness,
    /// Where its peaks are, if they are above the ceiling.
    loud: Vec<Loud>,
}

/// What the last pass made.
struct Settled<T> {
    made: T,
    heard: Loudness,
    mastered: Mastered,
}

/// Masters a sound and codes it, again and again with other levels and softer peaks, until what is heard is right.
fn settle<T>(
    pcm: Pcm,
    mastering: &Mastering,
    mut code: impl FnMut(&Pcm) -> Result<Heard<T>, OpusError>,
) -> Result<Settled<T>, FinishError> {
    let Mastering { target_lufs, ceiling_dbtp, .. } = *mastering;
    let mut shaped = Shaped::new(pcm, mastering)?;
    let mut level_lufs = target_lufs + CODER_LOSS_LU;
    let mut mastered = shaped.level(level_lufs, ceiling_dbtp - CODER_HEADROOM_DB)?;
    let mut reached = None;
    for _ in 0..MAX_PASSES {
        let Heard { made, loudness: heard, loud } = code(&mastered.pcm)?;
        let missing = target_lufs - heard.integrated_lufs;
        let is_loud_enough = missing.abs() <= LOUDNESS_TOLERANCE_LU / 2.0;
        if is_loud_enough && heard.true_peak_dbtp <= ceiling_dbtp {
            return Ok(Settled { made, heard, mastered });
        }
        for loud in &loud {
            let excess_db = (loud.peak_dbfs - ceiling_dbtp).max(0.0) + REPAIR_MARGIN_DB;
            shaped.soften(&loud.samples, excess_db, &mastered);
        }
        if is_loud_enough {
            // The gain stays, so that only the parts that were softened change.
            mastered = shaped.level_again(&mastered)?;
        } else {
            level_lufs += if missing.is_finite() { missing } else { 0.0 };
            mastered = shaped.level(level_lufs, ceiling_dbtp - CODER_HEADROOM_DB)?;
        }
        reached = Some(heard);
    }
    let silence = Loudness { integrated_lufs: f64::NEG_INFINITY, true_peak_dbtp: f64::NEG_INFINITY };
    Err(FinishError::Overshoot { reached: reached.unwrap_or(silence) })
}
