//! Simulated boards against a real broker with mutual TLS, enrolled by token over HTTP, with a small controller that signs
//! real documents, serves blocks and acknowledges receipts.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and looks only for what it expects"
)]

mod alarm;
mod controller;
mod device;
mod device_screen;
mod faults;
mod fleet;
mod office;
#[path = "../../../node/daemon/src/audio/test_opus.rs"]
mod test_opus;
#[path = "../../../node/daemon/tests/node/web.rs"]
#[expect(dead_code, reason = "nothing is refused here")]
mod web;

use std::time::Duration;

/// A bound on every wait.
const PATIENCE: Duration = Duration::from_secs(120);

async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let Ok(done) = tokio::time::timeout(PATIENCE, wait).await else {
        panic!("it did not happen in time: {what}")
    };
    done
}
