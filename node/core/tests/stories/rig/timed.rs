//! The board's clock: what the exchange finds, and the truth that it may be far from.

use loa_node_core::Standing;
use loa_protocol::clock::{ClockSource, Estimate, TRUSTED_MAX_MS};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::Rig;

impl Rig {
    /// The board's clock goes by the exchange from here on.
    pub(super) fn take_time(&mut self, estimate: &Estimate) {
        if self.has_time_service {
            return;
        }
        self.listen();
        let right = estimate.wall_at(self.now.monotonic_ms);
        self.store.clock_went_back |= right < self.now.wall;
        self.truth_ahead_ms -= right.since(self.now.wall);
        self.now.wall = right;
        if let Some(voice) = &mut self.voice {
            voice.heard_from = right;
        }
        let is_trusted = estimate.error_at(self.now.monotonic_ms) <= TRUSTED_MAX_MS;
        let trust = if is_trusted { ClockTrust::Trusted } else { ClockTrust::Holdover };
        self.core.handle_clock(Standing { trust, source: ClockSource::Exchange }, self.now);
    }

    /// The time, whatever the board's clock says.
    pub(crate) fn truth(&self) -> UnixMs {
        self.now.wall + self.truth_ahead_ms
    }

    /// Lets time pass by the monotonic clock, whatever becomes of the wall clock.
    pub(crate) fn let_pass(&mut self, ms: u64) {
        let until = self.now.monotonic_ms + ms;
        while self.now.monotonic_ms < until {
            let wait = self.core.poll_timeout(self.now).map_or(ms, |(wait, _)| wait.as_millis() as u64);
            self.pass(wait.max(1).min(until - self.now.monotonic_ms) as i64);
            self.sound();
            self.core.handle_timeout(self.now);
            self.run();
        }
    }
}
