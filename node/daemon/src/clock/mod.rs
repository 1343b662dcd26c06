//! What time it is, and how far to believe it.
//!
//! A board without a working clock battery wakes up in 1970, or at the instant of its last shutdown. The node's wall
//! clock is the system's, unless that is earlier than what the node knows to be past. Two *floors* say what is past, and run
//! on with the monotonic clock:
//!
//! ```text
//! hard floor = newest of: build time, issue time of the node's certificate, issue times of the documents it
//!              verified, none later than when it applied them: they never move the clock forward by themselves
//! soft floor = the clock as the node last kept it; given up once a synchronised clock is there. Where the system is
//!              believed whatever it says, only what somebody kept synchronised
//! wall       = the exchange with the controller, while the judge goes by it: an instant beside one of the boot's clock,
//!              which nobody sets; else the system's clock; else, where that is more than TOLERANCE_MS behind the later floor,
//!              or above the ceiling, that floor
//! ceiling    = the end of the node's own certificate, while the clock has not been believed in this run of the program: with a later clock
//!              the board would believe no broker, and could never hear what time it is
//! ```
//!
//! Whether the clock is *believed* is another question: [`trust`].
//!
//! # Invariants
//! - The hard floor only rises: only what somebody signed raises it. The soft floor rests on this board's own clock, which
//!   may have been wrong, so a synchronised clock overrules it, forward and back.
//! - Reading the wall clock takes no lock: the output callback of the sound card does it.

mod sync;
pub mod trust;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use loa_protocol::clock::Estimate;
use loa_protocol::time::UnixMs;

pub use sync::{Boot, SyncView};

use crate::audio::{SystemClock, WallClock};

const NS_PER_MS: i64 = 1_000_000;

/// A floor so low that no clock is below it.
const NO_FLOOR_NS: i64 = i64::MIN / 2;

/// By how much the clocks of honest machines differ: a controller's may be ahead of the node's by so much. Twice the five
/// minutes by which signed documents are valid before they are issued.
pub const TOLERANCE_MS: i64 = 600_000;

/// When this program was built.
#[must_use]
pub fn build_time() -> UnixMs {
    UnixMs::from_seconds(env!("LOA_BUILD_UNIX_S").parse().unwrap_or(0))
}

/// The node's wall clock; share it by `Arc`.
pub struct NodeClock {
    system: Box<dyn WallClock>,
    started: Instant,
    /// The hard floor as an offset to the monotonic time since `started`, in ns.
    hard_ns: AtomicI64,
    /// The soft one.
    soft_ns: AtomicI64,
    /// What the exchange found, as an offset to the boot's clock, in ns.
    exchange_ns: AtomicI64,
    /// In ns since 1970.
    ceiling_ns: AtomicI64,
    /// The hard floor in seconds, for the verifier of certificates.
    floor_unix_s: Arc<AtomicI64>,
}

impl NodeClock {
    /// The system's clock over a hard floor.
    #[must_use]
    pub fn new(floor: UnixMs) -> Arc<Self> {
        Self::over(Box::new(SystemClock), floor)
    }

