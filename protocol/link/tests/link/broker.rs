//! Against a real broker: what is promised holds with `mosquitto`.

use std::collections::BTreeSet;
use std::time::Duration;

use loa_link::{
    Backoff, CleanStart, Link, LinkEvent, LinkHandle, LinkOptions, Message, Publication, Qos, ReasonCode,
    Will,
};
use loa_test_broker::Mosquitto;
use tokio::sync::mpsc;

use crate::{next, wait_for, within};

type Events = mpsc::Receiver<LinkEvent>;

/// Options with waits that suit a test.
fn options(client_id: &str, broker: &Mosquitto) -> LinkOptions {
    let mut options = LinkOptions::new(client_id, "127.0.0.1", broker.port);
    options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(100) };
    options
}

/// A link that holds these filters at QoS 1, once they are granted.
async fn subscriber(mut options: LinkOptions, filters: &[&str]) -> (LinkHandle, Events) {
    options.subscriptions = filters.iter().map(|filter| ((*filter).to_owned(), Qos::AtLeastOnce)).collect();
    let (handle, mut events) = Link::spawn(options).unwrap();
    subscribed(&mut events).await;
    (handle, events)
}

async fn connected(events: &mut Events) -> (bool, u64) {
    wait_for(events, |event| match event {
        LinkEvent::Connected { session_present, conn_seq, .. } => Some((session_present, conn_seq)),
        _ => None,
    })
    .await
}

async fn subscribed(events: &mut Events) {
    wait_for(events, |event| matches!(event, LinkEvent::Subscribed { .. }).then_some(())).await;
}

async fn disconnected(events: &mut Events) {
    wait_for(events, |event| matches!(event, LinkEvent::Disconnected { .. }).then_some(())).await;
}

async fn message(events: &mut Events) -> Message {
    wait_for(events, |event| match event {
        LinkEvent::Message(message) => Some(message),
        _ => None,
    })
    .await
}

