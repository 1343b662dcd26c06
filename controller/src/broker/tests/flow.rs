//! What passes through: retained messages, large ones, and reports under pressure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loa_test_broker::{BOUND, Hello};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PubAckReason};

use super::eventually;
use super::world::{World, node};
use crate::broker::BrokerLimits;

const PLAN: &str = "loa/1/t/a/da-dong/plan";
const WAVE: &str = "loa/1/t/x/da-dong/0123456789abcdef";
/// 64 MiB of audio: far more than the sockets between hold.
const BLOCKS: u64 = 4_096;
const BLOCK: [u8; 16 * 1024] = [7; 16 * 1024];

#[tokio::test]
async fn a_retained_plan_reaches_a_node_that_subscribes_later() {
    let world = World::start().await;
    let mut controller = world.controller().await;
    assert_eq!(controller.publish_with(PLAN, b"epoch 1", true, None).await, PubAckReason::Success);
    assert_eq!(controller.publish_with(PLAN, b"epoch 2", true, None).await, PubAckReason::Success);

    let mut node = world.node("n-1").await;
    node.subscribe(PLAN).await;
    let message = node.message().await;
    assert_eq!((&message.payload[..], message.retain), (&b"epoch 2"[..], true));

    controller.publish_with(PLAN, b"epoch 3", true, None).await;
    assert_eq!(&node.message().await.payload[..], b"epoch 3");
}

