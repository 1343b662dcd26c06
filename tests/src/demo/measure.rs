//! What a village's recorder heard.

use anyhow::{Context, Result};
use ebur128::{EbuR128, Mode};
use loa_firmware_sim::recorder::RATE_HZ;
use loa_tests::Village;

/// Quieter than this is silence: -40 dBFS.
const THRESHOLD: f32 = 0.01;
/// Silences shorter than this lie within a bulletin.
const PAUSE_MS: u32 = 3_000;

/// A sound that was heard.
pub(crate) struct Sound {
    /// When it began, by the recorder's clock.
    pub(crate) started_unix_ms: f64,
    /// How long it was.
    pub(crate) seconds: f64,
    /// How loud, in LUFS (ITU-R BS.1770).
    pub(crate) loudness_lufs: f64,
}

/// The first sound of a village, `None` when its horn was silent.
pub(crate) fn sound(village: &Village) -> Result<Option<Sound>> {
    for recording in village.recordings()? {
        let Some(segment) = recording.segments(THRESHOLD, PAUSE_MS).into_iter().next() else { continue };
        let samples = &recording.samples()[segment.first_frame..segment.end_frame];
        let mut meter = EbuR128::new(1, RATE_HZ, Mode::I).context("making a loudness meter")?;
        // One horn is one channel: counted once, as the controller masters it.
        meter.add_frames_f32(samples).context("measuring loudness")?;
        return Ok(Some(Sound {
            started_unix_ms: segment.start_unix_ms,
            seconds: segment.duration_ms() / 1000.0,
            loudness_lufs: meter.loudness_global().context("measuring loudness")?,
        }));
    }
    Ok(None)
}
