//! Mastering for horns: every voice and every recording leaves at the same loudness and never clips.
//!
//! The chain: high-pass (a horn can't play what it takes away, and its driver suffers from it) → phase rotation (a voice's
//! pulses are high on one side; spread over a few milliseconds they are 2 dB lower and as loud, so that the limiter has less
//! to take away) → presence (a voice falls by 6 to 9 dB an octave where noise falls by 3: consonants and second formants are
//! what drowns first) → compression (soft words above the wind) → gain and a look-ahead limiter, repeated until the *measured*
//! loudness and true peak are right. It cuts nothing off in time: the length stays.
//!
//! What each part does for what is understood through a horn is measured by `scripts/bench.sh intelligibility`. What must come
//! out of it: more at one peak *and* at one power, by STOI and by ESTOI. At one power a voice gains by its spectrum and
//! loses by every gain that moves within a syllable: the compressor is slower than one, the limiter quicker.
//!
//! Measures are those of EBU R 128 / ITU-R BS.1770-4, one channel.

mod biquad;
mod compressor;
mod limiter;
mod loudness;

pub use compressor::Compression;
pub(crate) use loudness::{BlockMeter, Blocks, Meter};
pub use loudness::{Loudness, measure};

use std::ops::Range;

use biquad::Biquad;
use limiter::Limiter;

use crate::pcm::{Pcm, PcmError};

/// Rate that the chain works at and hands on: horns end near 5 kHz, and speech gains nothing above 8 kHz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// A recording whose peak is lower than this holds nothing but noise.
pub const SILENCE_DBFS: f64 = -60.0;

/// Integrated loudness may be off by this much in LU.
pub const LOUDNESS_TOLERANCE_LU: f64 = 0.5;

/// Loudness at which the compressor works, so that its threshold means the same for every input.
const COMPRESSOR_INPUT_LUFS: f64 = -20.0;
/// Loudness for each decibel of gain, as speech at the usual ceiling shows it.
const FIRST_SLOPE: f64 = 0.8;
/// What the limiter's oversampling may miss of a peak that the meter's sees.
const METER_MARGIN_DB: f64 = 0.15;
/// The search for the gain ends when it's this near.
const SEARCH_TOLERANCE_LU: f64 = 0.03;
const SEARCH_STEPS: usize = 24;
/// More gain than this into the limiter gives no more loudness, only noise.
const SEARCH_GAIN_MAX_DB: f64 = 40.0;

/// An octave below where a horn begins, near enough: power below it only warms the driver.
const HIGH_PASS_HZ: f64 = 250.0;

/// Where the phase turns, at the upper end of the first formants, and how often.
const ROTATION_HZ: f64 = 900.0;
const ROTATIONS: usize = 4;

/// Settings of the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mastering {
    /// Integrated loudness to reach.
    pub target_lufs: f64,
    /// True peak that is never exceeded.
    pub ceiling_dbtp: f64,
    /// Corner of the fourth-order high-pass.
    pub high_pass_hz: f64,
    /// Corner of the shelf that lifts consonants.
    pub presence_hz: f64,
    /// Height of that shelf.
    pub presence_db: f64,
    /// The compressor.
    pub compression: Compression,
}

impl Default for Mastering {
    fn default() -> Self {
        Self {
            target_lufs: -16.0,
            ceiling_dbtp: -1.5,
            high_pass_hz: HIGH_PASS_HZ,
            presence_hz: 1_500.0,
            presence_db: 9.0,
            compression: Compression::default(),
        }
    }
}

