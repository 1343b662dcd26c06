//! Over several connections: back-off, nudges, filters, wills, and the end.

use std::time::Duration;

use loa_link::{CleanStart, Link, LinkEvent, OptionsError, Qos, Will};
use rumqttc::v5::mqttbytes::v5::{Packet, PingResp, RetainForwardRule};
use tokio::time::Instant;

use crate::peer::{options_and_peers, paths};
use crate::{next, within};

async fn retry_in(events: &mut tokio::sync::mpsc::Receiver<LinkEvent>) -> Duration {
    loop {
        match next(events).await {
            LinkEvent::Disconnected { retry_in, .. } => return retry_in,
            LinkEvent::Connected { .. } | LinkEvent::Subscribed { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waits_grow_up_to_five_minutes_and_are_kept() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut waits_s = Vec::new();
    for _ in 0..10 {
        drop(peers.arrive().await);
        let wait = retry_in(&mut events).await;
        let began = Instant::now();
        let peer = peers.arrive().await;
        assert_eq!(began.elapsed().as_millis(), wait.as_millis());
        drop(peer);
        let second = retry_in(&mut events).await;
        waits_s.extend([wait.as_secs_f64(), second.as_secs_f64()]);
    }
    assert_eq!(waits_s[..10], [1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 64.5, 128.5, 150.5, 150.5]);
    assert!(waits_s[10..].iter().all(|wait| *wait == 150.5));
}

#[tokio::test(start_paused = true)]
async fn only_a_connection_that_stood_starts_the_back_off_anew() {
    let (mut options, mut peers) = options_and_peers();
    options.subscriptions = vec![("a".to_owned(), Qos::AtLeastOnce)];
    options.keep_alive = Duration::from_secs(60);
    let (_handle, mut events) = Link::spawn(options).unwrap();
    for _ in 0..3 {
        drop(peers.arrive().await);
        retry_in(&mut events).await;
    }
    // Accepted, but gone at once: counts as a failure.
    drop(peers.accept().await);
    assert_eq!(retry_in(&mut events).await, Duration::from_millis(8500));

    // Subscribed and up for more than a minute.
    let mut peer = peers.accept().await;
    let subscribe = peer.read_subscribe().await;
    peer.grant(&subscribe).await;
    for _ in 0..2 {
        peer.read_ping().await;
        peer.send(Packet::PingResp(PingResp)).await;
    }
    drop(peer);
    assert_eq!(retry_in(&mut events).await, Duration::from_millis(1500));
}

#[tokio::test(start_paused = true)]
async fn a_nudge_ends_the_wait() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    drop(peers.arrive().await);
    assert_eq!(retry_in(&mut events).await, Duration::from_millis(1500));
    let began = Instant::now();
    handle.nudge();
    let _peer = peers.arrive().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_nudge_asks_a_standing_connection_for_a_sign_of_life() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    let began = Instant::now();
    handle.nudge();
    peer.read_ping().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(matches!(next(&mut events).await, LinkEvent::Disconnected { .. }));
    assert_eq!(began.elapsed().as_secs(), 25, "a dead network is noticed long before the keep-alive");
}

#[tokio::test(start_paused = true)]
async fn filters_are_held_over_connections_and_changes_follow() {
    let (mut options, mut peers) = options_and_peers();
    options.clean_start = CleanStart::FirstConnection;
    options.session_expiry = Duration::from_secs(3600);
    options.subscriptions = vec![("a".to_owned(), Qos::AtLeastOnce)];
    let (handle, mut events) = Link::spawn(options).unwrap();

    let mut peer = peers.arrive().await;
    let (connect, _) = peer.read_connect().await;
    assert!(connect.clean_start);
    assert_eq!(connect.properties.unwrap().session_expiry_interval, Some(3600));
    peer.send_connack(false, None).await;
    let subscribe = peer.read_subscribe().await;
    assert_eq!(paths(&subscribe), ["a"]);
    peer.grant(&subscribe).await;

    // A change while connected.
    handle.subscribe("b", Qos::AtMostOnce).unwrap();
    let subscribe = peer.read_subscribe().await;
    assert_eq!(paths(&subscribe), ["b"]);
    peer.grant(&subscribe).await;

    // A change while away, and the broker says that it kept the session.
    drop(peer);
    retry_in(&mut events).await;
    handle
        .set_subscriptions([("b".to_owned(), Qos::AtMostOnce), ("c".to_owned(), Qos::AtLeastOnce)])
        .unwrap();
    let mut peer = peers.arrive().await;
    let (connect, _) = peer.read_connect().await;
    assert!(!connect.clean_start);
    peer.send_connack(true, None).await;
    match peer.read().await {
        Some(Packet::Unsubscribe(unsubscribe)) => {
            assert_eq!(unsubscribe.filters, ["a"]);
            peer.send_unsuback(unsubscribe.pkid).await;
        }
        other => panic!("expected UNSUBSCRIBE, got {other:?}"),
    }
    let subscribe = peer.read_subscribe().await;
    assert_eq!(paths(&subscribe), ["b", "c"]);
    let rules: Vec<_> = subscribe.filters.iter().map(|filter| filter.retain_forward_rule.clone()).collect();
    assert_eq!(rules, [RetainForwardRule::OnNewSubscribe, RetainForwardRule::OnEverySubscribe]);
    peer.grant(&subscribe).await;

    // The broker lost the session: everything again, with retained messages.
    drop(peer);
    retry_in(&mut events).await;
    let mut peer = peers.accept().await;
    let subscribe = peer.read_subscribe().await;
    assert_eq!(paths(&subscribe), ["b", "c"]);
    assert!(
        subscribe
            .filters
            .iter()
            .all(|filter| filter.retain_forward_rule == RetainForwardRule::OnEverySubscribe)
    );
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_is_none_is_refused() {
    let (mut options, _peers) = options_and_peers();
    options.subscriptions = vec![("a/#/b".to_owned(), Qos::AtLeastOnce)];
    assert!(matches!(Link::spawn(options), Err(OptionsError::Filter(_))));

    let (options, _peers) = options_and_peers();
    let (handle, _events) = Link::spawn(options).unwrap();
    assert!(handle.subscribe("a/#/b", Qos::AtLeastOnce).is_err());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own_will() {
    let (mut options, mut peers) = options_and_peers();
    options.will =
        Some(Box::new(|conn_seq| Some(Will::new("loa/1/demo/u/n1/pres", format!("gone {conn_seq}")))));
    let (_handle, mut events) = Link::spawn(options).unwrap();
    for expected in ["gone 1", "gone 2", "gone 3"] {
        let mut peer = peers.arrive().await;
        let (_, will) = peer.read_connect().await;
        let will = will.unwrap();
        assert_eq!((&will.topic[..], &will.message[..]), (&b"loa/1/demo/u/n1/pres"[..], expected.as_bytes()));
        assert!(will.retain);
        drop(peer);
        retry_in(&mut events).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_will_that_mqtt_cannot_carry_does_not_keep_the_node_off_the_air() {
    let (mut options, mut peers) = options_and_peers();
    options.will = Some(Box::new(|_| Some(Will::new("a", vec![0; 70_000]))));
    let (_handle, _events) = Link::spawn(options).unwrap();
    let (_, will) = peers.arrive().await.read_connect().await;
    assert!(will.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_ends_the_link_without_goodbye() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let clone = handle.clone();
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    drop(handle);
    assert!(clone.is_connected());
    drop(clone);
    assert!(peer.read().await.is_none(), "the stream closes without a DISCONNECT");
    assert!(within(events.recv()).await.is_none());
    assert!(!peers.has_arrival());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_receiver_ends_the_link() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    drop(events);
    assert!(peer.read().await.is_none());
    within(handle.close()).await;
}

#[tokio::test(start_paused = true)]
async fn closing_ends_a_wait_and_an_attempt() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    drop(peers.arrive().await);
    retry_in(&mut events).await;
    let began = Instant::now();
    within(handle.close()).await;
    assert_eq!(began.elapsed(), Duration::ZERO);

    let (options, mut peers) = options_and_peers();
    let (handle, _events) = Link::spawn(options).unwrap();
    let _silent = peers.arrive().await;
    let began = Instant::now();
    within(handle.close()).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_counters_count() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    drop(peers.arrive().await);
    retry_in(&mut events).await;
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    let before = handle.stats();
    assert_eq!((before.attempts, before.connections), (2, 1));
    peer.send_message(1, vec![0; 100]).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Message(_)));
    assert!(matches!(peer.read().await, Some(Packet::PubAck(_))));
    let after = handle.stats();
    // PUBLISH: header 2, topic 3, packet id 2, properties 1, payload 100. PUBACK: 4.
    assert_eq!(after.bytes_received - before.bytes_received, 108);
    assert_eq!(after.bytes_sent - before.bytes_sent, 4);
    assert_eq!(after.messages_received, 1);
}
