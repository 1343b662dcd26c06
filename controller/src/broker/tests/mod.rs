//! A live broker, real TLS, and a client that speaks MQTT with a codec that is not the broker's own.

mod access;
mod certificates;
mod flow;
mod lifecycle;
mod link;
mod world;

use std::time::Duration;

use loa_test_broker::BOUND;

/// Waits until the condition holds; fails the test when it does not within [`BOUND`].
async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(BOUND, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never came true: {what}"));
}
