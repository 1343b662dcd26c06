//! The clock, looked at now and then.

use std::time::Instant;

use loa_node_core::Standing;
use loa_protocol::clock::Estimate;
use loa_protocol::report::ClockTrust;

use super::{CLOCK_KEEP, Shell};
use crate::clock::trust::{Judge, Look, Verdict};
use crate::clock::{Boot, NodeClock};

/// What the clock is worth. The node's clock follows; a trusted one overrules what this board kept.
pub(super) fn stand(clock: &NodeClock, judge: &mut Judge, look: &Look) -> Verdict {
    let verdict = judge.look(look);
    tracing::trace!(?verdict, "the clock");
    clock.go_by(verdict.exchange);
    let is_known = verdict.exchange.is_some() || look.sync.is_synchronised;
    if is_known && verdict.standing.trust == ClockTrust::Trusted {
        clock.give_up_soft_floor();
    }
    if verdict.standing.trust != ClockTrust::Unknown {
        clock.lift_ceiling();
    }
    verdict
}

/// Says what people must do where the clock is not believed.
pub(super) fn tell(verdict: &Verdict) {
    if let Some(ahead_ms) = verdict.ahead_ms {
        tracing::error!(
            ahead_ms,
            "the system's clock and the controller's contradict one another, so one of them is wrong: check the time service of both \
             machines"
        );
        return;
    }
    match verdict.standing.trust {
        ClockTrust::Unknown => tracing::warn!(
            "nobody keeps the clock right, so bulletins wait until the controller tells the time; else start a time service \
             (systemd-timesyncd, ntpd, or chrony with `rtcsync`) that reaches a server; where something else keeps the clock right, set \
             clock.trust = \"system\" (LOA_NODE_CLOCK_TRUST=system)"
        ),
        ClockTrust::Holdover => {
            tracing::info!("nobody tells the time at present; the clock is believed for some weeks");
        }
        ClockTrust::Trusted => {}
    }
}

impl Shell {
    pub(super) async fn look_at_clock(&mut self) {
        let look = Look::at(&self.clock);
        let verdict = stand(&self.clock, &mut self.judge, &look);
        let now = self.now();
        let has_changed = verdict.standing != self.verdict.standing;
        if has_changed || verdict.ahead_ms.is_some() != self.verdict.ahead_ms.is_some() {
            let Standing { trust, source } = verdict.standing;
            tracing::info!(
                from = self.verdict.standing.trust.as_str(), to = trust.as_str(), source = source.as_str(),
                error_ms = verdict.error_ms, now = %now.wall, "the clock's standing changed"
            );
            tell(&verdict);
        }
        self.verdict = verdict;
        if has_changed || self.core.doubts_clock() {
            self.core.handle_clock(verdict.standing, now);
        }
        if self.clock_kept.is_none_or(|kept| kept.elapsed() >= CLOCK_KEEP) {
            self.keep_clock(&look).await;
        }
    }

    /// The exchange found the time, beside an instant of the core's monotonic clock.
    pub(super) async fn take_time(&mut self, found: Estimate) {
        let (boot_ms, now) = (Boot::elapsed_ms(), self.now());
        let at_ms = boot_ms.saturating_sub(now.monotonic_ms.saturating_sub(found.at_ms));
        let estimate = Estimate { at_ms, ..found };
        if !self.clock.may_be(estimate.wall_at(boot_ms)) {
            tracing::error!(
                told = %estimate.wall_at(boot_ms), now = %now.wall,
                "the controller tells a time that is past for sure: check its clock"
            );
            return;
        }
        tracing::info!(
            error_ms = estimate.error_ms,
            ahead_ms = found.wall_at(now.monotonic_ms).since(now.wall),
            "the controller told the time"
        );
        self.judge.take_time(estimate);
        self.look_at_clock().await;
        // The node's clock may have moved, however it stands: the core hears so before anything else.
        if self.verdict.exchange.is_some() {
            let now = self.now();
            self.core.handle_clock(self.verdict.standing, now);
        }
    }

    /// Keeps a trusted clock for the next start: good to have, but a full disk must not end what sounds.
    pub(super) async fn keep_clock(&mut self, look: &Look) {
        if self.verdict.standing.trust != ClockTrust::Trusted || !self.waiting.is_empty() {
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
