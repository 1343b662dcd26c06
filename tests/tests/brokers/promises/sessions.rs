//! Sessions that outlive their connection, wills, and sessions that share a subscription.

use std::collections::BTreeSet;
use std::time::Duration;

use loa_test_broker::{Client, Hello};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, SubscribeReasonCode};
use tokio::time::Instant;

use super::{LOST, last_level, pass, take};
use crate::engine::{Engine, QUIET, World};

const MESSAGES: usize = 20;

fn lasting(board: &str) -> Hello {
    Hello { session_expiry_s: 300, ..Hello::client(board) }
}

fn of_session(client: &Client) -> &'static str {
    if client.session_present() { "session found" } else { "no session" }
}

/// A board subscribes with a session that outlasts it, goes away, and messages come for it.
async fn away<E: Engine>(world: &World<E>, folder: &str) {
    let hello = Hello { clean_start: true, ..lasting("n-2") };
    let mut board = world.try_board("n-2", hello).await.unwrap();
    board.subscribe(&world.topic(&format!("d/n-2/{folder}/+"))).await;
    board.disconnect().await;
    let mut controller = world.controller().await;
    for number in 0..MESSAGES {
        controller.publish(&world.topic(&format!("d/n-2/{folder}/{number}")), b"for later").await;
    }
}

/// Who starts clean gets nothing of before.
pub(crate) async fn clean_start<E: Engine>(world: &mut World<E>) -> String {
    away(world, &world.fresh("clean")).await;
    let hello = Hello { clean_start: true, ..lasting("n-2") };
    let mut board = world.try_board("n-2", hello).await.unwrap();
    let came = board.message_within(QUIET).await.is_some();
    format!("{}, {}", of_session(&board), if came { "something of before" } else { "nothing of before" })
}

/// Who comes back finds the session and what came meanwhile, in order.
pub(crate) async fn resumed<E: Engine>(world: &mut World<E>) -> String {
    let folder = world.fresh("resumed");
    away(world, &folder).await;
    let mut board = world.try_board("n-2", lasting("n-2")).await.unwrap();
    let found = of_session(&board);
    let came: Vec<_> = take(&mut board, MESSAGES, |_| true).await.iter().map(last_level).collect();
    let sorted = came.iter().map(|n| n.parse::<usize>().unwrap()).is_sorted();
    format!("{found}, {} of {MESSAGES}{}", came.len(), if sorted { " in order" } else { " out of order" })
}

/// What waits for a board and is over meanwhile is not given to it.
pub(crate) async fn queued_expiry<E: Engine>(world: &mut World<E>) -> String {
    let folder = world.fresh("queued");
    let hello = Hello { clean_start: true, ..lasting("n-1") };
    let mut board = world.try_board("n-1", hello).await.unwrap();
    board.subscribe(&world.topic(&format!("d/n-1/{folder}/+"))).await;
    board.disconnect().await;
    let mut controller = world.controller().await;
    for (order, expiry_s) in [("short", Some(1)), ("long", Some(3600)), ("last", None)] {
        controller
            .publish_with(&world.topic(&format!("d/n-1/{folder}/{order}")), b"x", false, expiry_s)
            .await;
    }
    pass(world, 2).await;
    let mut board = world.try_board("n-1", lasting("n-1")).await.unwrap();
    let mut came = Vec::new();
    while came.last().is_none_or(|order| order != "last") {
        let Some(message) = board.message_within(LOST).await else { break };
        came.push(last_level(&message));
    }
    came.join(", ")
}

/// A session is forgotten when its time is over.
pub(crate) async fn expiry<E: Engine>(world: &mut World<E>) -> String {
    let hello = || Hello { session_expiry_s: 1, ..Hello::client("n-3") };
    world.try_board("n-3", Hello { clean_start: true, ..hello() }).await.unwrap().disconnect().await;
    for seconds in [2, 4, 8] {
        pass(world, seconds).await;
        let board = world.try_board("n-3", hello()).await.unwrap();
        if !board.session_present() {
            return "forgotten after its time".to_owned();
        }
        // Having come back, the session begins its time anew.
        board.disconnect().await;
    }
    "never forgotten".to_owned()
}

/// A client id has one session: the later one ends the earlier.
pub(crate) async fn one_for_an_id<E: Engine>(world: &mut World<E>) -> String {
    let mut first = world.board("n-3").await;
    first.ping().await;
    let mut second = world.board("n-3").await;
    let ended = tokio::time::timeout(LOST, first.ended()).await.is_ok();
    second.ping().await;
    if ended { "the earlier one ends" } else { "both go on" }.to_owned()
}

/// Two controllers share what boards report: everything comes once, and both have work.
pub(crate) async fn shared<E: Engine>(world: &mut World<E>) -> String {
    const REPORTS: usize = 100;
    let topic = world.topic("u/n-3/health");
    let filter = format!("$share/desk/{}", world.topic("u/+/health"));
    let mut desks = [world.controller().await, world.controller().await];
    for desk in &mut desks {
        if desk.subscribe(&filter).await != SubscribeReasonCode::Success(QoS::AtLeastOnce) {
            return "refused".to_owned();
        }
    }
    let mut board = world.board("n-3").await;
    for report in 0..REPORTS {
        board.publish(&topic, &[u8::try_from(report).unwrap()]).await;
    }
    let mut came: [Vec<u8>; 2] = Default::default();
    let give_up = Instant::now() + LOST;
    while came.iter().map(Vec::len).sum::<usize>() < REPORTS && Instant::now() < give_up {
        for (desk, came) in desks.iter_mut().zip(&mut came) {
            while let Some(message) = desk.message_within(Duration::from_millis(20)).await {
                came.push(message.payload[0]);
            }
        }
    }
    let all: BTreeSet<u8> = came.iter().flatten().copied().collect();
    let doubled = came.iter().map(Vec::len).sum::<usize>() - all.len();
    let both = came.iter().all(|came| !came.is_empty());
    let who = if both { "both have some" } else { "one has all" };
    format!("{} of {REPORTS}, {doubled} doubled, {who}", all.len())
}

/// When a board's connection breaks, everybody is told, and whoever asks later too.
pub(crate) async fn will<E: Engine>(world: &mut World<E>) -> String {
    let topic = world.topic("u/n-3/pres");
    let mut watcher = world.controller().await;
    watcher.subscribe(&topic).await;
    let gone = world.fresh("gone");
    let will = LastWill::new(topic.as_str(), gone.as_str(), QoS::AtLeastOnce, true, None);
    let mut board = world.try_board("n-3", Hello { will: Some(will), ..Hello::client("n-3") }).await.unwrap();
    board.ping().await;
    drop(board);
    let of_it = |message: &rumqttc::v5::mqttbytes::v5::Publish| message.payload == gone.as_bytes();
    let told = !take(&mut watcher, 1, of_it).await.is_empty();
    let mut late = world.controller().await;
    late.subscribe(&topic).await;
    let kept = !take(&mut late, 1, of_it).await.is_empty();
    format!("{}, {}", if told { "told" } else { "not told" }, if kept { "kept" } else { "not kept" })
}
