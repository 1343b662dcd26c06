//! The clock of a board: a crystal that drifts, a chip that may die, a time service that comes and goes, hands that set it.
//!
//! What it is worth is judged by the shipped [`Judge`], by the same looks every ten seconds at most; the floors are those
//! of the daemon's clock (`node/daemon/src/clock`), which reads the machine's and so cannot run in virtual time.

use loa_node::clock::trust::{Judge, Kept, Look, Policy};
use loa_node::clock::{Boot, SyncView, TOLERANCE_MS};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::{DAY, HOUR};
use crate::rng::Rng;

/// So long after its last word the kernel still calls its clock synchronised.
const KERNEL_PATIENCE_MS: i64 = 9 * HOUR;
/// By how much the kernel's own estimate of the error grows, in parts per million.
const KERNEL_PPM: i64 = 500;
/// The most that a crystal here drifts: what the daemon reckons with, less a little.
const DRIFT_MAX_PPM: i64 = 80;

/// A clock that runs on its own.
#[derive(Clone, Copy, Debug)]
struct Crystal {
    offset_ms: i64,
    since: i64,
    ppm: i64,
}

impl Crystal {
    fn at(&self, t: i64) -> i64 {
        t + self.offset_ms + (t - self.since) * self.ppm / 1_000_000
    }

    fn set(&mut self, t: i64, offset_ms: i64) {
        (self.offset_ms, self.since) = (offset_ms, t);
    }
}

/// What happens to a clock without power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// A battery-backed chip.
    Chip,
    /// The instant of the last shutdown.
    Shutdown,
    /// 1970.
    Nothing,
}

/// The clock of one board.
#[derive(Debug)]
pub(crate) struct Clock {
    system: Crystal,
    chip: Crystal,
    memory: Memory,
    /// Whether a time service keeps it.
    is_kept: bool,
    /// The kernel calls it synchronised until then, and has had no word since.
    believed_until: i64,
    last_word: i64,
    /// Power-on.
    boot: Boot,
    booted: i64,
    /// The daemon's start, on which the floors rest.
    started: i64,
    hard: i64,
    soft: Option<i64>,
    judge: Judge,
}

impl Clock {
    pub(crate) fn new(rng: &mut Rng, t: i64, known: UnixMs) -> Self {
        let ppm = rng.range(-DRIFT_MAX_PPM, DRIFT_MAX_PPM + 1);
        let memory =
            *rng.pick(&[Memory::Chip, Memory::Chip, Memory::Chip, Memory::Shutdown, Memory::Nothing]);
        let boot = Boot { id: "0".to_owned(), battery_clock: None };
        Self {
            system: Crystal { offset_ms: 0, since: t, ppm },
            chip: Crystal { offset_ms: 0, since: t, ppm: rng.range(-20, 21) },
            memory,
            is_kept: true,
            believed_until: i64::MAX,
            last_word: t,
            judge: Judge::new(Policy::Synchronised, None, &boot, UnixMs(t), 0),
            boot,
            booted: t,
            started: t,
            hard: known.0,
            soft: None,
        }
    }

    fn system(&self, t: i64) -> i64 {
        if self.is_kept { t } else { self.system.at(t) }
    }

    fn floor(&self, t: i64) -> i64 {
        self.hard.max(self.soft.unwrap_or(i64::MIN)) + (t - self.started)
    }

    /// The node's wall clock.
    pub(crate) fn wall(&self, t: i64) -> UnixMs {
        let (system, floor) = (self.system(t), self.floor(t));
        UnixMs(if system >= floor - TOLERANCE_MS { system } else { floor })
    }

    /// Somebody signed it then.
    pub(crate) fn raise_floor(&mut self, t: i64, known: UnixMs) {
        self.hard = self.hard.max(known.0 - (t - self.started));
    }

    /// A time service is reached, or is not any more.
    pub(crate) fn keep(&mut self, t: i64, is_kept: bool) {
        if is_kept == self.is_kept {
            return;
        }
        if is_kept {
            self.chip.set(t, 0);
        } else {
            self.system.set(t, 0);
            self.believed_until = t + KERNEL_PATIENCE_MS;
            self.last_word = t;
        }
        self.is_kept = is_kept;
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Somebody sets it, which the kernel notes.
    pub(crate) fn jump(&mut self, t: i64, by_ms: i64) {
        let offset_ms = self.system(t) - t + by_ms;
        self.is_kept = false;
        self.believed_until = t;
        self.system.set(t, offset_ms);
    }

    /// The chip's battery is empty, or the chip says something else.
    pub(crate) fn spoil_chip(&mut self, t: i64, by_ms: Option<i64>) {
        match by_ms {
            None => self.chip.set(t, -t),
            Some(by_ms) => self.chip.set(t, by_ms),
        }
    }

    fn chip(&self, t: i64) -> Option<UnixMs> {
        (self.memory == Memory::Chip).then(|| UnixMs(self.chip.at(t) / 1_000 * 1_000))
    }

    /// The power is back after it went at `off`.
    pub(crate) fn power_on(&mut self, t: i64, off: i64, number: u64) {
        let says = match self.memory {
            Memory::Chip => self.chip.at(t),
            Memory::Shutdown => self.system(off),
            Memory::Nothing => DAY / 2,
        };
        self.is_kept = false;
        self.believed_until = i64::MIN;
        self.system.set(t, says - t);
        self.booted = t;
        self.boot = Boot { id: number.to_string(), battery_clock: self.chip(t) };
    }

    /// The daemon starts: the floors are raised to what is known, and the clock is judged anew.
    pub(crate) fn start(&mut self, t: i64, known: impl Iterator<Item = UnixMs>, kept: Option<Kept>) {
        self.started = t;
        self.hard = known.map(|known| known.0).max().unwrap_or(0);
        self.soft = kept.as_ref().map(|kept| kept.anchor.wall.0);
        let boot_ms = self.boot_ms(t);
        self.judge = Judge::new(Policy::Synchronised, kept, &self.boot, UnixMs(self.system(t)), boot_ms);
    }

    fn boot_ms(&self, t: i64) -> u64 {
        u64::try_from(t - self.booted).unwrap_or(0)
    }

    fn look_at(&self, t: i64) -> Look {
        let system = self.system(t);
        let error_ms = if self.is_kept { 20 } else { 20 + (t - self.last_word) * KERNEL_PPM / 1_000_000 };
        let is_synchronised = self.is_kept || t < self.believed_until;
        Look {
            wall: UnixMs(system),
            boot_ms: self.boot_ms(t),
            sync: SyncView { is_synchronised, error_ms: u64::try_from(error_ms).unwrap_or(0) },
            chip: self.chip(t),
            is_above_hard_floor: system >= self.hard + (t - self.started) - TOLERANCE_MS,
            is_above_floors: system >= self.floor(t) - TOLERANCE_MS,
        }
    }

    /// What it is worth, and what is to be kept of it for the next boot.
    pub(crate) fn look(&mut self, t: i64) -> (ClockTrust, Option<Kept>) {
        let look = self.look_at(t);
        let trust = self.judge.look(&look).standing.trust;
        if look.sync.is_synchronised && trust == ClockTrust::Trusted {
            self.soft = None;
        }
        let kept = (trust == ClockTrust::Trusted).then(|| self.judge.kept(&look, &self.boot));
        (trust, kept)
    }
}
