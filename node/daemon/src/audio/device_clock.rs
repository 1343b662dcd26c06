//! At which wall-clock instant is the next frame of the output heard?
//!
//! At each callback, ALSA knows how many frames are queued before the buffer that is about to be filled (its
//! *delay*). Instant of the buffer's first frame = now + delay. Whatever disturbs that estimate makes it too late: the
//! callback that is scheduled late, the card that counts only whole periods as played. The frame count, however,
//! advances exactly; so the earliest of the last [`WINDOW`] estimates, carried forward by the frames since, is the best.
//! After an underrun or a corrected wall clock the old ones are forgotten within the window.
//!
//! # Quirk: devices that report no delay
//! ALSA plugins that end in `null` or `file` report a delay of 0 although they hold a whole ALSA buffer back. A real
//! card in its first periods, before it starts, reports exactly what was written. So the second callback tells
//! the kinds apart, and for the first kind the buffer (two periods, as cpal asks for) is taken as the delay.

/// Estimates that are looked back on; a sixth of a second at periods of 20 ms.
const WINDOW: usize = 8;

/// Follows one open stream.
#[derive(Clone, Debug)]
pub(super) struct DeviceClock {
    rate_hz: i64,
    buffer_ns: i64,
    extra_delay_ns: i64,
    callbacks: usize,
    reports_delay: bool,
    frames: i64,
    /// For each of the last callbacks, the instant at which frame 0 would have been heard.
    origins_ns: [i64; WINDOW],
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
            frames: 0,
            origins_ns: [i64::MAX; WINDOW],
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
        let so_far_ns = self.nanos(self.frames);
        self.origins_ns[self.callbacks % WINDOW] = measured.saturating_sub(so_far_ns);
        self.frames += i64::try_from(frames).unwrap_or(i64::MAX);
        let origin_ns = self.origins_ns.iter().copied().fold(i64::MAX, i64::min);
        origin_ns.saturating_add(so_far_ns)
    }

    /// How long `frames` frames last.
    pub(super) fn duration_ns(&self, frames: usize) -> i64 {
        self.nanos(i64::try_from(frames).unwrap_or(i64::MAX))
    }

    fn nanos(&self, frames: i64) -> i64 {
        i64::try_from(i128::from(frames) * 1_000_000_000 / i128::from(self.rate_hz)).unwrap_or(i64::MAX)
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
        // It takes a burst at first, and is then fed as it plays.
        for _ in 1..5 {
            clock.first_frame_ns(0, 0, 480);
        }
        let mut first = 0;
        for n in 5..100 {
            first = clock.first_frame_ns((n - 4) * PERIOD_NS, 0, 480);
        }
        assert_eq!(first, (95 + 2) * PERIOD_NS);
    }

    #[test]
    fn late_callbacks_do_not_move_the_frames() {
        let mut clock = clock();
        clock.first_frame_ns(0, 0, 480);
        for n in 1..200 {
            let lateness = [0, 3, 17, 1, 8][n as usize % 5] * MS;
            let first = clock.first_frame_ns((n - 1) * PERIOD_NS + lateness, PERIOD_NS, 480);
            assert!(n < 5 || first == n * PERIOD_NS, "{n}: {first}");
        }
    }

    #[test]
    fn an_underrun_is_taken_over_within_the_window() {
        let mut clock = clock();
        clock.first_frame_ns(0, 0, 480);
        for n in 1..50 {
            clock.first_frame_ns((n - 1) * PERIOD_NS, PERIOD_NS, 480);
        }
        let mut first = 0;
        for n in 150..150 + WINDOW as i64 {
            first = clock.first_frame_ns((n - 1) * PERIOD_NS, PERIOD_NS, 480);
        }
        assert_eq!(first, (150 + WINDOW as i64 - 1) * PERIOD_NS);
        // A clock that is set back is believed at once.
        assert_eq!(clock.first_frame_ns(0, PERIOD_NS, 480), PERIOD_NS);
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