/// Why a sound can't be mastered.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// Nothing but silence.
    #[error("the sound is silent (peak {peak_dbfs:.0} dBFS): was the microphone muted?")]
    Silent {
        /// Its highest sample; minus infinity for digital silence.
        peak_dbfs: f64,
    },
    /// Single clicks far above the rest: made loud enough, they alone would remain.
    #[error(
        "the sound can't be brought to {target_lufs} LUFS below {ceiling_dbtp} dBTP (reached {integrated_lufs:.1} LUFS at \
         {true_peak_dbtp:.1} dBTP): it is clicks rather than speech"
    )]
    OutOfReach {
        /// Loudness to reach.
        target_lufs: f64,
        /// Peak not to exceed.
        ceiling_dbtp: f64,
        /// Loudness that was reached.
        integrated_lufs: f64,
        /// Peak at that loudness.
        true_peak_dbtp: f64,
    },
    /// The rate couldn't be changed.
    #[error("the sound could not be brought to {SAMPLE_RATE_HZ} Hz")]
    Resample {
        /// Why.
        #[source]
        source: PcmError,
    },
    /// The meter refused its input.
    #[error("loudness could not be measured at {sample_rate_hz} Hz")]
    Measure {
        /// Rate of the sound.
        sample_rate_hz: u32,
        /// What the meter said.
        #[source]
        source: ebur128::Error,
    },
}

/// A mastered sound and what it measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Mastered {
    /// Mono at [`SAMPLE_RATE_HZ`].
    pub pcm: Pcm,
    /// Measured on `pcm`.
    pub loudness: Loudness,
    /// Gain in front of the limiter.
    pub gain_db: f64,
    /// The limiter's own ceiling.
    pub limit_db: f64,
}

/// Runs the whole chain.
///
/// # Errors
/// [`MasterError::Silent`] and [`MasterError::OutOfReach`] for sounds that can't be mastered.
pub fn master(pcm: Pcm, settings: &Mastering) -> Result<Mastered, MasterError> {
    Shaped::new(pcm, settings)?.level(settings.target_lufs, settings.ceiling_dbtp)
}

/// Takes away what a horn can't play, at [`SAMPLE_RATE_HZ`].
pub(crate) fn high_pass(samples: &mut [f32]) {
    high_pass_at(HIGH_PASS_HZ, samples);
}

fn high_pass_at(corner_hz: f64, samples: &mut [f32]) {
    for q in biquad::BUTTERWORTH_4_Q {
        Biquad::high_pass(corner_hz, q, f64::from(SAMPLE_RATE_HZ)).run(samples);
    }
}

/// Spreads a voice's pulses, at [`SAMPLE_RATE_HZ`].
fn rotate(samples: &mut [f32]) {
    for _ in 0..ROTATIONS {
        Biquad::all_pass(ROTATION_HZ, 0.5, f64::from(SAMPLE_RATE_HZ)).run(samples);
    }
}

/// A sound after filters and compressor. It can be levelled more than once, which is how the coder's own
/// overshoot is made up for.
pub(crate) struct Shaped {
    limiter: Limiter,
    loudness_lufs: f64,
}

impl Shaped {
    pub(crate) fn new(pcm: Pcm, settings: &Mastering) -> Result<Self, MasterError> {
        let peak_dbfs = pcm.peak_dbfs();
        if peak_dbfs < SILENCE_DBFS {
            return Err(MasterError::Silent { peak_dbfs });
        }
        let pcm = pcm.resampled(SAMPLE_RATE_HZ).map_err(|source| MasterError::Resample { source })?;
        let mut samples = pcm.into_samples();
        let rate = f64::from(SAMPLE_RATE_HZ);
        high_pass_at(settings.high_pass_hz, &mut samples);
        rotate(&mut samples);
        Biquad::high_shelf(settings.presence_hz, settings.presence_db, rate).run(&mut samples);
        let before = loudness::integrated(&samples, SAMPLE_RATE_HZ)?;
        if !before.is_finite() {
            return Err(MasterError::Silent { peak_dbfs });
        }
        let gain = 10.0_f64.powf((COMPRESSOR_INPUT_LUFS - before) / 20.0) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
        settings.compression.run(&mut samples, SAMPLE_RATE_HZ);
        let loudness_lufs = loudness::integrated(&samples, SAMPLE_RATE_HZ)?;
        Ok(Self { limiter: Limiter::new(samples, SAMPLE_RATE_HZ), loudness_lufs })
    }

