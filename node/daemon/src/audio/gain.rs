//! Volume: percent as a person sets it, decibels as a sound engineer thinks, factors as samples need them.

/// The lowest audible setting: 1 % is this many dB below 100 %.
const RANGE_DB: f32 = 40.0;

/// Decibels for a volume in percent (0 to 100; more counts as 100).
///
/// 100 % is 0 dB, 0 % is silence, and between them each percent is the same step in dB (0.4 dB), which the ear
/// takes as even; a linear factor would crowd all of the change into the lowest tenth.
#[must_use]
pub fn volume_to_db(volume_percent: u8) -> f32 {
    match volume_percent.min(100) {
        0 => f32::NEG_INFINITY,
        percent => (f32::from(percent) - 100.0) / 99.0 * RANGE_DB,
    }
}

/// The factor for a gain in dB; silence for anything that is not a number.
#[must_use]
pub fn db_to_factor(gain_db: f32) -> f32 {
    if gain_db.is_nan() { 0.0 } else { 10f32.powf(gain_db / 20.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_is_even_in_decibels_and_zero_is_silence() {
        assert_eq!(volume_to_db(100), 0.0);
        assert_eq!(volume_to_db(255), 0.0);
        assert!((volume_to_db(1) + RANGE_DB).abs() < 1e-5);
        assert_eq!(db_to_factor(volume_to_db(0)), 0.0);
        let step = volume_to_db(51) - volume_to_db(50);
        assert!((volume_to_db(91) - volume_to_db(90) - step).abs() < 1e-5);
    }

    #[test]
    fn six_decibels_halve_and_nonsense_is_silent() {
        assert!((db_to_factor(-6.0206) - 0.5).abs() < 1e-5);
        assert_eq!(db_to_factor(f32::NAN), 0.0);
    }
}
