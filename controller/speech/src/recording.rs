//! A recording that somebody made or uploaded: WAV, MP3, FLAC, Ogg (Opus, Vorbis), MP4 (AAC, ALAC, Opus) or WebM (Opus,
//! Vorbis), brought to mono at the rate of mastering. Of a video the sound is taken.
//!
//! It's decoded in pieces, so that memory grows with the length in seconds and never with the file's own rate and
//! channels; a file that states that it's too long is refused before any of it is decoded.

mod activity;
mod condition;
mod container;
mod report;
mod webm;

use std::io::ErrorKind;

use container::{Container, End};
use symphonia::core::errors::Error as SymphoniaError;

use crate::master::{SAMPLE_RATE_HZ, SILENCE_DBFS};
use crate::media::{self, MediaError};
use crate::pcm::{Pcm, PcmError, StreamResampler};

pub use report::{RecordingFault, RecordingReport};

/// Sound that may be missing at the end before a file counts as truncated: encoders pad and trim.
const MISSING_TOLERANCE_MS: u64 = 150;
/// One packet in so many may be damaged; a click is better than no bulletin, a garbled one isn't.
const DAMAGED_PACKETS_ONE_IN: u32 = 100;

/// What is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingLimits {
    /// Largest file.
    pub max_bytes: usize,
    /// Longest sound.
    pub max_duration_ms: u64,
}

impl Default for RecordingLimits {
    /// 100 MiB and 30 minutes.
    fn default() -> Self {
        Self { max_bytes: 100 * 1_024 * 1_024, max_duration_ms: 30 * 60 * 1_000 }
    }
}

/// Why a recording is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// No bytes, or nothing in them: a recorder that was stopped at once.
    #[error("the file is empty")]
    Empty,
    /// Over the limit in bytes.
    #[error("the file has {bytes} bytes and the limit is {max_bytes}: save it as MP3 or Opus")]
    TooManyBytes {
        /// Size of the file.
        bytes: usize,
        /// Size that is allowed.
        max_bytes: usize,
    },
    /// Over the limit in time.
    #[error("the recording lasts {} min and the limit is {} min: cut it", duration_ms.div_ceil(60_000), max_duration_ms / 60_000)]
    TooLong {
        /// Length that the file states, or that was reached when decoding stopped.
        duration_ms: u64,
        /// Length that is allowed.
        max_duration_ms: u64,
    },
    /// A picture, a document, a video without sound.
    #[error("the file is no sound: send WAV, MP3, FLAC, Ogg, M4A or WebM")]
    NotAudio,
    /// A sound file of a kind that isn't read.
    #[error(
        "this kind of {container} file can't be read ({what}): save it as WAV, MP3, FLAC, Ogg, M4A or WebM"
    )]
    Unsupported {
        /// The container.
        container: &'static str,
        /// What isn't supported in it.
        what: String,
    },
    /// The end is missing, as after a broken upload.
    #[error("the file is cut off after {decoded_ms} ms{}: send it again", stated_ms.map(|ms| format!(" of {ms} ms")).unwrap_or_default())]
    Truncated {
        /// Sound that is there.
        decoded_ms: u64,
        /// Sound that the file states, where it does.
        stated_ms: Option<u64>,
    },
    /// Damaged in the middle.
    #[error("the {container} file is damaged after {decoded_ms} ms: save it again")]
    Damaged {
        /// The container.
        container: &'static str,
        /// Sound before the damage.
        decoded_ms: u64,
        /// What the reader said.
        #[source]
        source: SymphoniaError,
    },
    /// Nothing but silence.
    #[error("the recording is silent (peak {peak_dbfs:.0} dBFS): was the microphone muted?")]
    Silent {
        /// Its highest sample.
        peak_dbfs: f64,
    },
    /// Hiss or hum, and nobody who speaks: a microphone that is switched off, or another one than was meant.
    #[error(
        "the recording is noise at {level_dbfs:.0} dBFS without speech: was the microphone switched off?"
    )]
    NoSpeech {
        /// How loud the noise is.
        level_dbfs: f64,
    },
    /// Samples or rates that are none.
    #[error("the recording's sound can't be used")]
    Pcm(#[from] PcmError),
}

/// Decodes a recording to mono at [`SAMPLE_RATE_HZ`]. Blocking.
///
/// # Errors
/// A distinct [`RecordingError`] for each kind of bad file.
pub fn decode_recording(bytes: Vec<u8>, limits: &RecordingLimits) -> Result<Pcm, RecordingError> {
    Ok(decode(bytes, limits)?.pcm)
}

