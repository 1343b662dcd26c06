//! What time it is, and how far to believe it.
//!
//! A board without a working clock battery wakes up in 1970, or at the instant of its last shutdown. The node's wall
//! clock is therefore the later of the system's clock and a *floor* that runs on with the monotonic clock:
//!
//! ```text
//! floor = newest of: build time, time last persisted while trusted, issue time of anything verified
//! wall  = max(system clock, floor + monotonic time since the floor was raised)
//! ```
//!
//! # Invariants
//! - The floor only rises, so nothing that was refused as expired is ever accepted again.
//! - Only a trusted clock is persisted as a floor: a clock that ran ahead for a while must not poison the next boot.
//! - Reading the wall clock takes no lock: the output callback of the sound card does it.

mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

pub use sync::{SyncView, trust};

use crate::audio::{SystemClock, WallClock};

const NS_PER_MS: i64 = 1_000_000;

/// When this program was built.
#[must_use]
pub fn build_time() -> UnixMs {
    UnixMs::from_seconds(env!("LOA_BUILD_UNIX_S").parse().unwrap_or(0))
}

/// The node's wall clock; share it by `Arc`.
pub struct NodeClock {
    system: Box<dyn WallClock>,
    started: Instant,
    /// The floor as an offset to the monotonic time since `started`, in ns.
    floor_offset_ns: AtomicI64,
    /// The floor in seconds, for the verifier of certificates.
    floor_unix_s: Arc<AtomicI64>,
}

impl NodeClock {
    /// The system's clock over a floor.
    #[must_use]
    pub fn new(floor: UnixMs) -> Arc<Self> {
        Self::over(Box::new(SystemClock), floor)
    }

    /// Any clock over a floor.
    #[must_use]
    pub fn over(system: Box<dyn WallClock>, floor: UnixMs) -> Arc<Self> {
        let clock = Self {
            system,
            started: Instant::now(),
            floor_offset_ns: AtomicI64::new(i64::MIN / 2),
            floor_unix_s: Arc::new(AtomicI64::new(i64::MIN)),
        };
        clock.raise_floor(floor);
        Arc::new(clock)
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        UnixMs(self.now_unix_ns().div_euclid(NS_PER_MS))
    }

    /// Takes note that `known` is past. An earlier instant than the floor changes nothing.
    pub fn raise_floor(&self, known: UnixMs) {
        let offset = known.0.saturating_mul(NS_PER_MS).saturating_sub(self.monotonic_ns());
        self.floor_offset_ns.fetch_max(offset, Ordering::Relaxed);
        self.floor_unix_s.fetch_max(known.seconds(), Ordering::Relaxed);
    }

    /// How far the clock can be believed at this moment; `view` is what the system says of its clock.
    #[must_use]
    pub fn trust(&self, view: SyncView) -> ClockTrust {
        sync::trust(view, self.system.now_unix_ns() >= self.floor_ns())
    }

    /// The clock by which certificates are judged.
    #[must_use]
    pub fn for_tls(self: &Arc<Self>) -> loa_link::FlooredClock {
        let clock = Arc::clone(self);
        loa_link::FlooredClock::with_wall(Arc::clone(&self.floor_unix_s), move || clock.now().seconds())
    }

    fn floor_ns(&self) -> i64 {
        self.floor_offset_ns.load(Ordering::Relaxed).saturating_add(self.monotonic_ns())
    }

    fn monotonic_ns(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

impl WallClock for NodeClock {
    fn now_unix_ns(&self) -> i64 {
        self.system.now_unix_ns().max(self.floor_ns())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(i64);
    impl WallClock for Fixed {
        fn now_unix_ns(&self) -> i64 {
            self.0 * NS_PER_MS
        }
    }

    const CANNOT_KNOW: SyncView =
        SyncView { synchronized: false, has_service: false, has_battery_clock: false };

    #[test]
    fn a_dead_clock_runs_from_the_floor_and_is_not_trusted() {
        let clock = NodeClock::over(Box::new(Fixed(0)), UnixMs(5_000));
        assert!(clock.now() >= UnixMs(5_000) && clock.now() < UnixMs(65_000));
        assert_eq!(clock.trust(CANNOT_KNOW), ClockTrust::Unknown);
        clock.raise_floor(UnixMs(1_000));
        assert!(clock.now() >= UnixMs(5_000));
        clock.raise_floor(UnixMs(100_000));
        assert!(clock.now() >= UnixMs(100_000));
        assert_eq!(clock.for_tls().now_unix_s(), 100);
    }

    #[test]
    fn a_clock_above_the_floor_is_the_systems() {
        let clock = NodeClock::over(Box::new(Fixed(9_000_000)), UnixMs(5_000));
        assert_eq!(clock.now(), UnixMs(9_000_000));
        assert_eq!(clock.trust(CANNOT_KNOW), ClockTrust::Trusted);
    }

    #[test]
    fn the_build_time_is_in_this_century() {
        assert!(build_time() > UnixMs::from_seconds(1_700_000_000));
    }
}
