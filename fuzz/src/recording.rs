//! Recordings that somebody uploads.

use loa_speech::recording::{RecordingLimits, decode_recording, prepare_recording};

/// Far below what the product allows, so that a run tries many files.
const LIMITS: RecordingLimits = RecordingLimits { max_bytes: 256 * 1024, max_duration_ms: 20_000 };
/// What the resampler may add at the end.
const TAIL_MS: u64 = 100;

/// Reads the bytes as a recording, and makes it ready for mastering.
pub fn hold(bytes: &[u8]) {
    let Ok(sound) = decode_recording(bytes.to_vec(), &LIMITS) else { return };
    assert!(!sound.samples().is_empty());
    assert!(sound.samples().iter().all(|sample| sample.is_finite()), "a sample that is no number");
    assert!(sound.duration_ms() <= LIMITS.max_duration_ms + TAIL_MS, "{} ms", sound.duration_ms());
    let Ok((ready, report)) = prepare_recording(bytes.to_vec(), &LIMITS) else { return };
    let trimmed_ms = report.trimmed_start_ms + report.trimmed_end_ms;
    assert_eq!(ready.duration_ms(), report.duration_ms);
    assert!((report.duration_ms + trimmed_ms).abs_diff(report.original_ms) <= 2, "{report:?}");
    assert!(report.speech_dbfs.is_finite() && (0.0..=1.0).contains(&report.clipped_ratio), "{report:?}");
}
