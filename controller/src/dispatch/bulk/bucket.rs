//! A bound on bytes over time.

/// A flow of so many bytes a second, of which some may come at once.
///
/// Kept as the one instant at which all that was taken would have flowed (the generic cell rate algorithm, ITU-T I.371): no
/// timer, no rounding that adds up, and what is taken beyond the bound is owed. The crate `governor` bounds the same way, but
/// reads a clock of its own and has no way to owe, which a wave needs: it goes to a thousand lines at once, whatever each
/// of them was sent before.
///
/// **Invariant.** Whoever takes only when [`Bucket::is_ready`] takes, in any time, at most the rate times that time, the burst and
/// what was taken last.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    bytes_s: u64,
    burst_us: u64,
    flowed_at_us: u64,
}

impl Bucket {
    /// A bucket from which nothing was taken. A rate of 0 counts as 1.
    pub fn new(bytes_s: u64, burst_bytes: u64) -> Self {
        let bytes_s = bytes_s.max(1);
        Self { bytes_s, burst_us: time_us(burst_bytes, bytes_s), flowed_at_us: 0 }
    }

    /// Bytes a second.
    pub fn bytes_s(&self) -> u64 {
        self.bytes_s
    }

    /// From when on something may be taken.
    pub fn ready_at_us(&self) -> u64 {
        self.flowed_at_us.saturating_sub(self.burst_us)
    }

    /// Whether something may be taken.
    pub fn is_ready(&self, now_us: u64) -> bool {
        self.ready_at_us() <= now_us
    }

    /// Takes bytes, whether it was ready or not.
    pub fn take(&mut self, bytes: u64, now_us: u64) {
        self.flowed_at_us = self.flowed_at_us.max(now_us).saturating_add(time_us(bytes, self.bytes_s));
    }

    /// Makes it no faster than this from here on; what was taken stays taken.
    pub fn slow_down(&mut self, bytes_s: u64) {
        self.bytes_s = self.bytes_s.min(bytes_s.max(1));
    }
}

fn time_us(bytes: u64, bytes_s: u64) -> u64 {
    bytes.saturating_mul(1_000_000).div_ceil(bytes_s)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_owed_is_waited_for() {
        let mut bucket = Bucket::new(1_000, 500);
        bucket.take(500, 0);
        assert!(bucket.is_ready(0), "the burst");
        bucket.take(1_000, 0);
        assert_eq!((bucket.is_ready(999_999), bucket.is_ready(1_000_000)), (false, true));
        bucket.take(1_000, 60_000_000);
        assert_eq!(bucket.ready_at_us(), 60_500_000, "what was not used is no credit beyond the burst");
        bucket.slow_down(100);
        bucket.take(100, 61_000_000);
        assert_eq!(bucket.bytes_s(), 100);
    }

    proptest! {
        #[test]
        fn no_window_of_time_has_more_than_the_bound(
            rate in 1_000u64..10_000_000,
            burst in 0u64..2_000_000,
            steps in proptest::collection::vec((0u64..200_000, 1u64..20_000), 1..200),
        ) {
            let (mut bucket, mut now_us) = (Bucket::new(rate, burst), 0);
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (pause_us, bytes) in steps {
                now_us += pause_us;
                if bucket.is_ready(now_us) {
                    bucket.take(bytes, now_us);
                    taken.push((now_us, bytes));
                }
            }
            for from in 0..taken.len() {
                let mut sum = 0;
                for (at_us, bytes) in &taken[from..] {
                    let window_us = at_us - taken[from].0;
                    // Before the last of them, the window held no more than flows in it and the burst; rounding is below a byte each.
                    let bound = rate * window_us / 1_000_000 + burst + taken.len() as u64 + 1;
                    prop_assert!(sum <= bound, "{sum} bytes in {window_us} µs");
                    sum += bytes;
                }
            }
        }
    }
}
