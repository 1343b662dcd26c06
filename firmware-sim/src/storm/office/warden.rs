//! The guards that documents state, by chance, and whether an area puts its own priority items first.

use loa_protocol::timeline::{Guards, LocalRange};

use crate::rng::Rng;

const HOUR: i64 = 60;
/// Seconds of the longest sessions that are allowed.
const LONGEST_S: std::ops::Range<i64> = 60..600;

/// Draws guards for one document.
#[derive(Debug)]
pub(crate) struct Warden(Rng);

impl Warden {
    pub(crate) fn new(rng: Rng) -> Self {
        Self(rng)
    }

    /// Other guards than before, now and then.
    pub(crate) fn change(&mut self) -> Option<(Guards, bool)> {
        self.0.percent(15).then(|| self.draw())
    }

    /// Some guards, or none.
    pub(crate) fn draw(&mut self) -> (Guards, bool) {
        let own_priority_first = self.0.percent(35);
        if self.0.percent(60) {
            return (Guards::default(), own_priority_first);
        }
        let mut quiet_hours = Vec::new();
        if self.0.percent(60) {
            quiet_hours.push(self.range(20 * HOUR..24 * HOUR, 2 * HOUR..7 * HOUR));
        }
        if self.0.percent(25) {
            quiet_hours.push(self.range(11 * HOUR..12 * HOUR, 12 * HOUR..14 * HOUR));
        }
        let guards = Guards {
            quiet_hours,
            normal_minutes_a_day: self.some(30, 2..40).map(|n| n as u16),
            priority_minutes_a_day: self.some(20, 2..25).map(|n| n as u16),
            sessions_a_day: self.some(30, 2..30).map(|n| n as u16),
            longest_session_ms: self.some(25, LONGEST_S).map(|seconds| seconds as u32 * 1_000),
            volume_ceiling_percent: self.some(30, 20..101).map(|n| n as u8),
        };
        (guards, own_priority_first)
    }

    fn some(&mut self, percent: u64, within: std::ops::Range<i64>) -> Option<i64> {
        self.0.percent(percent).then(|| self.0.range(within.start, within.end))
    }

    fn range(&mut self, from: std::ops::Range<i64>, until: std::ops::Range<i64>) -> LocalRange {
        let mut minute = |within: std::ops::Range<i64>| self.0.range(within.start, within.end) as u16;
        LocalRange { from_minute: minute(from), until_minute: minute(until) }
    }
}
