//! The wall clock of a simulated board: a real one, put wrong by as much as one likes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use loa_link::FlooredClock;
use loa_node::audio::{SystemClock, WallClock};
use loa_node::clock::build_time;
use loa_protocol::time::UnixMs;

const NS_PER_MS: i64 = 1_000_000;

/// A wall clock that can be shifted; share it by `Arc`.
pub struct SimClock {
    wall: Box<dyn WallClock>,
    shift_ms: AtomicI64,
}

impl SimClock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Arc<Self> {
        Self::over(Box::new(SystemClock))
    }

    /// Any clock.
    #[must_use]
    pub fn over(wall: Box<dyn WallClock>) -> Arc<Self> {
        Arc::new(Self { wall, shift_ms: AtomicI64::new(0) })
    }

    /// The instant that the board believes in.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        let true_ms = self.wall.now_unix_ns().div_euclid(NS_PER_MS);
        UnixMs(true_ms.saturating_add(self.shift_ms.load(Ordering::Relaxed)))
    }

    /// By how much it is ahead of the true time, in milliseconds; negative is behind.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        self.shift_ms.load(Ordering::Relaxed)
    }

    /// Puts the clock forward, or back with a negative number.
    pub fn shift(&self, by_ms: i64) {
        self.shift_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// The clock by which certificates are judged, with this program's build time as its floor.
    #[must_use]
    pub fn for_tls(self: &Arc<Self>) -> FlooredClock {
        let clock = Arc::clone(self);
        let floor = Arc::new(AtomicI64::new(build_time().seconds()));
        FlooredClock::with_wall(floor, move || clock.now().seconds())
    }
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimClock").field("shift_ms", &self.shift_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl WallClock for Fixed {
        fn now_unix_ns(&self) -> i64 {
            1_999_999
        }
    }

    #[test]
    fn a_shift_stays_and_adds_up() {
        let clock = SimClock::over(Box::new(Fixed));
        assert_eq!(clock.now(), UnixMs(1));
        clock.shift(100);
        clock.shift(-30);
        assert_eq!(clock.now(), UnixMs(71));
    }
}
