//! At which wall-clock instant is the next frame of the output heard?
//!
//! At each callback, ALSA knows how many frames are queued before the buffer that is about to be filled (its
//! *delay*). Instant of the buffer's first frame = now + delay. That estimate carries the scheduling jitter of the
//! callback, so it is smoothed against the frame count, which advances exactly; a jump beyond [`STEP_NS`] (an
//! underrun, a corrected wall clock) is taken over at once.
//!
//! # Quirk: devices that report no delay
//! ALSA plugins that end in `null` or `file` report a delay of 0 although they hold a whole ALSA buffer back. A real
//! card in its first periods, before it starts, reports exactly what was written. So the second callback tells
//! the kinds apart, and for the first kind the buffer (two periods, as cpal asks for) is taken as the delay.

/// Beyond this the new estimate replaces the smoothed one.
const STEP_NS: i64 = 30_000_000;

/// Weight of a new estimate is one in this many.
const SMOOTHING: i64 = 8;

/// Follows one open stream.
#[derive(Clone, Debug)]
pub(super) struct DeviceClock {
    rate_hz: i64,
    buffer_ns: i64,
    extra_delay_ns: i64,
    callbacks: u64,
    reports_delay: bool,
    next_ns: Option<i64>,
}

impl DeviceClock {
    /// For a stream of `rate_hz` with `period_frames`; `extra_delay_ns` is what the equipment behind ALSA adds.
    pub(super) fn new(rate_hz: u32, period_frames: u32, extra_delay_ns: i64) -> Self {
        let rate_hz = i64::from(rate_hz);
        Self {
            rate_hz,
            buffer_ns: 2 * i64::from(period_frames) * 1_000_000_000 / rate_hz,
            extra_delay_ns,
            callbacks: 0,
            reports_delay: false,
            next_ns: None,
        }
    }

    /// The instant (Unix ns) at which the first of `frames` frames is heard, given the wall clock and ALSA's delay
    /// at this callback.
    pub(super) fn first_frame_ns(&mut self, now_ns: i64, delay_ns: i64, frames: usize) -> i64 {
        self.callbacks += 1;
        if self.callbacks == 2 {
            self.reports_delay = delay_ns > self.buffer_ns / 4;
        }
        let delay_ns = if self.reports_delay || self.callbacks < 2 { delay_ns } else { self.buffer_ns };
        let measured = now_ns.saturating_add(delay_ns).saturating_add(self.extra_delay_ns);
        let first = match self.next_ns {
            Some(expected) if (measured - expected).abs() <= STEP_NS => {
                expected + (measured - expected) / SMOOTHING
            }
            Some(_) | None => measured,
        };
        self.next_ns = Some(first + self.duration_ns(frames));
        first
    }

    /// How long `frames` frames last.
    pub(super) fn duration_ns(&self, frames: usize) -> i64 {
        i64::try_from(frames).unwrap_or(i64::MAX).saturating_mul(1_000_000_000) / self.rate_hz
    }

    /// How many frames begin within `ns`, to the nearest; 0 for the past.
    pub(super) fn frames_within(&self, ns: i64) -> usize {
        let frames = (i128::from(ns) * i128::from(self.rate_hz) + 500_000_000) / 1_000_000_000;
        usize::try_from(frames.max(0)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: u32 = 480;
    const PERIOD_NS: i64 = 10_000_000;
    const MS: i64 = 1_000_000;

    fn clock() -> DeviceClock {
        DeviceClock::new(48_000, PERIOD, 0)
    }

    #[test]
    fn a_card_that_reports_its_delay_is_followed_to_the_frame() {
        let mut clock = clock();
        // Two periods are written at once, then one for each that is played; the card starts with the second.
        clock.first_frame_ns(0, 0, 480);
        assert_eq!(clock.first_frame_ns(0, PERIOD_NS, 480), PERIOD_NS);
        for n in 2..200 {
            let first = clock.first_frame_ns((n - 1) * PERIOD_NS, PERIOD_NS, 480);
            assert_eq!(first, n * PERIOD_NS);
        }
    }

    #[test]
    fn a_device_without_a_delay_is_taken_to_hold_two_periods() {
        let mut clock = clock();
        clock.first_frame_ns(0, 0, 480);
        let mut first = 0;
        for n in 1..100 {
            first = clock.first_frame_ns(n * PERIOD_NS, 0, 480);
        }
        assert!((first - (99 + 2) * PERIOD_NS).abs() < MS / 10, "{first}");
    }

    #[test]
    fn jitter_is_smoothed_and_an_underrun_is_taken_over() {
        let mut clock = clock();
        clock.first_frame_ns(0, 0, 480);
        for n in 1..50 {
            clock.first_frame_ns((n - 1) * PERIOD_NS, PERIOD_NS, 480);
        }
        let jittered = clock.first_frame_ns(49 * PERIOD_NS + 4 * MS, PERIOD_NS, 480);
        assert_eq!(jittered, 50 * PERIOD_NS + 4 * MS / SMOOTHING);
        let after_underrun = clock.first_frame_ns(150 * PERIOD_NS, PERIOD_NS, 480);
        assert_eq!(after_underrun, 151 * PERIOD_NS);
    }

    #[test]
    fn frames_round_to_the_nearest_and_never_go_back() {
        let clock = clock();
        assert_eq!(clock.frames_within(1_000_000_000), 48_000);
        assert_eq!(clock.frames_within(10_400), 0);
        assert_eq!(clock.frames_within(10_500), 1);
        assert_eq!(clock.frames_within(-5 * MS), 0);
        assert_eq!(clock.duration_ns(480), PERIOD_NS);
    }
}
