//! Second-order filters by the formulas of the Audio EQ Cookbook (R. Bristow-Johnson).

use std::f64::consts::TAU;

/// Quality factors of two sections that make a fourth-order Butterworth filter.
pub(super) const BUTTERWORTH_4_Q: [f64; 2] = [0.541_196_1, 1.306_562_96];

/// One section, in transposed direct form II.
pub(super) struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    pub(super) fn high_pass(corner_hz: f64, q: f64, sample_rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * corner_hz / sample_rate_hz).sin_cos();
        let alpha = sin / (2.0 * q);
        Self::normalized(
            [(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    /// Lifts what lies above `corner_hz`, where it has half its gain; as steep as it can be without a hump (S = 1).
    pub(super) fn high_shelf(corner_hz: f64, gain_db: f64, sample_rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * corner_hz / sample_rate_hz).sin_cos();
        let amplitude = 10.0_f64.powf(gain_db / 40.0);
        let (more, less) = (amplitude + 1.0, amplitude - 1.0);
        let slope = 2.0 * amplitude.sqrt() * sin / std::f64::consts::SQRT_2;
        Self::normalized(
            [
                amplitude * (more + less * cos + slope),
                -2.0 * amplitude * (less + more * cos),
                amplitude * (more + less * cos - slope),
            ],
            [more - less * cos + slope, 2.0 * (less - more * cos), more - less * cos - slope],
        )
    }

    /// Delays the parts of a sound by their frequency and leaves each as loud as it is.
    pub(super) fn all_pass(centre_hz: f64, q: f64, sample_rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * centre_hz / sample_rate_hz).sin_cos();
        let alpha = sin / (2.0 * q);
        Self::normalized([1.0 - alpha, -2.0 * cos, 1.0 + alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    fn normalized(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|value| value / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    /// Filters in place, from rest.
    pub(super) fn run(&self, samples: &mut [f32]) {
        let (mut z1, mut z2) = (0.0, 0.0);
        for sample in samples {
            let x = f64::from(*sample);
            let y = self.b[0] * x + z1;
            z1 = self.b[1] * x - self.a[0] * y + z2;
            z2 = self.b[2] * x - self.a[1] * y;
            *sample = y as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(filter: &Biquad, hz: f64) -> f64 {
        let mut samples: Vec<f32> =
            (0..16_000).map(|n| (f64::from(n) / 16_000.0 * hz * TAU).sin() as f32).collect();
        filter.run(&mut samples);
        let power: f64 =
            samples[8_000..].iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 8_000.0;
        10.0 * (2.0 * power).log10()
    }

    #[test]
    fn the_curves_are_where_they_should_be() {
        let presence = Biquad::high_shelf(1_500.0, 9.0, 16_000.0);
        assert!((gain_db(&presence, 6_000.0) - 9.0).abs() < 0.1);
        assert!((gain_db(&presence, 1_500.0) - 4.5).abs() < 0.1);
        assert!(gain_db(&presence, 100.0).abs() < 0.1);
        let [first, second] = BUTTERWORTH_4_Q.map(|q| Biquad::high_pass(180.0, q, 16_000.0));
        assert!((gain_db(&first, 180.0) + gain_db(&second, 180.0) + 3.01).abs() < 0.1);
        assert!(gain_db(&first, 45.0) + gain_db(&second, 45.0) < -45.0);
        assert!((gain_db(&first, 1_000.0) + gain_db(&second, 1_000.0)).abs() < 0.1);
        let all_pass = Biquad::all_pass(600.0, 0.5, 16_000.0);
        assert!([100.0, 600.0, 3_000.0].iter().all(|hz| gain_db(&all_pass, *hz).abs() < 0.05));
    }
}
