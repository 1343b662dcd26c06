//! Is what was heard what was sent? Normalised cross-correlation, by FFT.

use realfft::RealFftPlanner;

/// Where a reference lies in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The frame of the recording at which the reference's first sample lies.
    pub lag_frames: i64,
    /// Normalised correlation there over the whole reference: 1 is the same shape, at whatever loudness.
    pub coefficient: f64,
}

/// Why nothing could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The reference has no samples, or only silence.
    #[error("the reference is silent, so that it matches anything")]
    SilentReference,
    /// The recording is shorter than the reference.
    #[error(
        "the recording ({recorded_frames} frames) is shorter than the reference ({reference_frames} frames)"
    )]
    ShortRecording {
        /// Length of the recording.
        recorded_frames: usize,
        /// Length of the reference.
        reference_frames: usize,
    },
}

/// Finds the place in `recorded` that is most like `reference`, which must fit in whole.
pub(super) fn find(recorded: &[f32], reference: &[f32]) -> Result<Match, MatchError> {
    let energy: f64 = reference.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    if energy == 0.0 {
        return Err(MatchError::SilentReference);
    }
    let short =
        MatchError::ShortRecording { recorded_frames: recorded.len(), reference_frames: reference.len() };
    let Some(last_lag) = recorded.len().checked_sub(reference.len()) else {
        return Err(short);
    };
    let products = products(recorded, reference);
    // Energy of the recording under the reference at each lag, as a difference of running sums.
    let mut running = Vec::with_capacity(recorded.len() + 1);
    running.push(0.0f64);
    for &sample in recorded {
        running.push(running.last().copied().unwrap_or_default() + f64::from(sample).powi(2));
    }
    // Where the recording is nearly silent a quotient would be noise over noise.
    let floor = energy * 1e-9;
    (0..=last_lag)
        .map(|lag| {
            let under = running[lag + reference.len()] - running[lag];
            let coefficient = if under > floor { products[lag] / (under * energy).sqrt() } else { 0.0 };
            Match { lag_frames: i64::try_from(lag).unwrap_or(i64::MAX), coefficient }
        })
        .max_by(|a, b| a.coefficient.total_cmp(&b.coefficient))
        .ok_or(short)
}

/// The sum of products of the two at each lag from 0.
fn products(recorded: &[f32], reference: &[f32]) -> Vec<f64> {
    let size = (recorded.len() + reference.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(size);
    let spectrum = |samples: &[f32]| {
        let mut input: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
        input.resize(size, 0.0);
        let mut output = forward.make_output_vec();
        // Cannot fail: both lengths are the plan's own.
        let _ = forward.process(&mut input, &mut output);
        output
    };
    let mut product = spectrum(recorded);
    for (a, b) in product.iter_mut().zip(spectrum(reference)) {
        *a *= b.conj();
    }
    // The inverse of a real signal's spectrum has none of its own at these two.
    if let Some(first) = product.first_mut() {
        first.im = 0.0;
    }
    if let Some(last) = product.last_mut() {
        last.im = 0.0;
    }
    let inverse = planner.plan_fft_inverse(size);
    let mut output = inverse.make_output_vec();
    let _ = inverse.process(&mut product, &mut output);
    output.iter().map(|value| value / size as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that is the same each time (xorshift), between -1 and 1.
    fn noise(seed: u32, count: usize) -> Vec<f32> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        })
        .take(count)
        .collect()
    }

    #[test]
    fn a_quieter_copy_is_found_at_its_frame() {
        let reference = noise(1, 4_800);
        let mut recorded = vec![0.0; 1_234];
        recorded.extend(reference.iter().map(|sample| sample * 0.25));
        recorded.extend(noise(2, 3_000));
        let found = find(&recorded, &reference).unwrap();
        assert_eq!(found.lag_frames, 1_234);
        assert!((found.coefficient - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn another_sound_and_a_gap_do_not_pass() {
        let reference = noise(1, 4_800);
        let other = find(&noise(3, 9_600), &reference).unwrap();
        assert!(other.coefficient < 0.2, "{other:?}");
        // 10 ms are missing in the middle: half of it lies beside its place.
        let mut gap = reference[..2_400].to_vec();
        gap.extend(vec![0.0; 480]);
        gap.extend(&reference[2_400..]);
        assert!(find(&gap, &reference).unwrap().coefficient < 0.9);
    }

    #[test]
    fn silence_matches_nothing() {
        assert_eq!(find(&noise(1, 100), &[0.0; 50]), Err(MatchError::SilentReference));
        assert_eq!(find(&[0.0; 100], &noise(1, 50)).unwrap().coefficient, 0.0);
        let short = MatchError::ShortRecording { recorded_frames: 10, reference_frames: 50 };
        assert_eq!(find(&noise(1, 10), &noise(1, 50)), Err(short));
    }
}