#[tokio::test]
async fn a_retained_message_goes_when_its_own_expiry_says_so_and_others_stay() {
    const SHORT: &str = "loa/1/t/d/n-1/desired";
    const LONG: &str = "loa/1/t/keys";
    let world = World::start().await;
    let mut controller = world.controller().await;
    controller.publish_with(SHORT, b"short", true, Some(1)).await;
    controller.publish_with(LONG, b"an hour", true, Some(3600)).await;
    controller.publish_with(PLAN, b"for ever", true, None).await;

    let gone = async {
        while !world.retained(SHORT).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(BOUND, gone).await.expect("the message outlives its expiry");

    let mut node = world.node("n-1").await;
    for (topic, payload) in [(PLAN, &b"for ever"[..]), (LONG, b"an hour")] {
        node.subscribe(topic).await;
        assert_eq!(&node.message().await.payload[..], payload);
    }
    node.subscribe(SHORT).await;
    controller.publish(SHORT, b"marker").await;
    assert_eq!(&node.message().await.payload[..], b"marker");
}

#[tokio::test]
async fn the_largest_message_passes_in_both_directions() {
    let mut world = World::start().await;
    let payload: Vec<u8> = (0..256 * 1024).map(|i: u32| (i % 251) as u8).collect();
    let mut node = world.node("n-1").await;
    node.subscribe(PLAN).await;
    let mut controller = world.controller().await;
    assert_eq!(controller.publish_with(PLAN, &payload, true, None).await, PubAckReason::Success);
    assert!(node.message().await.payload == payload);

    assert_eq!(node.publish("loa/1/t/u/n-1/state", &payload).await, PubAckReason::Success);
    assert!(world.incoming.recv().await.unwrap().payload == payload);

    let mut late = world.node("n-2").await;
    late.subscribe(PLAN).await;
    assert!(late.message().await.payload == payload, "as a retained message");
}

#[tokio::test]
async fn a_slow_controller_slows_the_node_and_loses_nothing() {
    const REPORTS: usize = 5_000;
    const CHANNEL: usize = 8;
    const IN_FLIGHT: usize = 16;
    let mut world = World::with_channel(CHANNEL).await;
    let mut node = world.node("n-1").await;
    let acknowledged = Arc::new(AtomicUsize::new(0));

    let count = Arc::clone(&acknowledged);
    let sender = tokio::spawn(async move {
        for sent in 0..REPORTS {
            if sent >= IN_FLIGHT {
                node.acknowledged().await;
                count.fetch_add(1, Ordering::SeqCst);
            }
            let payload = (sent as u32).to_be_bytes();
            node.send_publish("loa/1/t/u/n-1/receipt", &payload, false, None).await;
        }
        for _ in 0..IN_FLIGHT {
            node.acknowledged().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
        node
    });

    // Nobody receives: the channel fills up and the node stands still, while another node is served.
    eventually("the channel is full", || acknowledged.load(Ordering::SeqCst) == CHANNEL).await;
    let mut other = world.node("n-2").await;
    other.subscribe("loa/1/t/d/n-2/#").await;
    other.ping().await;
    assert_eq!(acknowledged.load(Ordering::SeqCst), CHANNEL);

    for expected in 0..REPORTS {
        let report = world.incoming.recv().await.unwrap();
        assert_eq!(report.payload[..], (expected as u32).to_be_bytes());
        let acked = acknowledged.load(Ordering::SeqCst);
        assert!(acked <= expected + 1 + CHANNEL, "{acked} acknowledged, but only {expected} were received");
    }
    let mut node = tokio::time::timeout(BOUND, sender).await.unwrap().unwrap();
    node.ping().await;
    assert!(world.incoming.try_recv().is_err());
    assert_eq!(world.broker.refusals().undelivered, 0);
}

#[tokio::test]
async fn of_audio_for_a_node_that_does_not_read_a_bounded_part_waits_and_nothing_else_is_lost() {
    const QUEUE: usize = 32;
    let limits = BrokerLimits { node_queue: QUEUE, ..BrokerLimits::default() };
    let world = World::with_limits(limits).await;
    let mut stopped = world.node("n-1").await;
    stopped.subscribe(WAVE).await;
    stopped.subscribe(PLAN).await;
    let mut neighbour = world.node("n-2").await;
    neighbour.subscribe(WAVE).await;

    let mut controller = world.controller().await;
    for sent in 1..=BLOCKS {
        controller.send_unacknowledged(WAVE, &BLOCK).await;
        if sent % QUEUE as u64 == 0 {
            for _ in 0..QUEUE {
                neighbour.message().await;
            }
        }
    }
    assert_eq!(controller.publish(PLAN, b"epoch 1").await, PubAckReason::Success);
    let passed_over = world.broker.passed_over();
    assert!(passed_over > BLOCKS / 2, "only {passed_over} of {BLOCKS} did not wait for who reads nothing");

    // It reads again, finds the plan behind what had waited, and hears the next wave.
    for _ in 0..BLOCKS - passed_over {
        assert_eq!(stopped.message().await.topic, WAVE);
    }
    assert_eq!(&stopped.message().await.payload[..], b"epoch 1");
    controller.send_unacknowledged(WAVE, &BLOCK).await;
    assert_eq!(stopped.message().await.topic, WAVE);
    assert_eq!(world.broker.passed_over(), passed_over);
}

#[tokio::test]
async fn a_node_that_stops_reading_is_let_go_with_all_that_waits_for_it() {
    let limits = BrokerLimits { send_timeout: Duration::from_secs(1), ..BrokerLimits::default() };
    let world = World::with_limits(limits).await;
    let mut stopped = world.node("n-1").await;
    stopped.subscribe(WAVE).await;
    let mut controller = world.controller().await;
    assert_eq!(world.sessions(), 2);
    for _ in 0..BLOCKS {
        controller.send_unacknowledged(WAVE, &BLOCK).await;
    }
    eventually("the broker lets go of who reads nothing", || world.sessions() == 1).await;
    assert!((stopped.ended().await.len() as u64) < BLOCKS);

    let mut other = world.node("n-2").await;
    other.subscribe(PLAN).await;
    assert_eq!(controller.publish(PLAN, b"epoch 1").await, PubAckReason::Success);
    assert_eq!(&other.message().await.payload[..], b"epoch 1");
}

#[tokio::test]
async fn a_node_that_waits_for_the_controller_can_still_be_kicked() {
    let mut world = World::with_channel(1).await;
    let mut session = world.node("n-1").await;
    for _ in 0..2 {
        session.send_publish("loa/1/t/u/n-1/receipt", b"x", false, None).await;
    }
    session.acknowledged().await;
    let second = tokio::time::timeout(Duration::from_millis(200), session.acknowledged()).await;
    assert!(second.is_err(), "the channel is full, so the second report waits in the broker");

    assert_eq!(world.broker.kick(&node("n-1")).await, 1);
    let last = session.ended().await;
    let taken =
        |packet: &Packet| matches!(packet, Packet::PubAck(ack) if ack.reason == PubAckReason::Success);
    assert!(!last.iter().any(taken), "what was given up is not acknowledged: {last:?}");
    assert_eq!(world.broker.refusals().undelivered, 1);
    assert!(world.incoming.recv().await.is_some());
    assert!(world.incoming.try_recv().is_err());
}

#[tokio::test]
async fn the_will_of_a_node_that_vanishes_is_reported() {
    let mut world = World::start().await;
    let will = LastWill::new("loa/1/t/u/n-1/pres", "gone", QoS::AtLeastOnce, true, None);
    let session = world.try_node("n-1", Hello { will: Some(will), ..Hello::client("n-1") }).await.unwrap();
    drop(session);
    let report = tokio::time::timeout(BOUND, world.incoming.recv()).await.unwrap().unwrap();
    assert_eq!((report.topic.as_str(), &report.payload[..]), ("loa/1/t/u/n-1/pres", &b"gone"[..]));
    assert!(!report.replayed);
}
