//! A feed-forward compressor on the short-term power, with a soft knee.

/// Samples between two gains; between them the gain runs straight.
const STEP: usize = 16;

/// Settings of the compressor. Levels are dBFS of a sound brought to -20 LUFS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compression {
    /// Power above which it works.
    pub threshold_db: f64,
    /// Decibels in for one decibel out, above the threshold.
    pub ratio: f64,
    /// Width of the soft transition.
    pub knee_db: f64,
    /// Time constant of rising power.
    pub attack_ms: f64,
    /// Time constant of falling power.
    pub release_ms: f64,
}

impl Default for Compression {
    /// Evens out words and leaves syllables as they are: what follows the envelope of a syllable flattens what it is told by.
    fn default() -> Self {
        Self { threshold_db: -25.0, ratio: 2.0, knee_db: 8.0, attack_ms: 20.0, release_ms: 250.0 }
    }
}

impl Compression {
    pub(super) fn run(&self, samples: &mut [f32], sample_rate_hz: u32) {
        let coefficient = |ms: f64| (-1.0 / (ms / 1_000.0 * f64::from(sample_rate_hz))).exp() as f32;
        let (attack, release) = (coefficient(self.attack_ms), coefficient(self.release_ms));
        let mut power = 0.0_f32;
        let mut gain = 1.0_f32;
        for block in samples.chunks_mut(STEP) {
            for sample in block.iter() {
                let now = sample * sample;
                let keep = if now > power { attack } else { release };
                power = now + (power - now) * keep;
            }
            let next = 10.0_f64.powf(self.gain_db(10.0 * f64::from(power).max(1e-12).log10()) / 20.0) as f32;
            let slope = (next - gain) / block.len() as f32;
            for sample in block {
                gain += slope;
                *sample *= gain;
            }
            gain = next;
        }
    }

    /// Gain (zero or less) at a level.
    fn gain_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db;
        let slope = 1.0 / self.ratio - 1.0;
        let half = self.knee_db / 2.0;
        if over <= -half {
            0.0
        } else if over < half {
            slope * (over + half).powi(2) / (2.0 * self.knee_db)
        } else {
            slope * over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decibels_in_give_one_out() {
        let compression = Compression::default();
        let gain = |level| compression.gain_db(level);
        assert_eq!(gain(-40.0), 0.0);
        assert!(((gain(-10.0) - gain(-14.0)) + 2.0).abs() < 1e-9);
        let steps: Vec<f64> = (0..600).map(|n| gain(-50.0 + f64::from(n) / 10.0)).collect();
        assert!(
            steps.windows(2).all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] < 0.1),
            "the knee is smooth"
        );
    }

    #[test]
    fn a_loud_and_a_soft_word_come_nearer() {
        let tone = |amplitude: f32| {
            (0..8_000).map(move |n| amplitude * (n as f32 / 16_000.0 * 500.0 * std::f32::consts::TAU).sin())
        };
        let mut samples: Vec<f32> = tone(0.05).chain(tone(0.5)).collect();
        Compression::default().run(&mut samples, 16_000);
        let peak = |range: &[f32]| range.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let ratio = peak(&samples[12_000..]) / peak(&samples[4_000..8_000]);
        assert!((2.0..5.0).contains(&ratio), "10 to 1 became {ratio} to 1");
    }
}
