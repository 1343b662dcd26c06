//! Loudness and true peak, measured.
//!
//! R 128 gates in blocks of 400 ms and has no value for anything shorter. A shorter sound is measured as if it
//! were repeated without a gap: its loudness while it lasts.

use ebur128::{EbuR128, Mode};

use super::MasterError;
use crate::pcm::Pcm;

/// Measured loudness of a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// Integrated (gated) loudness; minus infinity for silence.
    pub integrated_lufs: f64,
    /// Highest peak between and at the samples, four times oversampled.
    pub true_peak_dbtp: f64,
}

/// Measures a whole sound.
///
/// # Errors
/// [`MasterError::Measure`] where the meter can't work at this rate.
pub fn measure(pcm: &Pcm) -> Result<Loudness, MasterError> {
    measure_samples(pcm.samples(), pcm.sample_rate_hz())
}

pub(super) fn measure_samples(samples: &[f32], sample_rate_hz: u32) -> Result<Loudness, MasterError> {
    let mut meter = Meter::new(sample_rate_hz)?;
    meter.push(samples)?;
    meter.finish()
}

/// Integrated loudness alone, which is several times cheaper than with the peak.
pub(super) fn integrated(samples: &[f32], sample_rate_hz: u32) -> Result<f64, MasterError> {
    let mut meter = Meter::with_mode(sample_rate_hz, Mode::I)?;
    meter.push(samples)?;
    meter.integrated()
}

/// Measures a sound that arrives in pieces.
pub(crate) struct Meter {
    meter: EbuR128,
    sample_rate_hz: u32,
    /// The sound so far while it's shorter than a gating block.
    short: Option<Vec<f32>>,
}

impl Meter {
    pub(crate) fn new(sample_rate_hz: u32) -> Result<Self, MasterError> {
        Self::with_mode(sample_rate_hz, Mode::I | Mode::TRUE_PEAK)
    }

    fn with_mode(sample_rate_hz: u32, mode: Mode) -> Result<Self, MasterError> {
        let meter = EbuR128::new(1, sample_rate_hz, mode)
            .map_err(|source| MasterError::Measure { sample_rate_hz, source })?;
        Ok(Self { meter, sample_rate_hz, short: Some(Vec::new()) })
    }

    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), MasterError> {
        if let Some(short) = &mut self.short {
            if short.len() + samples.len() < self.sample_rate_hz as usize * 4 / 10 {
                short.extend_from_slice(samples);
            } else {
                self.short = None;
            }
        }
        self.feed(samples)
    }

    fn feed(&mut self, samples: &[f32]) -> Result<(), MasterError> {
        let sample_rate_hz = self.sample_rate_hz;
        self.meter.add_frames_f32(samples).map_err(|source| MasterError::Measure { sample_rate_hz, source })
    }

    fn integrated(&mut self) -> Result<f64, MasterError> {
        if let Some(short) = self.short.take().filter(|short| !short.is_empty()) {
            let repeats = (2 * self.sample_rate_hz as usize).div_ceil(short.len());
            for _ in 0..repeats {
                self.feed(&short)?;
            }
        }
        let sample_rate_hz = self.sample_rate_hz;
        self.meter.loudness_global().map_err(|source| MasterError::Measure { sample_rate_hz, source })
    }

    pub(crate) fn finish(mut self) -> Result<Loudness, MasterError> {
        let integrated_lufs = self.integrated()?;
        // The interpolator lags behind: silence brings the last peaks out of it.
        self.feed(&[0.0; 64])?;
        let sample_rate_hz = self.sample_rate_hz;
        let peak =
            self.meter.true_peak(0).map_err(|source| MasterError::Measure { sample_rate_hz, source })?;
        Ok(Loudness { integrated_lufs, true_peak_dbtp: 20.0 * peak.log10() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(seconds: f64, amplitude: f64) -> Pcm {
        let count = (16_000.0 * seconds) as usize;
        let samples = (0..count)
            .map(|n| (amplitude * (n as f64 / 16_000.0 * 1_000.0 * std::f64::consts::TAU + 0.7).sin()) as f32)
            .collect();
        Pcm::new(samples, 16_000).unwrap()
    }

    /// EBU Tech 3341, case 1, for one channel: 1 kHz at -23 dBFS peak reads 3.01 LU less than in stereo.
    #[test]
    fn a_reference_tone_reads_as_the_standard_says() {
        let loudness = measure(&sine(20.0, 10.0_f64.powf(-23.0 / 20.0))).unwrap();
        assert!((loudness.integrated_lufs + 26.0).abs() < 0.1, "{loudness:?}");
        assert!((loudness.true_peak_dbtp + 23.0).abs() < 0.2, "{loudness:?}");
    }

    #[test]
    fn a_short_tone_reads_as_loud_as_a_long_one() {
        let long = measure(&sine(3.0, 0.25)).unwrap().integrated_lufs;
        for seconds in [0.1, 0.3, 0.4, 0.5] {
            let short = measure(&sine(seconds, 0.25)).unwrap().integrated_lufs;
            assert!((short - long).abs() < 0.3, "{seconds} s: {short} against {long}");
        }
    }

    #[test]
    fn silence_has_no_loudness() {
        let silence = measure(&Pcm::new(vec![0.0; 32_000], 16_000).unwrap()).unwrap();
        assert_eq!(
            silence,
            Loudness { integrated_lufs: f64::NEG_INFINITY, true_peak_dbtp: f64::NEG_INFINITY }
        );
    }
}
