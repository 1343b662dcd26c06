//! Whether the clock is believed. A clock that is hours off makes a village hear its bulletins at night, so a clock counts
//! as right only where somebody keeps it right, and for a bounded time after.
//!
//! The first line that fits decides; the rules are K3 to K7 of [`loa_protocol::clock`].
//!
//! | Clock | Trust |
//! |---|---|
//! | the system's, kept right by somebody ([`SyncView`]), and not contradicted by the controller | trusted |
//! | the same, but contradicted | holdover or unknown: the difference counts as its error |
//! | the system's, where it is configured so ([`Policy::System`]) | trusted |
//! | the controller's, as the exchange found it | trusted, while its error can be no more than [`TRUSTED_MAX_MS`] |
//! | the system's, which was kept right in this boot, and has run evenly since | holdover, while its error can be no more than [`ERROR_MAX_MS`] |
//! | the same of an earlier boot, where a battery-backed chip that was right then carried it over | holdover, counted from then |
//! | the controller's, some time ago | holdover, while its error can be no more than [`ERROR_MAX_MS`] |
//! | anything else | unknown |
//!
//! Of the last three that are possible, the one with the smaller error counts. The system's clock is of no use while it is earlier than
//! what is known to be past: it was reset, or set wrong.
//!
//! **Invariants.** [`Judge`] is pure: what the system says comes in by a [`Look`]. What was kept in an earlier boot can make a clock holdover, never
//! trusted. A clock that was set by hand, by more than its error, is not believed until somebody keeps it.

use loa_node_core::Standing;
pub use loa_protocol::clock::HELD_MAX_MS as ERROR_MAX_MS;
use loa_protocol::clock::{ClockSource, Estimate, TRUSTED_MAX_MS, drift_ms};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::{Boot, NodeClock, SyncView};

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
    /// The controller alone: no time service on this board is to be believed.
    Controller,
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
    /// Whether it was the controller's clock: the system's may have said anything.
    pub is_exchanged: bool,
}

/// What the clock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it stands.
    pub standing: Standing,
    /// By how much it may be wrong, in milliseconds, where that is known.
    pub error_ms: Option<u64>,
    /// By how much the system's clock is ahead of the controller's, where they contradict one another, in milliseconds.
    pub ahead_ms: Option<i64>,
    /// The exchange that the node's clock is to go by; `None`: by the system's.
    pub exchange: Option<Estimate>,
}

