//! When each frame is heard: a sound card's clock, which runs evenly and never back.
//!
//! Frame n is heard n / rate after the first frame arrived. Data that comes up to [`FORGIVEN_NS`] late is still heard
//! evenly; later than that, the card has run dry, there was silence, and its clock begins anew with what comes then.

/// Lateness that a sound card's buffer makes up for. ALSA's `file` plugin holds that buffer back rather than pass it on
/// (40 ms with the node's periods of 20), so that a stall which a card would bridge arrives here as a late page.
pub(super) const FORGIVEN_NS: i64 = 40_000_000;

/// The clock of one recording.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate_hz: i64,
    start_ns: Option<i64>,
    frames_since_start: i64,
}

/// When the frames that just arrived are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Instant of the first of them.
    pub(super) from_ns: i64,
    /// Instant of the end of the last: take nothing more before.
    pub(super) until_ns: i64,
    /// Silence before them because the card had run dry.
    pub(super) dry_ns: i64,
}

impl Pace {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz: i64::from(rate_hz), start_ns: None, frames_since_start: 0 }
    }

    /// `frames` frames have arrived at `now_ns` (any monotonic clock).
    pub(super) fn arrived(&mut self, now_ns: i64, frames: usize) -> Heard {
        let due_ns = self.start_ns.map(|start| start + self.duration_ns(self.frames_since_start));
        let (from_ns, dry_ns) = match due_ns {
            Some(due_ns) if now_ns - due_ns <= FORGIVEN_NS => (due_ns, 0),
            Some(due_ns) => (self.restart(now_ns), now_ns - due_ns),
            None => (self.restart(now_ns), 0),
        };
        self.frames_since_start += i64::try_from(frames).unwrap_or(i64::MAX);
        let until_ns = self.start_ns.unwrap_or(now_ns) + self.duration_ns(self.frames_since_start);
        Heard { from_ns, until_ns, dry_ns }
    }

    fn restart(&mut self, now_ns: i64) -> i64 {
        self.start_ns = Some(now_ns);
        self.frames_since_start = 0;
        now_ns
    }

    fn duration_ns(&self, frames: i64) -> i64 {
        i64::try_from(i128::from(frames) * 1_000_000_000 / i128::from(self.rate_hz)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn sound_is_heard_evenly_however_it_arrives() {
        let mut pace = Pace::new(48_000);
        assert_eq!(pace.arrived(5 * MS, 480), Heard { from_ns: 5 * MS, until_ns: 15 * MS, dry_ns: 0 });
        // A burst at once, and then a chunk that is a little late.
        assert_eq!(pace.arrived(5 * MS, 480).until_ns, 25 * MS);
        assert_eq!(pace.arrived(64 * MS, 480), Heard { from_ns: 25 * MS, until_ns: 35 * MS, dry_ns: 0 });
    }

    #[test]
    fn a_card_that_ran_dry_begins_anew() {
        let mut pace = Pace::new(48_000);
        pace.arrived(0, 480);
        assert_eq!(
            pace.arrived(100 * MS, 480),
            Heard { from_ns: 100 * MS, until_ns: 110 * MS, dry_ns: 90 * MS }
        );
        assert_eq!(pace.arrived(101 * MS, 480).from_ns, 110 * MS);
    }

    #[test]
    fn ten_hours_do_not_drift() {
        let mut pace = Pace::new(48_000);
        let mut now = 0;
        for _ in 0..3_600_000 {
            now = pace.arrived(now, 480).until_ns;
        }
        assert_eq!(now, 36_000_000 * MS);
    }
}