    /// Any clock over a hard floor.
    #[must_use]
    pub fn over(system: Box<dyn WallClock>, floor: UnixMs) -> Arc<Self> {
        let clock = Self {
            system,
            started: Instant::now(),
            hard_ns: AtomicI64::new(NO_FLOOR_NS),
            soft_ns: AtomicI64::new(NO_FLOOR_NS),
            exchange_ns: AtomicI64::new(NO_FLOOR_NS),
            ceiling_ns: AtomicI64::new(i64::MAX),
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

    /// The system's clock, whatever the floors say.
    #[must_use]
    pub fn system_now(&self) -> UnixMs {
        UnixMs(self.system.now_unix_ns().div_euclid(NS_PER_MS))
    }

    /// Takes note that `known` is past, because somebody signed it then. An earlier instant changes nothing.
    pub fn raise_floor(&self, known: UnixMs) {
        self.hard_ns.fetch_max(self.offset_ns(known), Ordering::Relaxed);
        self.floor_unix_s.fetch_max(known.seconds(), Ordering::Relaxed);
    }

    /// Takes note that `kept` should be past, because this board's clock said so.
    pub fn set_soft_floor(&self, kept: UnixMs) {
        self.soft_ns.store(self.offset_ns(kept), Ordering::Relaxed);
    }

    /// Takes note that a later clock would lock the node out; see the top of the module.
    pub fn set_ceiling(&self, latest: UnixMs) {
        self.ceiling_ns.store(latest.0.saturating_mul(NS_PER_MS), Ordering::Relaxed);
    }

    /// The clock is believed: it may be as late as it says.
    pub fn lift_ceiling(&self) {
        self.ceiling_ns.store(i64::MAX, Ordering::Relaxed);
    }

    /// A synchronised clock is there: what this board's clock said before is of no interest.
    pub fn give_up_soft_floor(&self) {
        self.soft_ns.store(NO_FLOOR_NS, Ordering::Relaxed);
    }

    /// Goes by what the exchange found, beside an instant of the boot's clock ([`Boot::elapsed_ms`]), or by the system's clock again.
    pub fn go_by(&self, exchange: Option<Estimate>) {
        let offset = |exchange: Estimate| exchange.wall_at(0).0.saturating_mul(NS_PER_MS);
        self.exchange_ns.store(exchange.map_or(NO_FLOOR_NS, offset), Ordering::Relaxed);
    }

    /// Whether this may be the time: it is not before what is known for sure to be past.
    #[must_use]
    pub fn may_be(&self, time: UnixMs) -> bool {
        self.is_above(self.hard_ns.load(Ordering::Relaxed), time.0.saturating_mul(NS_PER_MS))
    }

    /// Whether the system's clock is later than what is known for sure to be past.
    #[must_use]
    pub fn is_above_hard_floor(&self) -> bool {
        self.is_above(self.hard_ns.load(Ordering::Relaxed), self.system.now_unix_ns())
    }

    /// Whether it is later than this board's clock was, too.
    #[must_use]
    pub fn is_above_floors(&self) -> bool {
        self.is_above(self.floor_offset_ns(), self.system.now_unix_ns())
    }

    /// The clock by which certificates are judged.
    #[must_use]
    pub fn for_tls(self: &Arc<Self>) -> loa_link::FlooredClock {
        let clock = Arc::clone(self);
        loa_link::FlooredClock::with_wall(Arc::clone(&self.floor_unix_s), move || clock.now().seconds())
    }

    fn offset_ns(&self, at: UnixMs) -> i64 {
        at.0.saturating_mul(NS_PER_MS).saturating_sub(self.monotonic_ns())
    }

    fn floor_offset_ns(&self) -> i64 {
        self.hard_ns.load(Ordering::Relaxed).max(self.soft_ns.load(Ordering::Relaxed))
    }

    fn is_above(&self, offset_ns: i64, system_ns: i64) -> bool {
        let floor_ns = offset_ns.saturating_add(self.monotonic_ns());
        system_ns >= floor_ns.saturating_sub(TOLERANCE_MS * NS_PER_MS)
    }

    fn monotonic_ns(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

impl WallClock for NodeClock {
    fn now_unix_ns(&self) -> i64 {
        let exchange_ns = self.exchange_ns.load(Ordering::Relaxed);
        if exchange_ns != NO_FLOOR_NS {
            return exchange_ns.saturating_add(Boot::elapsed_ns());
        }
        let (system_ns, offset_ns) = (self.system.now_unix_ns(), self.floor_offset_ns());
        if self.is_above(offset_ns, system_ns) && system_ns <= self.ceiling_ns.load(Ordering::Relaxed) {
            system_ns
        } else {
            offset_ns.saturating_add(self.monotonic_ns())
        }
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

    const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

    #[test]
    fn a_dead_clock_runs_from_the_floor() {
        let clock = NodeClock::over(Box::new(Fixed(0)), UnixMs(YEAR_MS));
        assert!(clock.now() >= UnixMs(YEAR_MS) && clock.now() < UnixMs(YEAR_MS + 60_000));
        assert!(!clock.is_above_hard_floor());
        clock.raise_floor(UnixMs(1_000));
        assert!(clock.now() >= UnixMs(YEAR_MS), "it never falls");
        clock.raise_floor(UnixMs(2 * YEAR_MS));
        assert!(clock.now() >= UnixMs(2 * YEAR_MS));
        assert_eq!(clock.for_tls().now_unix_s(), (2 * YEAR_MS / 1000).unsigned_abs());
    }

    #[test]
    fn a_controller_that_is_a_little_ahead_does_not_move_a_good_clock() {
        let clock = NodeClock::over(Box::new(Fixed(YEAR_MS)), UnixMs(0));
        clock.raise_floor(UnixMs(YEAR_MS + 240_000));
        assert_eq!(clock.now(), UnixMs(YEAR_MS));
        assert!(clock.is_above_hard_floor());
    }

    #[test]
    fn what_this_board_kept_is_a_floor_until_a_better_clock_is_there() {
        let clock = NodeClock::over(Box::new(Fixed(YEAR_MS)), UnixMs(0));
        clock.set_soft_floor(UnixMs(2 * YEAR_MS));
        assert!(clock.now() >= UnixMs(2 * YEAR_MS));
        assert!(clock.is_above_hard_floor() && !clock.is_above_floors());
        assert!(clock.for_tls().now_unix_s() >= (2 * YEAR_MS / 1000).unsigned_abs());
        clock.give_up_soft_floor();
        assert_eq!(clock.now(), UnixMs(YEAR_MS));
        assert_eq!(clock.for_tls().now_unix_s(), (YEAR_MS / 1000).unsigned_abs());
    }

    #[test]
    fn the_exchange_stands_above_what_the_system_says_until_it_is_given_up() {
        let clock = NodeClock::over(Box::new(Fixed(80 * YEAR_MS)), UnixMs(YEAR_MS));
        let at_ms = Boot::elapsed_ms();
        clock.go_by(Some(Estimate { at_ms, wall: UnixMs(50 * YEAR_MS), error_ms: 20 }));
        let passed_ms = clock.now().since(UnixMs(50 * YEAR_MS));
        assert!((0..60_000).contains(&passed_ms), "{passed_ms}");
        assert_eq!(clock.system_now(), UnixMs(80 * YEAR_MS));
        clock.go_by(None);
        assert_eq!(clock.now(), UnixMs(80 * YEAR_MS));
        assert!(clock.may_be(UnixMs(YEAR_MS)) && clock.may_be(UnixMs(50 * YEAR_MS)));
        assert!(!clock.may_be(UnixMs(YEAR_MS - TOLERANCE_MS - 1)));
    }

    #[test]
    fn a_clock_by_which_the_nodes_own_certificate_is_over_runs_from_the_floor_until_somebody_knows() {
        let clock = NodeClock::over(Box::new(Fixed(80 * YEAR_MS)), UnixMs(50 * YEAR_MS));
        clock.set_ceiling(UnixMs(52 * YEAR_MS));
        assert!(clock.now() < UnixMs(50 * YEAR_MS + 60_000));
        assert_eq!(clock.for_tls().now_unix_s(), (50 * YEAR_MS / 1000).unsigned_abs());
        clock.lift_ceiling();
        assert_eq!(clock.now(), UnixMs(80 * YEAR_MS));
    }

    #[test]
    fn the_build_time_is_in_this_century() {
        assert!(build_time() > UnixMs::from_seconds(1_700_000_000));
    }
}
