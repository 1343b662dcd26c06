//! Who gets in, and who may read and write what: docs/protocol.md, section 3.

use std::collections::BTreeSet;

use loa_controller::identity::BROKER_NAME;
use loa_test_broker::{Client, Hello, Pki, identity, tls_stream};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, PubAckReason, SubscribeReasonCode};
use tokio::time::{Instant, timeout};

use super::{END, LOST, before_end};
use crate::engine::{Engine, World};

/// A board may not have another's death told.
pub(crate) async fn foreign_will<E: Engine>(world: &mut World<E>) -> String {
    let topic = world.topic("u/n-2/pres");
    let mut watcher = world.controller().await;
    watcher.subscribe(&topic).await;
    let lie = world.fresh("lie");
    let will = LastWill::new(topic.as_str(), lie.as_str(), QoS::AtLeastOnce, false, None);
    let board = world.try_board("n-1", Hello { will: Some(will), ..Hello::client("n-1") }).await;
    let Ok(mut board) = board else { return "refused at connect".to_owned() };
    board.ping().await;
    // Another connection of the same board ends this one, and what that one says comes after the will.
    watcher.subscribe(&world.topic("u/n-1/event")).await;
    world.board("n-1").await.publish(&world.topic("u/n-1/event"), END).await;
    let told = before_end(&mut watcher).await > 0;
    if told { "told as if it were true" } else { "connects, is not told" }.to_owned()
}

/// A board gets its own documents and those of the areas above it, whatever it subscribes to.
pub(crate) async fn reads<E: Engine>(world: &mut World<E>) -> String {
    const OWN: [&str; 7] = [
        "keys",
        "d/n-1/cmd",
        "a/da-dong/plan",
        "a/da-dong/alert",
        "a/lam-dong/plan",
        "a/lam-dong/alert",
        "x/da-dong/0a1b",
    ];
    const FOREIGN: [&str; 7] = [
        "a/da-tong/alert",
        "a/da-tong/plan",
        "d/n-2/cmd",
        "u/n-1/state",
        "u/n-2/state",
        "u/n-2/want",
        "x/da-tong/0a1b",
    ];
    let mut board = world.board("n-1").await;
    for filter in OWN.iter().chain(&FOREIGN).chain(&["d/n-1/#", "u/+/state", "a/+/plan", "x/+/+", "#"]) {
        board.subscribe(&world.topic(filter)).await;
    }
    for filter in ["#", "loa/#", "+/1/+/u/+/state"] {
        board.subscribe(filter).await;
    }
    let word = world.fresh("read");
    let mut controller = world.controller().await;
    // What is a board's own comes last: when that is there, anything else has come.
    for topic in FOREIGN.iter().chain(&OWN) {
        controller.publish(&world.topic(topic), word.as_bytes()).await;
    }
    let last = format!("{word}-end");
    controller.publish(&world.topic("d/n-1/cmd"), last.as_bytes()).await;
    let mut came = BTreeSet::new();
    while let Some(message) = board.message_within(LOST).await {
        if message.payload == last.as_bytes() {
            break;
        }
        if message.payload == word.as_bytes() {
            let topic = String::from_utf8(message.topic.to_vec()).unwrap();
            came.insert(topic.trim_start_matches(&world.topic("")).to_owned());
        }
    }
    let missing: Vec<_> = OWN.iter().filter(|topic| !came.contains(**topic)).copied().collect();
    assert!(missing.is_empty(), "a board does not get {missing:?}");
    let more: Vec<_> = came.iter().filter(|topic| !OWN.contains(&topic.as_str())).cloned().collect();
    if more.is_empty() { "its own and no more".to_owned() } else { format!("also {}", more.join(", ")) }
}

/// Who may not read is told so at once, and can ask again when it has been moved.
pub(crate) async fn refused_filter<E: Engine>(world: &mut World<E>) -> String {
    let mut board = world.board("n-1").await;
    let answer = board.subscribe(&world.topic("d/n-2/#")).await;
    if let SubscribeReasonCode::Success(_) = answer {
        "not told".to_owned()
    } else if answer == SubscribeReasonCode::NotAuthorized {
        "told".to_owned()
    } else {
        format!("told {answer:?}")
    }
}

