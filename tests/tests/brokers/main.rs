//! One contract for every broker: what the controller and the boards need of a broker is tried on each that we ship files
//! for. Where one does otherwise, `table` says so by name, and so does `docs/brokers.md`: a difference that comes or goes
//! fails a test.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod deploy;
mod embedded;
mod engine;
mod ground;
mod mosquitto;
mod promises;
mod table;

use embedded::Embedded;
use engine::{Engine, World};
use ground::Ground;
use mosquitto::Mosquitto;

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker() {
    let ground = Ground::new().await;
    let engine = Embedded::start(&ground).await;
    keeps_the_contract(World::new(engine, ground)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_of_debian() {
    let mut ground = Ground::new().await;
    let engine = Mosquitto::start(&mut ground).await;
    keeps_the_contract(World::new(engine, ground)).await;
}

async fn keeps_the_contract<E: Engine>(mut world: World<E>) {
    let seen = promises::try_all(&mut world).await;
    let wrong: Vec<String> = seen
        .iter()
        .filter_map(|(promise, words)| {
            let expected = table::expected(E::NAME, promise);
            (words != expected).then(|| format!("{promise}: expected {expected:?}, seen {words:?}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} does otherwise than table.rs and docs/brokers.md say:\n{}",
        E::NAME,
        wrong.join("\n")
    );
    let untried: Vec<_> =
        table::names().filter(|name| !seen.iter().any(|(tried, _)| tried == name)).collect();
    assert!(untried.is_empty(), "in the table, but not tried: {untried:?}");
}
