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

/// A hop of the gating blocks: blocks of 400 ms begin every 100 ms.
const HOPS_PER_SECOND: u32 = 10;
const HOPS_PER_BLOCK: u32 = 4;
/// ITU-R BS.1770-4: blocks below this are no part of the sound.
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// ITU-R BS.1770-4: blocks this much below the rest are none either.
const RELATIVE_GATE_LU: f64 = -10.0;

/// The gating blocks of a piece of a sound, from which the loudness of the whole is the sum: what a sound measures is
/// known from its pieces, as long as these are cut in silence and last whole hops.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blocks {
    /// Mean square of each block, K-weighted.
    pub(crate) powers: Vec<f64>,
    /// Highest peak between and at the samples, as a factor.
    pub(crate) true_peak: f64,
}

impl Blocks {
    /// Loudness of a sound from its pieces.
    pub(crate) fn loudness<'a>(pieces: impl Iterator<Item = &'a Self>) -> Loudness {
        let (mut powers, mut true_peak) = (Vec::new(), 0.0_f64);
        for piece in pieces {
            powers.extend_from_slice(&piece.powers);
            true_peak = true_peak.max(piece.true_peak);
        }
        let mean = |gate: f64| {
            let (sum, count) = powers
                .iter()
                .filter(|power| **power > gate)
                .fold((0.0, 0_u32), |(sum, count), power| (sum + power, count + 1));
            if count == 0 { 0.0 } else { sum / f64::from(count) }
        };
        let absolute = power_of(ABSOLUTE_GATE_LUFS);
        let relative = mean(absolute) * 10.0_f64.powf(RELATIVE_GATE_LU / 10.0);
        let integrated = mean(relative.max(absolute));
        Loudness {
            integrated_lufs: 10.0 * integrated.log10() - OFFSET_LU,
            true_peak_dbtp: 20.0 * true_peak.log10(),
        }
    }
}

/// ITU-R BS.1770-4: what separates loudness from K-weighted power.
const OFFSET_LU: f64 = 0.691;

fn power_of(lufs: f64) -> f64 {
    10.0_f64.powf((lufs + OFFSET_LU) / 10.0)
}

/// Measures a piece of a sound that has silence of at least 400 ms between it and its neighbours.
pub(crate) struct BlockMeter {
    meter: EbuR128,
    sample_rate_hz: u32,
    hop: usize,
    /// Samples since the last hop.
    since: usize,
    hops: u32,
    powers: Vec<f64>,
}

impl BlockMeter {
    pub(crate) fn new(sample_rate_hz: u32) -> Result<Self, MasterError> {
        let meter = EbuR128::new(1, sample_rate_hz, Mode::M | Mode::TRUE_PEAK)
            .map_err(|source| MasterError::Measure { sample_rate_hz, source })?;
        let hop = (sample_rate_hz / HOPS_PER_SECOND) as usize;
        Ok(Self { meter, sample_rate_hz, hop, since: 0, hops: 0, powers: Vec::new() })
    }

    /// The silence of a neighbour: blocks that reach into it belong to this piece.
    pub(crate) fn push_silence(&mut self) -> Result<(), MasterError> {
        let silence = vec![0.0; self.hop];
        (1..HOPS_PER_BLOCK).try_for_each(|_| self.push(&silence))
    }

    pub(crate) fn push(&mut self, mut samples: &[f32]) -> Result<(), MasterError> {
        let sample_rate_hz = self.sample_rate_hz;
        let failed = |source| MasterError::Measure { sample_rate_hz, source };
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.hop - self.since));
            self.meter.add_frames_f32(now).map_err(failed)?;
            self.since += now.len();
            samples = later;
            if self.since == self.hop {
                (self.since, self.hops) = (0, self.hops + 1);
                if self.hops >= HOPS_PER_BLOCK {
                    let lufs = self.meter.loudness_momentary().map_err(failed)?;
                    self.powers.push(if lufs.is_finite() { power_of(lufs) } else { 0.0 });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Blocks, MasterError> {
        let sample_rate_hz = self.sample_rate_hz;
        let failed = |source| MasterError::Measure { sample_rate_hz, source };
        // The interpolator lags behind: silence brings the last peaks out of it.
        self.meter.add_frames_f32(&[0.0; 64]).map_err(failed)?;
        let true_peak = self.meter.true_peak(0).map_err(failed)?;
        Ok(Blocks { powers: self.powers, true_peak })
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
    fn pieces_add_up_to_the_whole() {
        // Sentences of 0.7 to 4.4 s at different levels, each with 0.5 s of silence, all in whole hops.
        let rate = 16_000;
        let mut whole = Vec::new();
        let mut pieces = Vec::new();
        for (index, (hops, amplitude)) in
            [(44, 0.2), (7, 0.5), (30, 0.02), (25, 0.3), (12, 0.25)].iter().enumerate()
        {
            let mut piece = vec![0.0; if index == 0 { 0 } else { 3_200 }];
            piece.extend(sine(f64::from(*hops) / 10.0, *amplitude).samples());
            piece.resize(piece.len() + 4_800, 0.0);
            let mut meter = BlockMeter::new(rate).unwrap();
            if index > 0 {
                meter.push_silence().unwrap();
            }
            for chunk in piece.chunks(313) {
                meter.push(chunk).unwrap();
            }
            if index < 4 {
                meter.push_silence().unwrap();
            }
            pieces.push(meter.finish().unwrap());
            whole.extend(piece);
        }
        let together = Blocks::loudness(pieces.iter());
        let alone = measure(&Pcm::new(whole, rate).unwrap()).unwrap();
        assert!((together.integrated_lufs - alone.integrated_lufs).abs() < 1e-3, "{together:?} {alone:?}");
        assert!((together.true_peak_dbtp - alone.true_peak_dbtp).abs() < 1e-3, "{together:?} {alone:?}");
        assert_eq!(Blocks::loudness(std::iter::empty()).integrated_lufs, f64::NEG_INFINITY);
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
