//! Messages that are kept.

use super::{kept_for_board, last_level, take};
use crate::engine::{Engine, World};

/// Hundreds of kept messages come to who subscribes with a wildcard, and none is missing.
pub(crate) async fn by_wildcard<E: Engine>(world: &mut World<E>) -> String {
    const STATES: usize = 600;
    const DOCUMENTS: usize = 300;
    let kind = world.fresh("state");
    let folder = world.fresh("kept");
    let mut controller = world.controller().await;
    for board in 0..STATES {
        let topic = world.topic(&format!("u/b-{board}/{kind}"));
        controller.publish_with(&topic, &[7; 200], true, None).await;
    }
    for document in 0..DOCUMENTS {
        let topic = world.topic(&format!("d/n-1/{folder}/{document}"));
        controller.publish_with(&topic, &[7; 200], true, None).await;
    }
    let mut late = world.controller().await;
    late.subscribe(&world.topic(&format!("u/+/{kind}"))).await;
    let states = take(&mut late, STATES, |message| message.retain).await.len();
    let mut board = world.board("n-1").await;
    board.subscribe(&world.topic(&format!("d/n-1/{folder}/+"))).await;
    let documents = take(&mut board, DOCUMENTS, |message| message.retain).await.len();
    format!("{states} of {STATES} to the controller, {documents} of {DOCUMENTS} to a board")
}

/// The newest takes the place of the one before; an empty one clears the place.
pub(crate) async fn the_last_one<E: Engine>(world: &mut World<E>) -> String {
    let folder = world.fresh("last");
    let topic = world.topic(&format!("d/n-2/{folder}/document"));
    let mut controller = world.controller().await;
    for epoch in [b"epoch 1", b"epoch 2"] {
        controller.publish_with(&topic, epoch, true, None).await;
    }
    assert_eq!(kept_for_board(world, "n-2", &folder, &["document"]).await, ["document"]);
    let mut board = world.board("n-2").await;
    board.subscribe(&topic).await;
    let message = board.message().await;
    let (payload, retain) = (String::from_utf8_lossy(&message.payload).into_owned(), message.retain);
    controller.publish_with(&topic, b"epoch 3", true, None).await;
    let live = board.message().await;
    drop(board);
    controller.publish_with(&topic, b"", true, None).await;
    let cleared = kept_for_board(world, "n-2", &folder, &[]).await.is_empty();
    format!(
        "{payload}, marked {}; live ones marked {}; {}",
        if retain { "as kept" } else { "as new" },
        if live.retain { "as kept" } else { "as new" },
        if cleared { "cleared by an empty one" } else { "an empty one clears nothing" }
    )
}

/// A kept message goes when its own time is over, and no other does.
pub(crate) async fn expiry<E: Engine>(world: &mut World<E>) -> String {
    let folder = world.fresh("ends");
    let mut controller = world.controller().await;
    for (document, expiry_s) in [("hour", Some(3600)), ("never", None), ("second", Some(1))] {
        let topic = world.topic(&format!("d/n-1/{folder}/{document}"));
        controller.publish_with(&topic, b"document", true, expiry_s).await;
    }
    let mut seen = world.board("n-1").await;
    seen.subscribe(&world.topic(&format!("d/n-1/{folder}/hour"))).await;
    let hour = take(&mut seen, 1, |message| last_level(message) == "hour").await;
    let left = hour.first().and_then(|message| message.properties.as_ref()?.message_expiry_interval);
    let told =
        if left.is_some_and(|s| (3590..=3600).contains(&s)) { "told what is left" } else { "not told" };
    drop(seen);
    format!("stay: {}; {told}", kept_for_board(world, "n-1", &folder, &["hour", "never"]).await.join(", "))
}
