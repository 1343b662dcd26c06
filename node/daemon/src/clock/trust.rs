//! Whether the clock is believed. A clock that is hours off makes a village hear its bulletins at night, so a clock counts
//! as right only where somebody keeps it right, and for a bounded time after.
//!
//! | Clock | Trust |
//! |---|---|
//! | earlier than what is known to be past | unknown: it was reset, or set wrong |
//! | kept right by somebody ([`SyncView`]) | trusted |
//! | was so in this boot, and has run evenly since | holdover, while its error can be no more than [`ERROR_MAX_MS`] |
//! | was so in an earlier boot, and a battery-backed chip that was right then carried it over | holdover, counted from then |
//! | anything else | unknown |
//!
//! Where it is configured so ([`Policy::System`]), a clock that is not earlier than what is known to be past is trusted.
//!
//! **Invariants.** [`Judge`] is pure: what the system says comes in by a [`Look`]. What was kept in an earlier boot can make a clock holdover, never
//! trusted. A clock that was set by hand, by more than its error, is not believed until somebody keeps it.

use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::{Boot, NodeClock, SyncView};

/// The most by which a clock may be wrong and still count: a start some minutes off is better than none, one that is an
/// hour off is worse. With [`DRIFT_PPM`] that is 32 days.
pub const ERROR_MAX_MS: u64 = 300_000;

/// How far an uncompensated crystal on a pole drifts, in parts per million.
pub const DRIFT_PPM: u64 = 100;

/// How unevenly two looks at the same clock may come, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// By how much the chip may differ from a clock that is right and still be one that is set from it, in milliseconds: the
/// kernel tells the chip's time in whole seconds.
const CHIP_MS: u64 = 2_000;

/// Whom to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Who says that the clock is synchronised.
    Synchronised,
    /// The system, whatever it says: somebody else keeps its clock right.
    System,
}

/// A moment at which the clock was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What it said then.
    pub wall: UnixMs,
    /// How long the boot had lasted, in milliseconds.
    pub boot_ms: u64,
    /// By how much it may have been wrong, in milliseconds.
    pub error_ms: u64,
}

/// A moment at which the clock was right, and the boot in which that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The moment.
    pub anchor: Anchor,
    /// Name of the boot; empty where nobody but the system itself said that the clock was right.
    pub boot: String,
    /// By how much the battery-backed chip was ahead of the clock then, in milliseconds; `None` without a chip.
    pub chip_ahead_ms: Option<i64>,
}

impl Anchor {
    /// By how much a clock that has run since may be wrong, in milliseconds.
    fn error_at(&self, boot_ms: u64) -> u64 {
        let elapsed = boot_ms.saturating_sub(self.boot_ms);
        self.error_ms.saturating_add(drift_ms(elapsed))
    }

    /// Whether a clock that says `wall` has run on evenly since.
    fn agrees(&self, wall: UnixMs, boot_ms: u64) -> bool {
        let elapsed = i64::try_from(boot_ms.saturating_sub(self.boot_ms)).unwrap_or(i64::MAX);
        let expected = self.wall.0.saturating_add(elapsed);
        wall.0.abs_diff(expected) <= self.error_at(boot_ms).saturating_add(LOOK_MS)
    }
}

fn drift_ms(elapsed_ms: u64) -> u64 {
    (elapsed_ms / 1_000).saturating_mul(DRIFT_PPM) / 1_000
}

impl Look {
    /// Looks at this machine.
    #[must_use]
    pub fn at(clock: &NodeClock) -> Self {
        Self {
            wall: clock.system_now(),
            boot_ms: Boot::elapsed_ms(),
            sync: SyncView::of_system(),
            chip: Boot::battery_clock_now(),
            is_above_hard_floor: clock.is_above_hard_floor(),
            is_above_floors: clock.is_above_floors(),
        }
    }
}

/// Judges the clock of one boot.
#[derive(Debug)]
pub struct Judge {
    policy: Policy,
    anchor: Option<Anchor>,
}

/// One look at the system's clock.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What it says.
    pub wall: UnixMs,
    /// How long the boot has lasted, in milliseconds.
    pub boot_ms: u64,
    /// Whether somebody keeps it right.
    pub sync: SyncView,
    /// What the battery-backed chip says.
    pub chip: Option<UnixMs>,
    /// Whether it is later than what is known for sure to be past.
    pub is_above_hard_floor: bool,
    /// Whether it is later than what this board ever kept, too.
    pub is_above_floors: bool,
}

impl Judge {
    /// At the start of the program, with what was kept, and the clock as it stands.
    #[must_use]
    pub fn new(policy: Policy, kept: Option<Kept>, boot: &Boot, wall: UnixMs, boot_ms: u64) -> Self {
        let anchor = kept.and_then(|Kept { anchor, boot: of, chip_ahead_ms }| {
            if of.is_empty() {
                return None;
            }
            if of == boot.id {
                return Some(anchor);
            }
            // That it agrees with the clock says little: the kernel set the clock from it. It counts where it was right
            // when the clock was.
            let chip_error_ms = chip_ahead_ms?.unsigned_abs();
            if chip_error_ms > CHIP_MS {
                return None;
            }
            // A chip that lost its battery, too, says something else than a clock that the system has set forward since.
            let chip = boot.battery_clock?;
            let away_ms = u64::try_from(wall.since(anchor.wall)).ok()?;
            (chip.0.abs_diff(wall.0) <= ERROR_MAX_MS).then(|| Anchor {
                wall,
                boot_ms,
                error_ms: anchor.error_ms.saturating_add(chip_error_ms).saturating_add(drift_ms(away_ms)),
            })
        });
        Self { policy, anchor }
    }

    /// What the clock is worth at this moment, and by how much it may be wrong where that is known, in milliseconds.
    pub fn look(&mut self, look: &Look) -> (ClockTrust, Option<u64>) {
        let Look { wall, boot_ms, sync, is_above_hard_floor, is_above_floors, chip: _ } = *look;
        if !is_above_hard_floor {
            return (ClockTrust::Unknown, None);
        }
        if sync.is_synchronised {
            self.anchor = Some(Anchor { wall, boot_ms, error_ms: sync.error_ms });
            return (ClockTrust::Trusted, Some(sync.error_ms));
        }
        match (self.policy, is_above_floors) {
            (_, false) => return (ClockTrust::Unknown, None),
            (Policy::System, true) => return (ClockTrust::Trusted, None),
            (Policy::Synchronised, true) => {}
        }
        let held = self.anchor.as_ref().filter(|anchor| anchor.agrees(wall, boot_ms));
        let error_ms = held.map(|anchor| anchor.error_at(boot_ms)).filter(|error| *error <= ERROR_MAX_MS);
        match error_ms {
            Some(error_ms) => (ClockTrust::Holdover, Some(error_ms)),
            None => (ClockTrust::Unknown, None),
        }
    }

    /// What is to be kept of a trusted look.
    #[must_use]
    pub fn kept(&self, look: &Look, boot: &Boot) -> Kept {
        let Look { wall, boot_ms, sync, chip, .. } = *look;
        let chip_ahead_ms = chip.map(|chip| chip.since(wall));
        let boot = if sync.is_synchronised { boot.id.clone() } else { String::new() };
        Kept { anchor: Anchor { wall, boot_ms, error_ms: sync.error_ms }, boot, chip_ahead_ms }
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
