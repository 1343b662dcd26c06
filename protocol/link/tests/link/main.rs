//! The link against a real broker, and against peers that behave badly.
//!
//! `broker` and `tls` start Debian's `mosquitto`; `tcp` uses sockets of this machine; `faults`, `flow` and `life` talk to a scripted peer over an in-memory
//! stream with the clock paused, so that minutes of silence take no time and every deadline is exact.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and whatever it does not expect is a failure"
)]

mod broker;
mod faults;
mod flow;
mod life;
mod peer;
mod tcp;
mod tls;

use std::future::Future;
use std::time::Duration;

use loa_link::LinkEvent;
use tokio::sync::mpsc;

/// A bound on every wait: more than the longest back-off, of the paused clock or of the real one.
const PATIENCE: Duration = Duration::from_secs(400);

/// The next event of a link.
async fn next(events: &mut mpsc::Receiver<LinkEvent>) -> LinkEvent {
    within(events.recv()).await.expect("the link ended")
}

/// The first event that `pick` takes; others are passed over.
async fn wait_for<T>(
    events: &mut mpsc::Receiver<LinkEvent>,
    mut pick: impl FnMut(LinkEvent) -> Option<T>,
) -> T {
    loop {
        if let Some(picked) = pick(next(events).await) {
            return picked;
        }
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it did not happen in time")
}
