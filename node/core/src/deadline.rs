//! When the core wants to be woken, and what for.

use std::time::Duration;

use loa_protocol::time::UnixMs;

use crate::input::Now;

/// Longest wait: a wall clock that steps while the shell waits is noticed within a minute.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// An instant on one of the two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Wall(UnixMs),
    Monotonic(u64),
}

/// Collects deadlines and keeps the earliest.
#[derive(Debug)]
pub(crate) struct Deadlines {
    now: Now,
    earliest: Option<(Duration, &'static str)>,
}

impl Deadlines {
    pub(crate) fn new(now: Now) -> Self {
        Self { now, earliest: None }
    }

    /// Adds a deadline; one that has passed means "at once".
    pub(crate) fn add(&mut self, at: At, reason: &'static str) {
        let wait_ms = match at {
            At::Wall(instant) => u64::try_from(instant.since(self.now.wall)).unwrap_or(0),
            At::Monotonic(ms) => ms.saturating_sub(self.now.monotonic_ms),
        };
        let wait = Duration::from_millis(wait_ms).min(WAIT_MAX);
        if self.earliest.is_none_or(|(earliest, _)| wait < earliest) {
            self.earliest = Some((wait, reason));
        }
    }

    pub(crate) fn earliest(self) -> Option<(Duration, &'static str)> {
        self.earliest
    }
}
