//! How long to wait before the next connection attempt: exponential back-off with full jitter.
//!
//! When a broker restarts, every node of the fleet loses its connection in the same second. Without jitter they would
//! all come back in the same second too, for ever in step. Each wait is therefore drawn uniformly between `min` and a
//! ceiling that doubles with each failure, up to `max`. The floor `min` makes a busy loop impossible.

use std::time::Duration;

/// Bounds of the wait between two connection attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The shortest wait; also the base that doubles.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Backoff {
    /// 1 s to 5 min.
    fn default() -> Self {
        Self { min: Duration::from_secs(1), max: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The longest wait possible after `failures` failed attempts in a row: `min · 2^(failures + 1)`, at most `max`.
    ///
    /// It starts at twice `min`, because a range of width zero would have no jitter in it.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let factor = 2_u32.checked_pow(failures.saturating_add(1)).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max).max(self.min)
    }

    /// The wait after `failures` failed attempts in a row, where `unit` is a random number in `[0, 1)`.
    ///
    /// Uniform between `min` and [`ceiling`](Self::ceiling). A `unit` outside its range is clamped.
    pub fn delay(&self, failures: u32, unit: f64) -> Duration {
        let spread = self.ceiling(failures).saturating_sub(self.min);
        let unit = if unit.is_finite() { unit.clamp(0.0, 1.0) } else { 0.0 };
        self.min + spread.mul_f64(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_from_two_seconds_to_five_minutes() {
        let backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..10).map(|failures| backoff.ceiling(failures).as_secs()).collect();
        assert_eq!(ceilings, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff.ceiling(u32::MAX), Duration::from_secs(300));
    }

    #[test]
    fn the_first_wait_is_spread_over_its_range() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(0, 0.0), Duration::from_secs(1));
        assert_eq!(backoff.delay(0, 0.5), Duration::from_millis(1500));
        assert_eq!(backoff.delay(20, 0.5), Duration::from_millis(150_500));
    }

    #[test]
    fn equal_bounds_give_a_constant_wait() {
        let backoff = Backoff { min: Duration::from_millis(10), max: Duration::from_millis(10) };
        assert_eq!(backoff.delay(7, 0.9), Duration::from_millis(10));
    }

    proptest! {
        #[test]
        fn every_wait_is_within_the_bounds(failures: u32, unit: f64) {
            let backoff = Backoff::default();
            let delay = backoff.delay(failures, unit);
            prop_assert!(delay >= backoff.min && delay <= backoff.ceiling(failures));
            prop_assert!(delay <= backoff.max);
        }
    }
}