const REPORTS: [&str; 6] = ["pres", "state", "want", "receipt", "health", "event"];
const NOT_ITS_OWN: [&str; 7] = [
    "a/da-dong/alert",
    "a/da-dong/plan",
    "d/n-1/cmd",
    "keys",
    "u/n-1/other",
    "u/n-2/state",
    "x/da-dong/0a1b",
];

/// A board writes its own reports.
pub(crate) async fn writes<E: Engine>(world: &mut World<E>) -> String {
    let mut controller = world.controller().await;
    controller.subscribe(&world.topic("#")).await;
    let word = world.fresh("written");
    let mut board = world.board("n-1").await;
    for topic in NOT_ITS_OWN {
        board.publish(&world.topic(topic), word.as_bytes()).await;
    }
    for report in REPORTS {
        let taken = board.publish(&world.topic(&format!("u/n-1/{report}")), word.as_bytes()).await;
        assert!(
            matches!(taken, PubAckReason::Success | PubAckReason::NoMatchingSubscribers),
            "{report}: {taken:?}"
        );
    }
    let last = format!("{word}-end");
    board.publish(&world.topic("u/n-1/event"), last.as_bytes()).await;
    let mut came = BTreeSet::new();
    while let Some(message) = controller.message_within(LOST).await {
        if message.payload == last.as_bytes() {
            break;
        }
        if message.payload == word.as_bytes() {
            let topic = String::from_utf8(message.topic.to_vec()).unwrap();
            came.insert(topic.trim_start_matches(&world.topic("")).to_owned());
        }
    }
    for report in REPORTS {
        assert!(came.remove(&format!("u/n-1/{report}")), "{report} does not come");
    }
    if came.is_empty() {
        "its own and no more".to_owned()
    } else {
        format!("also {}", came.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// A refused report is answered, and the session goes on: a board with one wrong topic must not reconnect for ever.
pub(crate) async fn refused_report<E: Engine>(world: &mut World<E>) -> String {
    let mut board = world.board("n-1").await;
    let answer = board.publish(&world.topic("u/n-2/state"), b"x").await;
    board.ping().await;
    let told = if answer == PubAckReason::NotAuthorized { "told" } else { &format!("told {answer:?}") };
    format!("{told}, the session goes on")
}

/// No certificate, or one of another authority: no session.
pub(crate) async fn strangers<E: Engine>(world: &mut World<E>) -> String {
    let (certificate, key) = Pki::new().issue("n-1", &[]);
    let mut seen = Vec::new();
    for (who, papers) in
        [("without a certificate", None), ("with another authority's", Some(identity(&certificate, &key)))]
    {
        let ca = world.ground.authority.ca_pem();
        let session = match tls_stream(world.engine.addr(), ca, BROKER_NAME, papers).await {
            Ok(stream) => Client::connect(stream, Hello::client("n-1")).await.is_ok(),
            Err(_) => false,
        };
        seen.push(format!("{who}: {}", if session { "let in" } else { "refused" }));
    }
    seen.join("; ")
}

/// A board cannot end another's session by taking its name.
pub(crate) async fn foreign_id<E: Engine>(world: &mut World<E>) -> String {
    let mut other = world.board("n-2").await;
    other.ping().await;
    match world.try_board("n-1", Hello::client("n-2")).await {
        Err(_) => {
            other.ping().await;
            "refused".to_owned()
        }
        Ok(_) if timeout(LOST, other.ended()).await.is_ok() => "ends the other's session".to_owned(),
        Ok(_) => "let in beside the other".to_owned(),
    }
}

/// A revoked board's session ends, and it does not come back. What becomes of its neighbours meanwhile.
pub(crate) async fn revoked<E: Engine>(world: &mut World<E>) -> String {
    let mut lost = world.board("n-4").await;
    lost.ping().await;
    let mut neighbour = world.board("n-2").await;
    neighbour.ping().await;
    world.ground.revoke("n-4").await;
    world.engine.told(&world.ground).await;
    lost.ended().await;
    let give_up = Instant::now() + LOST;
    while world.try_board("n-4", Hello::client("n-4")).await.is_ok() {
        if Instant::now() > give_up {
            return "comes back".to_owned();
        }
    }
    let stays = timeout(crate::engine::QUIET, neighbour.ended()).await.is_err();
    world.board("n-2").await.ping().await;
    format!("shut out; its neighbours {}", if stays { "notice nothing" } else { "have to connect again" })
}
