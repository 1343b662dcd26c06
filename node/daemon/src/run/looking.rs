//! The clock, looked at now and then.

use std::time::Instant;

use loa_protocol::report::ClockTrust;

use super::{CLOCK_KEEP, Shell};
use crate::clock::NodeClock;
use crate::clock::trust::{Judge, Look};

/// What the clock is worth. A synchronised one overrules what this board kept.
pub(super) fn stand(clock: &NodeClock, judge: &mut Judge, look: &Look) -> ClockTrust {
    let (trust, error_ms) = judge.look(look);
    tracing::trace!(trust = trust.as_str(), error_ms, "the clock");
    if look.sync.is_synchronised && trust == ClockTrust::Trusted {
        clock.give_up_soft_floor();
    }
    trust
}

/// Says what people must do where the clock is not believed.
pub(super) fn tell(trust: ClockTrust) {
    match trust {
        ClockTrust::Unknown => tracing::warn!(
            "nobody keeps the clock right, so bulletins wait: start a time service (systemd-timesyncd, ntpd, or chrony with \
             `rtcsync`) that reaches a server; where something else keeps the clock right, set clock.trust = \"system\" \
             (LOA_NODE_CLOCK_TRUST=system)"
        ),
        ClockTrust::Holdover => {
            tracing::info!("no time service keeps the clock at present; it is believed for some weeks");
        }
        ClockTrust::Trusted => {}
    }
}

impl Shell {
    pub(super) async fn look_at_clock(&mut self) {
        let look = Look::at(&self.clock);
        let trust = stand(&self.clock, &mut self.judge, &look);
        let now = self.now();
        let has_changed = trust != self.trust;
        if has_changed {
            tracing::info!(from = self.trust.as_str(), to = trust.as_str(), now = %now.wall, "the clock's standing changed");
            tell(trust);
            self.trust = trust;
        }
        if has_changed || self.core.doubts_clock() {
            self.core.handle_clock(trust, now);
        }
        if self.clock_kept.is_none_or(|kept| kept.elapsed() >= CLOCK_KEEP) {
            self.keep_clock(&look).await;
        }
    }

    /// Keeps a trusted clock for the next start: good to have, but a full disk must not end what sounds.
    pub(super) async fn keep_clock(&mut self, look: &Look) {
        if self.trust != ClockTrust::Trusted || !self.waiting.is_empty() {
            return;
        }
        self.clock_kept = Some(Instant::now());
        if let Err(error) = self.store.keep_clock(&self.judge.kept(look, &self.system)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot keep the clock for the next boot"
            );
        }
    }
}
