//! What was measured on a recording and done to it, for the person who made it.

/// A voice that is nearer to its noise is hard to follow over a horn.
const NOISY_SNR_DB: f64 = 12.0;
/// One sample in a thousand at full scale is heard as crackle.
const CLIPPED_RATIO: f64 = 0.001;
/// A voice below this was too far from its microphone: the noise of the microphone comes up with it.
const QUIET_DBFS: f64 = -45.0;

/// Measures of a recording. Levels are mean powers behind the mastering's high-pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordingReport {
    /// Length as it came.
    pub original_ms: u64,
    /// Length that is kept.
    pub duration_ms: u64,
    /// Silence that was cut off in front.
    pub trimmed_start_ms: u64,
    /// Silence that was cut off behind.
    pub trimmed_end_ms: u64,
    /// Level while somebody speaks, as it came.
    pub speech_dbfs: f64,
    /// Level while nobody does, as it came; `None` where no noise shows: it's clean, or never stops.
    pub noise_dbfs: Option<f64>,
    /// By how much the pauses were made quieter; zero where they were left.
    pub gate_db: f64,
    /// Share of the samples at full scale, 0 to 1.
    pub clipped_ratio: f64,
}

/// What its author should do better next time. Such a recording is broadcast all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordingFault {
    /// Too loud for the microphone: the loud syllables crackle.
    Clipped,
    /// The noise is nearly as loud as the voice.
    Noisy,
    /// Too soft: too far from the microphone.
    Quiet,
}

impl RecordingReport {
    /// How far the voice stands above the noise; `None` where no noise shows.
    #[must_use]
    pub fn snr_db(&self) -> Option<f64> {
        self.noise_dbfs.map(|noise| self.speech_dbfs - noise)
    }

    /// What is wrong with it, the worst first.
    #[must_use]
    pub fn faults(&self) -> Vec<RecordingFault> {
        let found = [
            (self.clipped_ratio >= CLIPPED_RATIO, RecordingFault::Clipped),
            (self.snr_db().is_some_and(|snr_db| snr_db < NOISY_SNR_DB), RecordingFault::Noisy),
            (self.speech_dbfs < QUIET_DBFS, RecordingFault::Quiet),
        ];
        found.into_iter().filter_map(|(is_so, fault)| is_so.then_some(fault)).collect()
    }
}