    /// Gain and limiter, until the measured loudness is `target_lufs` and the measured peak at most
    /// `ceiling_dbtp`.
    pub(crate) fn level(&self, target_lufs: f64, ceiling_dbtp: f64) -> Result<Mastered, MasterError> {
        let mut limit_db = ceiling_dbtp - METER_MARGIN_DB;
        let first_gain_db = target_lufs - self.loudness_lufs;
        let mut search = GainSearch::new(first_gain_db);
        let (mut samples, mut loudness);
        let mut steps = 0;
        loop {
            steps += 1;
            samples = self.limiter.run(search.gain_db, limit_db);
            let reached = loudness::integrated(&samples, SAMPLE_RATE_HZ)?;
            let near = (target_lufs - reached).abs() <= SEARCH_TOLERANCE_LU;
            let in_reach = search.gain_db < first_gain_db + SEARCH_GAIN_MAX_DB;
            if !near && reached.is_finite() && in_reach && steps < SEARCH_STEPS {
                search.step(target_lufs - reached);
                continue;
            }
            loudness = loudness::measure_samples(&samples, SAMPLE_RATE_HZ)?;
            let excess = loudness.true_peak_dbtp - ceiling_dbtp;
            if excess <= 0.0 || steps >= SEARCH_STEPS {
                break;
            }
            limit_db -= excess + 0.01;
            search.before = None;
        }
        let near = (loudness.integrated_lufs - target_lufs).abs() <= LOUDNESS_TOLERANCE_LU;
        if !near || loudness.true_peak_dbtp > ceiling_dbtp {
            return Err(MasterError::OutOfReach {
                target_lufs,
                ceiling_dbtp,
                integrated_lufs: loudness.integrated_lufs,
                true_peak_dbtp: loudness.true_peak_dbtp,
            });
        }
        let pcm = Pcm::new(samples, SAMPLE_RATE_HZ).map_err(|source| MasterError::Resample { source })?;
        Ok(Mastered { pcm, loudness, gain_db: search.gain_db, limit_db })
    }

    /// From here on holds a place `excess_db` lower than it is in `before`.
    pub(crate) fn soften(&mut self, place: &Range<usize>, excess_db: f64, before: &Mastered) {
        self.limiter.soften(place, excess_db, before.gain_db, before.limit_db);
    }

    /// The same gain and ceiling once more, after places were softened.
    pub(crate) fn level_again(&self, before: &Mastered) -> Result<Mastered, MasterError> {
        let samples = self.limiter.run(before.gain_db, before.limit_db);
        let loudness = loudness::measure_samples(&samples, SAMPLE_RATE_HZ)?;
        let pcm = Pcm::new(samples, SAMPLE_RATE_HZ).map_err(|source| MasterError::Resample { source })?;
        Ok(Mastered { pcm, loudness, ..*before })
    }
}

/// Finds the gain by the secant method: behind the limiter a decibel of gain gives less than one of loudness.
struct GainSearch {
    gain_db: f64,
    /// The gain before, and how much was missing then.
    before: Option<(f64, f64)>,
}

impl GainSearch {
    const fn new(gain_db: f64) -> Self {
        Self { gain_db, before: None }
    }

