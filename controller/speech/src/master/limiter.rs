//! A look-ahead limiter that sees the peaks between the samples.
//!
//! Invariant: at every sample the gain is at most what the peak there needs. The needed gain is held for
//! the look-ahead before its peak, then averaged over just that time, so it falls in a straight line and never too
//! late. What can still exceed the ceiling is the difference between two oversamplers; the caller measures.

use std::collections::VecDeque;
use std::ops::Range;

/// The gain falls over this time before a peak. Within one period of a voice: a gain that moves over several takes as much from what
/// is told by a syllable's envelope as a compressor does.
const LOOK_AHEAD_MS: usize = 1;
/// Time constant with which the gain comes back: soon enough that a peak costs its own period alone.
const RELEASE_MS: f32 = 8.0;
/// Taps of each interpolating filter, on both sides together.
const TAPS: usize = 16;
/// Positions between two samples that are looked at.
const PHASES: usize = 3;

/// A sound with the peaks around each of its samples.
pub(super) struct Limiter {
    samples: Vec<f32>,
    peaks: Vec<f32>,
    highest: f32,
    look_ahead: usize,
    release: f32,
}

impl Limiter {
    pub(super) fn new(samples: Vec<f32>, sample_rate_hz: u32) -> Self {
        let peaks = peaks(&samples);
        let highest = peaks.iter().copied().fold(0.0, f32::max);
        let release = (-1_000.0 / (RELEASE_MS * sample_rate_hz as f32)).exp();
        let look_ahead = (sample_rate_hz as usize * LOOK_AHEAD_MS / 1_000).max(1);
        Self { samples, peaks, highest, look_ahead, release }
    }

    /// From here on a place is held `excess_db` lower than [`run`](Self::run) with this gain and ceiling held it,
    /// whether or not its peaks reach the ceiling.
    pub(super) fn soften(&mut self, place: &Range<usize>, excess_db: f64, gain_db: f64, ceiling_db: f64) {
        let limit = limit(gain_db, ceiling_db);
        let end = place.end.min(self.peaks.len());
        let factor = 10.0_f64.powf(excess_db / 20.0) as f32;
        let Some(peaks) = self.peaks.get_mut(place.start.min(end)..end) else { return };
        let lifted = peaks.iter().copied().fold(limit, f32::max) * factor;
        peaks.fill(lifted);
        self.highest = self.highest.max(lifted);
    }

    /// The sound after `gain_db`, with its peaks held at `ceiling_db`.
    pub(super) fn run(&self, gain_db: f64, ceiling_db: f64) -> Vec<f32> {
        let gain = 10.0_f64.powf(gain_db / 20.0) as f32;
        let limit = limit(gain_db, ceiling_db);
        if self.highest <= limit {
            return self.samples.iter().map(|sample| sample * gain).collect();
        }
        let ahead = self.look_ahead;
        // Gains below one in the window, rising from front to back; none means that no peak is near.
        let mut window: VecDeque<(usize, f32)> = VecDeque::with_capacity(ahead + 2);
        let mut recent = vec![1.0_f32; ahead];
        let (mut slot, mut sum, mut held) = (0, ahead as f64, 1.0_f32);
        let mut output = Vec::with_capacity(self.samples.len());
        let scale = 1.0 / ahead as f64;
        // The window of sample `n` reaches to `n + ahead`; before the first sample it fills up.
        for at in 0..self.samples.len() + ahead {
            let now = match self.peaks.get(at) {
                Some(&peak) if peak > limit => limit / peak,
                _ => 1.0,
            };
            while window.back().is_some_and(|&(_, gain)| gain >= now) {
                window.pop_back();
            }
            if now < 1.0 {
                window.push_back((at, now));
            }
            while window.front().is_some_and(|&(index, _)| index + ahead < at) {
                window.pop_front();
            }
            let lowest = window.front().map_or(1.0, |&(_, gain)| gain);
            held = if lowest < held { lowest } else { lowest + (held - lowest) * self.release };
            sum += f64::from(held) - f64::from(recent[slot]);
            recent[slot] = held;
            slot = if slot + 1 == ahead { 0 } else { slot + 1 };
            if let Some(n) = at.checked_sub(ahead) {
                output.push(self.samples[n] * gain * (sum * scale) as f32);
            }
        }
        output
    }
}

