//! What passes through: in order, large, too large, and past who is slow.

use loa_test_broker::Hello;
use tokio::time::timeout;

use super::{LOST, take};
use crate::engine::{Engine, World};

/// What one sends to many comes to each whole and in order.
pub(crate) async fn order<E: Engine>(world: &mut World<E>) -> String {
    const ALERTS: usize = 400;
    let topic = world.topic("a/da-dong/alert");
    let word = world.fresh("alert");
    let mut boards = [world.board("n-1").await, world.board("n-2").await];
    for board in &mut boards {
        board.subscribe(&topic).await;
    }
    let mut controller = world.controller().await;
    for number in 0..ALERTS {
        controller.send_publish(&topic, format!("{word} {number:04}").as_bytes(), false, None).await;
    }
    for _ in 0..ALERTS {
        controller.acknowledged().await;
    }
    let mut seen = Vec::new();
    for board in &mut boards {
        let came = take(board, ALERTS, |message| message.payload.starts_with(word.as_bytes())).await;
        let sorted = came.iter().map(|message| &message.payload).is_sorted();
        seen.push(format!(
            "{} of {ALERTS}{}",
            came.len(),
            if sorted { " in order" } else { " out of order" }
        ));
    }
    seen.join("; ")
}

/// The largest payload of the protocol, 256 KiB, passes in both directions and is kept.
pub(crate) async fn largest<E: Engine>(world: &mut World<E>) -> String {
    let payload: Vec<u8> = (0..256 * 1024).map(|i: u32| (i % 251) as u8).collect();
    let plan = world.topic("a/da-dong/plan");
    let state = world.topic("u/n-1/state");
    let mut board = world.board("n-1").await;
    board.subscribe(&plan).await;
    let mut controller = world.controller().await;
    controller.subscribe(&state).await;
    controller.publish_with(&plan, &payload, true, None).await;
    let down = take(&mut board, 1, |message| message.payload == payload).await.len();
    board.publish(&state, &payload).await;
    let up = take(&mut controller, 1, |message| message.payload == payload).await.len();
    let mut late = world.board("n-2").await;
    late.subscribe(&plan).await;
    let kept = take(&mut late, 1, |message| message.payload == payload && message.retain).await.len();
    controller.publish_with(&plan, b"", true, None).await;
    let yes = |count| if count == 1 { "yes" } else { "no" };
    format!("down: {}, up: {}, kept: {}", yes(down), yes(up), yes(kept))
}

/// A packet of 2 MiB ends the connection that sent it, and nothing else.
pub(crate) async fn too_large<E: Engine>(world: &mut World<E>) -> String {
    let mut neighbour = world.board("n-2").await;
    neighbour.ping().await;
    let mut board = world.board("n-1").await;
    board.send_publish(&world.topic("u/n-1/state"), &vec![0; 2 * 1024 * 1024], false, None).await;
    let ended = timeout(LOST, board.ended()).await.is_ok();
    neighbour.ping().await;
    world.try_board("n-1", Hello::client("n-1")).await.unwrap().ping().await;
    if ended { "ends the connection" } else { "is taken" }.to_owned()
}

/// A board that reads nothing keeps nobody from anything, costs a bounded part of blocks, and still gets an alert.
pub(crate) async fn slow<E: Engine>(world: &mut World<E>) -> String {
    const BLOCKS: usize = 1536;
    const AT_ONCE: usize = 64;
    let object = world.fresh("0a1b");
    let blocks = world.topic(&format!("x/da-dong/{object}"));
    let alert = world.topic("a/da-dong/alert");
    let word = world.fresh("alert");
    let mut slow = world.narrow_board("n-1").await;
    let mut neighbour = world.board("n-2").await;
    for board in [&mut slow, &mut neighbour] {
        board.subscribe(&blocks).await;
        board.subscribe(&alert).await;
    }
    let is_block = |message: &rumqttc::v5::mqttbytes::v5::Publish| message.topic == blocks.as_bytes();
    let is_alert = |message: &rumqttc::v5::mqttbytes::v5::Publish| message.payload == word.as_bytes();
    let mut controller = world.controller().await;
    let mut came = 0;
    for _ in 0..BLOCKS / AT_ONCE {
        for _ in 0..AT_ONCE {
            controller.send_unacknowledged(&blocks, &[5; 16 * 1024]).await;
        }
        came += take(&mut neighbour, AT_ONCE, is_block).await.len();
    }
    controller.publish(&alert, word.as_bytes()).await;
    let at_once = take(&mut neighbour, 1, is_alert).await.len();
    let (mut late_blocks, mut late_alert) = (0, false);
    while !late_alert {
        let Some(message) = slow.message_within(LOST).await else { break };
        late_blocks += usize::from(is_block(&message));
        late_alert = is_alert(&message);
    }
    format!(
        "its neighbour: {came} of {BLOCKS} and {}; itself: {} and {}",
        if at_once == 1 { "the alert" } else { "no alert" },
        if late_blocks == BLOCKS { "all blocks" } else { "fewer blocks" },
        if late_alert { "the alert" } else { "no alert" }
    )
}