    fn step(&mut self, missing_lu: f64) {
        let slope = match self.before {
            Some((gain_db, missing_before)) if self.gain_db != gain_db => {
                (missing_before - missing_lu) / (self.gain_db - gain_db)
            }
            _ => FIRST_SLOPE,
        };
        self.before = Some((self.gain_db, missing_lu));
        // A limiter at work gives between a twentieth of the gain and all of it.
        self.gain_db += missing_lu / slope.clamp(0.05, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::loudness::measure_samples;
    use super::*;

    /// Syllables of a buzzing voice with pauses, from a fixed seed.
    fn babble(rate: u32, seconds: f64, level: f32) -> Pcm {
        let count = (f64::from(rate) * seconds) as usize;
        let mut noise = 1_u32;
        let samples = (0..count)
            .map(|n| {
                let t = n as f64 / f64::from(rate);
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = f64::from(noise >> 8) / f64::from(1_u32 << 24) - 0.5;
                let syllable =
                    (t * 3.3 * std::f64::consts::PI).sin().powi(2) * if t % 2.0 < 1.6 { 1.0 } else { 0.0 };
                let buzz: f64 = (1..12)
                    .map(|k| (t * 130.0 * f64::from(k) * std::f64::consts::TAU).sin() / f64::from(k))
                    .sum();
                ((buzz * 0.4 + hiss * 0.2) * syllable) as f32 * level
            })
            .collect();
        Pcm::new(samples, rate).unwrap()
    }

    #[test]
    fn any_level_and_rate_ends_at_the_target() {
        for (rate, level) in [(22_050, 0.5), (16_000, 0.002), (48_000, 0.9), (8_000, 3.0)] {
            let input = babble(rate, 6.0, level);
            let out = master(input.clone(), &Mastering::default()).unwrap();
            assert!(
                (out.loudness.integrated_lufs + 16.0).abs() <= 0.1,
                "{rate} Hz {level}: {:?}",
                out.loudness
            );
            assert!(out.loudness.true_peak_dbtp <= -1.5, "{rate} Hz {level}: {:?}", out.loudness);
            assert_eq!(out.pcm.duration_ms(), input.duration_ms());
            assert_eq!(measure(&out.pcm).unwrap(), out.loudness);
        }
    }

    #[test]
    fn sounds_shorter_than_a_gating_block_reach_the_target_too() {
        for seconds in [0.05, 0.15, 0.39, 0.45] {
            let samples = babble(16_000, 1.0, 0.3).into_samples();
            let count = (seconds * 16_000.0) as usize;
            let out =
                master(Pcm::new(samples[..count].to_vec(), 16_000).unwrap(), &Mastering::default()).unwrap();
            assert!((out.loudness.integrated_lufs + 16.0).abs() <= 0.5, "{seconds} s: {:?}", out.loudness);
            assert!(out.loudness.true_peak_dbtp <= -1.5, "{seconds} s: {:?}", out.loudness);
        }
    }

    #[test]
    fn silence_has_its_own_error() {
        for samples in [vec![], vec![0.0; 16_000], vec![0.000_5; 16_000]] {
            let error = master(Pcm::new(samples, 16_000).unwrap(), &Mastering::default()).unwrap_err();
            assert!(matches!(error, MasterError::Silent { .. }), "{error}");
        }
        // A constant is no sound either: the high-pass takes it away.
        let error =
            master(Pcm::new(vec![0.000_9; 160_000], 16_000).unwrap(), &Mastering::default()).unwrap_err();
        assert!(matches!(error, MasterError::Silent { .. }), "{error}");
    }

    #[test]
    fn a_voice_gets_lower_peaks_and_the_same_loudness() {
        let file = include_bytes!("../../../../audio-samples/phrase.wav");
        let pcm = crate::recording::decode_recording(file.to_vec(), &Default::default()).unwrap();
        let mut samples = pcm.into_samples();
        high_pass(&mut samples);
        let before = measure_samples(&samples, SAMPLE_RATE_HZ).unwrap();
        rotate(&mut samples);
        let after = measure_samples(&samples, SAMPLE_RATE_HZ).unwrap();
        assert!((after.integrated_lufs - before.integrated_lufs).abs() < 0.1, "{before:?} {after:?}");
        assert!(after.true_peak_dbtp < before.true_peak_dbtp - 1.5, "{before:?} {after:?}");
    }

    #[test]
    fn lone_clicks_are_refused() {
        let mut samples = vec![0.0; 64_000];
        samples.iter_mut().step_by(16_000).skip(1).for_each(|sample| *sample = 0.9);
        let error = master(Pcm::new(samples, 16_000).unwrap(), &Mastering::default()).unwrap_err();
        assert!(matches!(error, MasterError::OutOfReach { .. } | MasterError::Silent { .. }), "{error}");
    }
}
