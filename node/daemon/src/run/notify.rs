//! What the service manager is told. Without one, nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior};

/// The node runs: it plays what it has, whether or not a broker answers.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The loop turns.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The node ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot tell the service manager");
    }
}

/// When the service manager wants to hear that the loop turns.
pub(super) struct Watchdog(Option<Interval>);

impl Watchdog {
    /// By `WATCHDOG_USEC`; half of it, so that one missed beat is no death.
    pub(super) fn of_environment() -> Self {
        Self(sd_notify::watchdog_enabled().map(|limit| {
            let mut beat = tokio::time::interval((limit / 2).max(Duration::from_millis(100)));
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beat
        }))
    }

    /// Waits until the next beat; for ever, when nobody listens.
    pub(super) async fn due(&mut self) {
        match &mut self.0 {
            Some(beat) => {
                beat.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}