/// The peak of the sound as it came in which just reaches the ceiling.
fn limit(gain_db: f64, ceiling_db: f64) -> f32 {
    10.0_f64.powf((ceiling_db - gain_db) / 20.0) as f32
}

/// The highest absolute value at each sample and on the way to both its neighbours.
fn peaks(samples: &[f32]) -> Vec<f32> {
    let filters: [[f32; TAPS]; PHASES] =
        std::array::from_fn(|phase| interpolator((phase + 1) as f64 / (PHASES + 1) as f64));
    let mut padded = vec![0.0; TAPS / 2];
    padded.extend_from_slice(samples);
    padded.resize(samples.len() + TAPS, 0.0);
    let mut before = 0.0_f32;
    (0..samples.len())
        .map(|n| {
            // padded[n + TAPS / 2] is samples[n]; the filters look at the way from there to the next sample.
            let around: &[f32] = &padded[n + 1..n + 1 + TAPS];
            let after = filters.iter().fold(0.0_f32, |highest, filter| {
                highest.max(around.iter().zip(filter).map(|(sample, tap)| sample * tap).sum::<f32>().abs())
            });
            let peak = samples[n].abs().max(before).max(after);
            before = after;
            peak
        })
        .collect()
}

/// A windowed sinc that reads the value `fraction` of the way from tap `TAPS / 2 - 1` to the next.
fn interpolator(fraction: f64) -> [f32; TAPS] {
    use std::f64::consts::PI;
    let half = TAPS as f64 / 2.0;
    let taps: [f64; TAPS] = std::array::from_fn(|tap| {
        let x = tap as f64 - (half - 1.0) - fraction;
        let sinc = (PI * x).sin() / (PI * x);
        let window = (PI * x / (2.0 * half)).cos().powi(2);
        sinc * window
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_between_the_samples_are_seen() {
        // A quarter of the rate, sampled at 45°: the samples reach 0.707, the wave 1.0.
        let samples: Vec<f32> = (0..400)
            .map(|n| (f64::from(n) * std::f64::consts::FRAC_PI_2 + std::f64::consts::FRAC_PI_4).sin() as f32)
            .collect();
        let peaks = peaks(&samples);
        assert!((samples[200].abs() - 0.707).abs() < 0.001);
        assert!((peaks[200] - 1.0).abs() < 0.02, "{}", peaks[200]);
    }

    #[test]
    fn a_softened_place_is_lower_and_the_rest_stays() {
        let samples: Vec<f32> = (0..8_000).map(|n| (n as f32 * 0.3).sin() * 0.1).collect();
        let mut limiter = Limiter::new(samples, 16_000);
        let before = limiter.run(6.0, -3.0);
        limiter.soften(&(4_000..4_320), 6.0, 6.0, -3.0);
        let after = limiter.run(6.0, -3.0);
        let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak(&after[4_000..4_320]) / peak(&before[4_000..4_320]) - 0.501).abs() < 0.01);
        assert_eq!(before[..3_900], after[..3_900]);
    }

    #[test]
    fn no_sample_exceeds_the_ceiling_and_the_rest_stays() {
        let mut samples = vec![0.1_f32; 12_000];
        for at in [0, 1, 1_500, 1_503, 11_999] {
            samples[at] = 0.9;
        }
        let limiter = Limiter::new(samples.clone(), 16_000);
        let out = limiter.run(0.0, -6.0);
        assert_eq!(out.len(), samples.len());
        let ceiling = 10.0_f32.powf(-6.0 / 20.0);
        assert!(out.iter().all(|sample| sample.abs() <= ceiling + 1e-6));
        assert!((out[10_000] - 0.1).abs() < 0.001, "far from a peak the gain is one: {}", out[10_000]);
        assert!((limiter.run(6.0, 20.0)[1_000] - 0.1995).abs() < 0.001, "without a peak it is a plain gain");
    }
}
