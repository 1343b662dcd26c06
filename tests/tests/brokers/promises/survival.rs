//! What is left of all that when the broker has ended.

use loa_test_broker::Hello;

use super::{END, before_end};
use crate::engine::{Engine, World};

const KEPT: usize = 50;
const QUEUED: usize = 10;

/// Ended in good order and started again.
pub(crate) async fn restarted<E: Engine>(world: &mut World<E>) -> String {
    let (folder, kind) = prepare(world).await;
    world.engine.restart(&world.ground).await;
    left(world, &folder, &kind).await
}

/// Ended as a power cut would.
pub(crate) async fn killed<E: Engine>(world: &mut World<E>) -> String {
    let (folder, kind) = prepare(world).await;
    world.engine.kill(&world.ground).await;
    left(world, &folder, &kind).await
}

fn lasting() -> Hello {
    Hello { session_expiry_s: 300, ..Hello::client("n-2") }
}

async fn prepare<E: Engine>(world: &World<E>) -> (String, String) {
    let (folder, kind) = (world.fresh("waits"), world.fresh("stays"));
    let mut controller = world.controller().await;
    for number in 0..KEPT {
        controller.publish_with(&world.topic(&format!("u/b-{number}/{kind}")), b"kept", true, None).await;
    }
    let mut board = world.try_board("n-2", Hello { clean_start: true, ..lasting() }).await.unwrap();
    board.subscribe(&world.topic(&format!("d/n-2/{folder}/+"))).await;
    board.disconnect().await;
    for number in 0..QUEUED {
        controller.publish(&world.topic(&format!("d/n-2/{folder}/{number}")), b"queued").await;
    }
    (folder, kind)
}

async fn left<E: Engine>(world: &World<E>, folder: &str, kind: &str) -> String {
    let mut board = world.try_board("n-2", lasting()).await.unwrap();
    let session = if board.session_present() { "the session" } else { "no session" };
    // Whatever is left, it serves as before.
    let again = world.topic(&format!("d/n-2/{folder}/again"));
    board.subscribe(&again).await;
    let mut controller = world.controller().await;
    controller.publish(&again, END).await;
    let queued = before_end(&mut board).await;
    controller.subscribe(&world.topic(&format!("u/+/{kind}"))).await;
    controller.publish(&world.topic(&format!("u/b-0/{kind}")), END).await;
    let kept = before_end(&mut controller).await;
    format!("{kept} of {KEPT} kept messages, {session}, {queued} of {QUEUED} queued messages")
}
