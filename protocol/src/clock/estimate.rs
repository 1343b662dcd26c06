//! What four instants tell about the time (rules E1 and E2).

use super::{DRIFT_PPM, TimeAnswer};
use crate::time::UnixMs;

/// What counting in whole milliseconds may add to the bound: each of the four instants is up to one too early, and so is the half of an odd
/// round trip.
const ROUNDING_MS: u64 = 3;

/// How far a boot clock may have drifted in so many milliseconds, in milliseconds, rounded up.
#[must_use]
pub fn drift_ms(elapsed_ms: u64) -> u64 {
    let millionths = u128::from(elapsed_ms) * u128::from(DRIFT_PPM);
    u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// One request and its answer. The boot clock is in milliseconds since any fixed instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When the node asked, on its boot clock: `t0`.
    pub asked_ms: u64,
    /// When the request came, on the responder's clock: `t1`.
    pub received: UnixMs,
    /// When it was answered, on the same clock: `t2`.
    pub answered: UnixMs,
    /// When the answer was there, on the boot clock: `t3`.
    pub heard_ms: u64,
    /// By how much the responder's clock may be wrong, in milliseconds.
    pub responder_error_ms: u32,
}

impl Sample {
    /// The sample of an answer; `None` where the responder does not vouch for its clock (rule E5).
    #[must_use]
    pub fn of(asked_ms: u64, answer: &TimeAnswer, heard_ms: u64) -> Option<Self> {
        let TimeAnswer { received, answered, error_ms, .. } = *answer;
        Some(Self { asked_ms, received, answered, heard_ms, responder_error_ms: error_ms? })
    }

    /// The time on the way, both ways together, in milliseconds; `None` where the responder claims to have taken longer than the whole
    /// took: its clock was set meanwhile, and the sample is worth nothing.
    #[must_use]
    pub fn round_trip_ms(&self) -> Option<u64> {
        let whole_ms = self.heard_ms.checked_sub(self.asked_ms)?;
        let there_ms = u64::try_from(self.answered.since(self.received)).ok()?;
        let slack_ms = ROUNDING_MS + drift_ms(whole_ms);
        (there_ms <= whole_ms.saturating_add(slack_ms)).then(|| whole_ms.saturating_sub(there_ms))
    }

    /// The time at `heard_ms`, and its bound.
    #[must_use]
    pub fn estimate(&self) -> Option<Estimate> {
        let round_trip_ms = self.round_trip_ms()?;
        // t3 + ((t1 - t0) + (t2 - t3)) / 2 is t2 + half the round trip.
        let way_back_ms = i64::try_from(round_trip_ms / 2).ok()?;
        let whole_ms = self.heard_ms.saturating_sub(self.asked_ms);
        let error_ms = round_trip_ms
            .div_ceil(2)
            .saturating_add(ROUNDING_MS)
            .saturating_add(drift_ms(whole_ms))
            .saturating_add(u64::from(self.responder_error_ms));
        Some(Estimate { at_ms: self.heard_ms, wall: self.answered + way_back_ms, error_ms })
    }
}

/// The time beside an instant of the boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The instant on the boot clock, in milliseconds.
    pub at_ms: u64,
    /// The time then.
    pub wall: UnixMs,
    /// By how much it may be wrong, in milliseconds.
    pub error_ms: u64,
}

impl Estimate {
    /// The time at an instant of the same boot clock, earlier or later.
    #[must_use]
    pub fn wall_at(&self, boot_ms: u64) -> UnixMs {
        let since = i128::from(boot_ms) - i128::from(self.at_ms);
        self.wall + i64::try_from(since).unwrap_or(i64::MAX)
    }

    /// By how much [`Estimate::wall_at`] may be wrong there, in milliseconds.
    #[must_use]
    pub fn error_at(&self, boot_ms: u64) -> u64 {
        self.error_ms.saturating_add(drift_ms(boot_ms.abs_diff(self.at_ms)))
    }

    /// The one of two with the smaller bound at this instant; the other one where they are equal.
    #[must_use]
    pub fn better(self, other: Self, boot_ms: u64) -> Self {
        if self.error_at(boot_ms) < other.error_at(boot_ms) { self } else { other }
    }
}
