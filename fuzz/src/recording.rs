//! Recordings that somebody uploads.

use loa_speech::recording::{RecordingLimits, decode_recording};

/// Far below what the product allows, so that a run tries many files.
const LIMITS: RecordingLimits = RecordingLimits { max_bytes: 256 * 1024, max_duration_ms: 20_000 };
/// What the resampler may add at the end.
const TAIL_MS: u64 = 100;

/// Reads the bytes as a recording.
pub fn hold(bytes: &[u8]) {
    let Ok(sound) = decode_recording(bytes.to_vec(), &LIMITS) else { return };
    assert!(!sound.samples().is_empty());
    assert!(sound.samples().iter().all(|sample| sample.is_finite()), "a sample that is no number");
    assert!(sound.duration_ms() <= LIMITS.max_duration_ms + TAIL_MS, "{} ms", sound.duration_ms());
}