impl Verdict {
    fn of_system(trust: ClockTrust, source: ClockSource, error_ms: Option<u64>) -> Self {
        Self { standing: Standing { trust, source }, error_ms, ahead_ms: None, exchange: None }
    }
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
    /// What the exchange found, beside an instant of the boot's clock.
    exchange: Option<Estimate>,
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
        let mut judge = Self { policy, anchor: None, exchange: None };
        let Some(kept) = kept.filter(|kept| !kept.boot.is_empty()) else { return judge };
        let Anchor { wall: at, boot_ms: at_ms, error_ms } = kept.anchor;
        if kept.boot != boot.id {
            judge.anchor = kept.carried_by_chip(boot, wall, boot_ms);
        } else if kept.is_exchanged {
            judge.exchange = Some(Estimate { at_ms, wall: at, error_ms });
        } else {
            judge.anchor = Some(kept.anchor);
        }
        judge
    }

    /// Takes what the exchange found, beside an instant of the boot's clock, in place of what it found before.
    pub fn take_time(&mut self, estimate: Estimate) {
        self.exchange = Some(estimate);
    }

    /// What the clock is worth at this moment.
    pub fn look(&mut self, look: &Look) -> Verdict {
        let verdict = self.verdict(look);
        if self.is_kept(look) && verdict.standing.trust == ClockTrust::Trusted && verdict.exchange.is_none() {
            let Look { wall, boot_ms, sync, .. } = *look;
            self.anchor = Some(Anchor { wall, boot_ms, error_ms: sync.error_ms });
        }
        verdict
    }

    /// Whether somebody who is to be believed keeps the system's clock right.
    fn is_kept(&self, look: &Look) -> bool {
        look.sync.is_synchronised && look.is_above_hard_floor && self.policy != Policy::Controller
    }

    fn verdict(&self, look: &Look) -> Verdict {
        let boot_ms = look.boot_ms;
        let exchange = self.exchange.filter(|exchange| exchange.error_at(boot_ms) <= ERROR_MAX_MS);
        if self.is_kept(look) {
            return of_kept(look, exchange);
        }
        if self.policy == Policy::System && look.is_above_floors {
            return Verdict::of_system(ClockTrust::Trusted, ClockSource::System, None);
        }
        let held = self.anchor.as_ref().filter(|anchor| {
            look.is_above_hard_floor && look.is_above_floors && anchor.agrees(look.wall, boot_ms)
        });
        let held_ms = held.map(|anchor| anchor.error_at(boot_ms)).filter(|error| *error <= ERROR_MAX_MS);
        let by_exchange = exchange.map(|exchange| {
            let error_ms = exchange.error_at(boot_ms);
            let (trust, source) = if error_ms <= TRUSTED_MAX_MS {
                (ClockTrust::Trusted, ClockSource::Exchange)
            } else {
                (ClockTrust::Holdover, ClockSource::Held)
            };
            Verdict { exchange: Some(exchange), ..Verdict::of_system(trust, source, Some(error_ms)) }
        });
        let by_held = held_ms.map(|ms| Verdict::of_system(ClockTrust::Holdover, ClockSource::Held, Some(ms)));
        match (by_exchange, by_held) {
            (Some(exchange), Some(held)) if exchange.standing.trust == ClockTrust::Holdover => {
                if held.error_ms <= exchange.error_ms { held } else { exchange }
            }
            (Some(exchange), _) => exchange,
            (None, Some(held)) => held,
            (None, None) => Verdict::of_system(ClockTrust::Unknown, ClockSource::Unknown, None),
        }
    }

    /// What is to be kept of a trusted look.
    #[must_use]
    pub fn kept(&self, look: &Look, boot: &Boot) -> Kept {
        let Look { boot_ms, chip, .. } = *look;
        let exchange = self.verdict(look).exchange;
        let (wall, error_ms) = exchange.map_or((look.wall, look.sync.error_ms), |exchange| {
            (exchange.wall_at(boot_ms), exchange.error_at(boot_ms))
        });
        let is_known = exchange.is_some() || self.is_kept(look);
        Kept {
            anchor: Anchor { wall, boot_ms, error_ms },
            boot: if is_known { boot.id.clone() } else { String::new() },
            chip_ahead_ms: chip.map(|chip| chip.since(wall)),
            is_exchanged: exchange.is_some(),
        }
    }
}

/// A clock that somebody keeps right, beside what the controller says (rule K7).
fn of_kept(look: &Look, exchange: Option<Estimate>) -> Verdict {
    let own_ms = look.sync.error_ms;
    let ahead_ms = exchange.and_then(|exchange| {
        let ahead_ms = look.wall.since(exchange.wall_at(look.boot_ms));
        let bounds_ms = own_ms.saturating_add(exchange.error_at(look.boot_ms)).saturating_add(LOOK_MS);
        (ahead_ms.unsigned_abs() > bounds_ms).then_some(ahead_ms)
    });
    let error_ms = own_ms.saturating_add(ahead_ms.unwrap_or(0).unsigned_abs());
    let trust = match ahead_ms {
        None => ClockTrust::Trusted,
        Some(_) if error_ms <= ERROR_MAX_MS => ClockTrust::Holdover,
        Some(_) => ClockTrust::Unknown,
    };
    Verdict { ahead_ms, ..Verdict::of_system(trust, ClockSource::System, Some(error_ms)) }
}

impl Kept {
    /// The moment at which a boot's chip carried the clock over from an earlier one, where it did.
    fn carried_by_chip(&self, boot: &Boot, wall: UnixMs, boot_ms: u64) -> Option<Anchor> {
        // That it agrees with the clock says little: the kernel set the clock from it. It counts where it was right
        // when the clock was.
        let chip_error_ms = self.chip_ahead_ms?.unsigned_abs();
        if chip_error_ms > CHIP_MS {
            return None;
        }
        // A chip that lost its battery, too, says something else than a clock that the system has set forward since.
        let chip = boot.battery_clock?;
        let away_ms = u64::try_from(wall.since(self.anchor.wall)).ok()?;
        let error_ms = self.anchor.error_ms.saturating_add(chip_error_ms).saturating_add(drift_ms(away_ms));
        (chip.0.abs_diff(wall.0) <= ERROR_MAX_MS).then_some(Anchor { wall, boot_ms, error_ms })
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