async fn acked(events: &mut Events) -> u64 {
    wait_for(events, |event| match event {
        LinkEvent::Acked { token } => Some(token),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_message_far_over_ten_kilobytes_arrives_unharmed() {
    let broker = Mosquitto::start();
    let (_subscriber, mut received) = subscriber(options("reader", &broker), &["loa/1/demo/a/#"]).await;
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    let payload: Vec<u8> = (0..300_000_u32).map(|index| index.to_le_bytes()[0]).collect();
    publisher.try_publish(Publication::new("loa/1/demo/a/lam-dong/alert", payload.clone(), 41)).unwrap();
    assert_eq!(acked(&mut events).await, 41);
    let message = message(&mut received).await;
    assert_eq!(message.topic, "loa/1/demo/a/lam-dong/alert");
    assert!(message.payload == payload);
    assert_eq!((message.qos, message.retain), (Qos::AtLeastOnce, false));
}

#[tokio::test]
async fn after_a_killed_broker_comes_back_the_filters_stand_again() {
    let mut broker = Mosquitto::start();
    let mut resuming = options("reader", &broker);
    resuming.clean_start = CleanStart::FirstConnection;
    resuming.session_expiry = Duration::from_secs(3600);
    let (_subscriber, mut received) = subscriber(resuming, &["a/#", "b/#"]).await;

    broker.kill();
    disconnected(&mut received).await;
    broker.restart();
    let (session_present, conn_seq) = connected(&mut received).await;
    assert!(!session_present, "the broker was killed and had nothing on disk");
    assert!(conn_seq >= 2);
    subscribed(&mut received).await;

    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    publisher.try_publish(Publication::new("a/1", "one", 1)).unwrap();
    publisher.try_publish(Publication::new("b/2", "two", 2)).unwrap();
    assert_eq!(message(&mut received).await.topic, "a/1");
    assert_eq!(message(&mut received).await.topic, "b/2");
}

#[tokio::test]
async fn an_outbox_that_offers_again_loses_nothing_to_a_killed_broker() {
    const COUNT: u64 = 200;
    let mut broker = Mosquitto::start();
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;

    let mut outbox: BTreeSet<u64> = (0..COUNT).collect();
    let mut offered = BTreeSet::new();
    let mut killed = false;
    while !outbox.is_empty() {
        for token in &outbox {
            if !offered.contains(token) {
                if publisher.try_publish(Publication::new("u/n1/event", token.to_string(), *token)).is_err() {
                    break;
                }
                offered.insert(*token);
            }
        }
        match next(&mut events).await {
            LinkEvent::Acked { token } => {
                outbox.remove(&token);
            }
            LinkEvent::Disconnected { unacked, .. } => {
                for token in unacked {
                    assert!(offered.remove(&token), "{token} was not offered, or came back twice");
                }
                assert!(offered.is_disjoint(&outbox), "what is neither acknowledged nor given back is lost");
            }
            LinkEvent::Connected { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
        if !killed && outbox.len() < 150 {
            killed = true;
            broker.kill();
            broker.restart();
        }
    }
    assert!(killed && publisher.stats().connections >= 2);
}

#[tokio::test]
async fn the_will_names_the_connection_that_died() {
    let broker = Mosquitto::start();
    let (_observer, mut observed) = subscriber(options("observer", &broker), &["u/+/pres"]).await;
    let with_will = |client_id: &str| {
        let mut options = options(client_id, &broker);
        options.will = Some(Box::new(|conn_seq| Some(Will::new("u/n1/pres", format!("gone {conn_seq}")))));
        options
    };

    // Taken over by another client with the same id: the broker publishes the will of the first connection.
    let (node, mut events) = Link::spawn(with_will("node-1")).unwrap();
    assert_eq!(connected(&mut events).await.1, 1);
    let (thief, mut thief_events) = Link::spawn(options("node-1", &broker)).unwrap();
    connected(&mut thief_events).await;
    within(thief.close()).await;
    assert_eq!(&message(&mut observed).await.payload[..], b"gone 1");
    let (_, conn_seq) = connected(&mut events).await;
    assert!(conn_seq >= 2);

    // Dropped without goodbye: the will of the present connection.
    drop(node);
    drop(events);
    assert_eq!(message(&mut observed).await.payload, format!("gone {conn_seq}"));

    // Closed in good order: no will. What is seen next is the mark that was published after it.
    let (node, mut events) = Link::spawn(with_will("node-1")).unwrap();
    connected(&mut events).await;
    within(node.close()).await;
    let (marker, mut events) = Link::spawn(options("marker", &broker)).unwrap();
    connected(&mut events).await;
    marker.try_publish(Publication::new("u/n1/pres", "mark", 1)).unwrap();
    assert_eq!(&message(&mut observed).await.payload[..], b"mark");
}

#[tokio::test]
async fn filters_change_while_connected() {
    let broker = Mosquitto::start();
    let (handle, mut received) = subscriber(options("reader", &broker), &["old/#"]).await;
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    let retained = Publication { retain: true, ..Publication::new("new/plan", "retained", 1) };
    publisher.try_publish(retained).unwrap();
    acked(&mut events).await;

    handle.set_subscriptions([("new/#".to_owned(), Qos::AtLeastOnce)]).unwrap();
    let plan = message(&mut received).await;
    assert_eq!((plan.topic.as_str(), plan.retain), ("new/plan", true));
    publisher.try_publish(Publication::new("old/plan", "nobody listens", 2)).unwrap();
    publisher.try_publish(Publication::new("new/plan", "live", 3)).unwrap();
    let live = message(&mut received).await;
    assert_eq!((live.topic.as_str(), live.retain), ("new/plan", false));
}

#[tokio::test]
async fn a_publication_against_the_rules_is_rejected_and_the_link_stays() {
    let rules = "topic write allowed/#\n";
    let broker =
        Mosquitto::start_with(&[("rules", rules)], "allow_anonymous true\nacl_file {folder}/rules\n");
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    publisher.try_publish(Publication::new("forbidden/x", "x", 1)).unwrap();
    publisher.try_publish(Publication::new("allowed/x", "x", 2)).unwrap();
    match next(&mut events).await {
        LinkEvent::Rejected { token: 1, reason } => assert_eq!(reason, ReasonCode::NOT_AUTHORIZED),
        other => panic!("expected a rejection, got {other:?}"),
    }
    assert_eq!(acked(&mut events).await, 2);
}

#[tokio::test]
async fn a_message_that_was_not_finished_comes_again() {
    let broker = Mosquitto::start();
    let durable = || {
        let mut options = options("ingest", &broker);
        options.manual_acks = true;
        options.clean_start = CleanStart::Never;
        options.session_expiry = Duration::from_secs(3600);
        options
    };
    let (ingest, mut received) = subscriber(durable(), &["u/#"]).await;
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    for token in 1..=2 {
        publisher.try_publish(Publication::new("u/n1/receipt", token.to_string(), token)).unwrap();
    }
    let first = message(&mut received).await;
    let second = message(&mut received).await;
    assert_eq!((&first.payload[..], &second.payload[..]), (&b"1"[..], &b"2"[..]));
    ingest.ack(first.ack.unwrap());
    within(ingest.close()).await;

    let (ingest, mut received) = Link::spawn(durable()).unwrap();
    assert!(connected(&mut received).await.0, "the session was kept");
    let again = message(&mut received).await;
    assert_eq!(&again.payload[..], b"2");
    ingest.ack(again.ack.unwrap());
    within(ingest.close()).await;

    let (_ingest, mut received) = subscriber(durable(), &["u/#"]).await;
    publisher.try_publish(Publication::new("u/n1/receipt", "3", 3)).unwrap();
    assert_eq!(&message(&mut received).await.payload[..], b"3");
}

#[tokio::test]
async fn a_message_past_its_expiry_is_not_delivered_late() {
    let broker = Mosquitto::start_with(&[], "allow_anonymous true\nsys_interval 1\n");
    let durable = || {
        let mut options = options("node-1", &broker);
        options.clean_start = CleanStart::Never;
        options.session_expiry = Duration::from_secs(3600);
        options
    };
    let (node, _received) = subscriber(durable(), &["cmd"]).await;
    within(node.close()).await;
    let (publisher, mut events) = Link::spawn(options("writer", &broker)).unwrap();
    connected(&mut events).await;
    let command =
        Publication { expiry: Some(Duration::from_millis(10)), ..Publication::new("cmd", "test tone", 1) };
    publisher.try_publish(command).unwrap();
    acked(&mut events).await;
    publisher.try_publish(Publication::new("cmd", "stop", 2)).unwrap();
    acked(&mut events).await;

    // Sent as 1 s, and mosquitto counts whole seconds: wait until three of its own have passed.
    let (_clock, mut ticks) = subscriber(options("clock", &broker), &["$SYS/broker/uptime"]).await;
    let mut seconds = BTreeSet::new();
    while seconds.len() < 4 {
        seconds.insert(message(&mut ticks).await.payload);
    }

    let (_node, mut received) = Link::spawn(durable()).unwrap();
    assert_eq!(&message(&mut received).await.payload[..], b"stop");
}
