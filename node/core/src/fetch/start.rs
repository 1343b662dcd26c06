//! When the bulk link is opened: not by all nodes of a province at once.

use loa_protocol::ids::{BootId, Digest, ObjectHash};

use crate::input::Now;
use loa_protocol::time::UnixMs;

/// Most of the time until an object is due that is spent on waiting: one part in this many.
const PARTS: i64 = 100;

/// The instant before which the link stays closed.
#[derive(Debug, Default)]
pub(crate) struct Start(Option<u64>);

impl Start {
    /// The link was opened, or there is nothing to fetch.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    /// Until when to wait. The first call for a batch draws the wait, from what differs between boards and boots; what turns
    /// out to be more urgent shortens it.
    pub(crate) fn at_ms(
        &mut self,
        boot: BootId,
        object: &ObjectHash,
        deadline: UnixMs,
        spread_ms: u32,
        now: Now,
    ) -> u64 {
        let longest_ms = (deadline.since(now.wall) / PARTS).clamp(0, i64::from(spread_ms)).unsigned_abs();
        let at_ms = now.monotonic_ms.saturating_add(longest_ms * share(boot, object) / u64::from(u16::MAX));
        let at_ms = self.0.map_or(at_ms, |drawn| drawn.min(at_ms));
        self.0 = Some(at_ms);
        at_ms
    }

    /// What was drawn.
    pub(crate) fn drawn_ms(&self) -> Option<u64> {
        self.0
    }
}

/// A number up to [`u16::MAX`], even over all boots.
fn share(boot: BootId, object: &ObjectHash) -> u64 {
    let mut seed = boot.0.to_vec();
    seed.extend_from_slice(object.as_bytes());
    let [high, low, ..] = Digest::of(&seed).0;
    u64::from(u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { wall: UnixMs(0), monotonic_ms: 1_000 };

    #[test]
    fn boards_spread_over_the_time_and_urgency_shortens_it() {
        let object = ObjectHash::of(b"o");
        let far = UnixMs(8 * 3_600_000);
        let waits: Vec<u64> = (0..200u8)
            .map(|n| Start::default().at_ms(BootId([n; 8]), &object, far, 20_000, NOW) - 1_000)
            .collect();
        assert!(waits.iter().all(|wait| *wait <= 20_000));
        for quarter in 0..4u64 {
            let range = quarter * 5_000..(quarter + 1) * 5_000;
            let count = waits.iter().filter(|wait| range.contains(wait)).count();
            assert!((25..=75).contains(&count), "{count} of 200 in quarter {quarter}");
        }
        let mut start = Start::default();
        let first = start.at_ms(BootId([7; 8]), &object, far, 20_000, NOW);
        let later = Now { monotonic_ms: 1_500, wall: UnixMs(500) };
        assert_eq!(start.at_ms(BootId([7; 8]), &object, far, 20_000, later), first, "drawn once");
        let soon = start.at_ms(BootId([7; 8]), &object, UnixMs(10_500), 20_000, later);
        assert!(soon <= 1_600, "{soon}");
        let overdue = Start::default().at_ms(BootId([7; 8]), &object, UnixMs(-5), 20_000, later);
        assert_eq!(overdue, 1_500);
    }
}