/// Decodes a recording of somebody's voice, cuts off the silence around it and makes the pauses in it quieter. Blocking.
///
/// # Errors
/// See [`RecordingError`].
pub fn prepare_recording(
    bytes: Vec<u8>,
    limits: &RecordingLimits,
) -> Result<(Pcm, RecordingReport), RecordingError> {
    condition::condition(decode(bytes, limits)?)
}

/// A recording as it came, at [`SAMPLE_RATE_HZ`].
struct Decoded {
    pcm: Pcm,
    /// Share of its samples at full scale, before the rate was changed.
    clipped_ratio: f64,
}

/// A sample counts as clipped from here on. What was clipped before it was coded swings to both sides of full scale.
const FULL_SCALE: f32 = 0.985;

fn decode(mut bytes: Vec<u8>, limits: &RecordingLimits) -> Result<Decoded, RecordingError> {
    if bytes.is_empty() {
        return Err(RecordingError::Empty);
    }
    if bytes.len() > limits.max_bytes {
        return Err(RecordingError::TooManyBytes { bytes: bytes.len(), max_bytes: limits.max_bytes });
    }
    let Some(container) = Container::of(&bytes) else { return Err(RecordingError::NotAudio) };
    container::mend_streamed_lengths(&mut bytes);
    let outline = container.outline(&bytes);
    let too_long =
        |duration_ms| RecordingError::TooLong { duration_ms, max_duration_ms: limits.max_duration_ms };
    if outline.is_empty && outline.end == End::There {
        return Err(RecordingError::Empty);
    }
    if outline.at_least_ms > limits.max_duration_ms {
        return Err(too_long(outline.at_least_ms));
    }
    let mut media = media::open(bytes).map_err(|error| {
        if outline.end == End::Missing {
            RecordingError::Truncated { decoded_ms: 0, stated_ms: None }
        } else {
            refused(container, 0, error)
        }
    })?;
    let rate = u64::from(media.sample_rate_hz().max(1));
    let to_ms = |frames: u64| frames.saturating_mul(1_000) / rate;
    let stated_ms = media.stated_frames().map(to_ms);
    if let Some(duration_ms) = stated_ms.filter(|&ms| ms > limits.max_duration_ms) {
        return Err(too_long(duration_ms));
    }
    let mut samples = StreamResampler::new(media.sample_rate_hz(), SAMPLE_RATE_HZ)?;
    let mut mono = Vec::new();
    let (mut frames, mut packets, mut peak, mut clipped) = (0_u64, 0_u32, 0.0_f32, 0_u64);
    while media.next(&mut mono).map_err(|error| refused(container, to_ms(frames), error))? {
        frames += mono.len() as u64;
        packets += 1;
        if to_ms(frames) > limits.max_duration_ms {
            return Err(too_long(to_ms(frames)));
        }
        peak = mono.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        clipped += mono.iter().filter(|sample| sample.abs() >= FULL_SCALE).count() as u64;
        samples.push(&mono)?;
    }
    let decoded_ms = to_ms(frames);
    let missing = stated_ms.is_some_and(|stated| decoded_ms + MISSING_TOLERANCE_MS < stated);
    let cut_off = match outline.end {
        // Where sizes are unknown, the reader meets the end of the file as if something had to follow.
        End::There => false,
        End::Missing => true,
        End::Unclear => media.cut_off(),
    };
    if missing || cut_off {
        return Err(RecordingError::Truncated { decoded_ms, stated_ms });
    }
    if frames == 0 && media.damaged_packets() == 0 {
        return Err(RecordingError::Empty);
    }
    if media.damaged_packets() > packets / DAMAGED_PACKETS_ONE_IN {
        let source = SymphoniaError::DecodeError("too many damaged packets");
        return Err(RecordingError::Damaged { container: container.name(), decoded_ms, source });
    }
    let peak_dbfs = 20.0 * f64::from(peak).log10();
    if peak_dbfs < SILENCE_DBFS {
        return Err(RecordingError::Silent { peak_dbfs });
    }
    Ok(Decoded { pcm: samples.finish()?, clipped_ratio: clipped as f64 / frames as f64 })
}

fn refused(container: Container, decoded_ms: u64, error: MediaError) -> RecordingError {
    let source = match error {
        MediaError::NoTrack => return RecordingError::NotAudio,
        MediaError::Symphonia { source, .. } => source,
    };
    if let SymphoniaError::Unsupported(what) = source {
        return RecordingError::Unsupported { container: container.name(), what: what.to_owned() };
    }
    if matches!(&source, SymphoniaError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof) {
        return RecordingError::Truncated { decoded_ms, stated_ms: None };
    }
    RecordingError::Damaged { container: container.name(), decoded_ms, source }
}
