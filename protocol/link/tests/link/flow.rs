//! Queues, limits and owners that are slow: nothing is lost, nothing locks, nothing grows.

use std::time::Duration;

use loa_link::{DisconnectReason, Link, LinkEvent, LinkHandle, Publication, PublishRefused, Qos};
use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, Packet, PingResp};

use crate::peer::{connack_properties, options_and_peers, options_and_peers_with_buffer};
use crate::{next, within};

fn publish(handle: &LinkHandle, token: u64) -> Result<(), PublishRefused> {
    handle.try_publish(Publication::new("a", "x", token))
}

async fn connected(events: &mut tokio::sync::mpsc::Receiver<LinkEvent>) -> u32 {
    match next(events).await {
        LinkEvent::Connected { max_packet_bytes, .. } => max_packet_bytes,
        other => panic!("expected Connected, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_nothing_is_taken() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    assert_eq!(publish(&handle, 1), Err(PublishRefused::NotConnected));
    let peer = peers.accept().await;
    connected(&mut events).await;
    assert_eq!(publish(&handle, 1), Ok(()));
    drop(peer);
    assert!(matches!(next(&mut events).await, LinkEvent::Disconnected { .. }));
    assert_eq!(publish(&handle, 2), Err(PublishRefused::NotConnected));
}

/// The deadlock of an owner that publishes in the task that also takes the events: here the call returns at once, and
/// everything that was taken is answered when the owner gets round to its events.
#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_drains_later() {
    let (mut options, mut peers) = options_and_peers();
    options.queue_messages = 8;
    options.inflight = 2;
    options.event_capacity = 1;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;

    let mut taken: u64 = 0;
    while publish(&handle, taken).is_ok() {
        taken += 1;
        assert!(taken <= 8, "the queue is bounded");
    }
    assert_eq!(taken, 8);
    assert_eq!(publish(&handle, taken), Err(PublishRefused::QueueFull));

    let broker = tokio::spawn(async move {
        while let Some(Packet::Publish(publish)) = peer.read().await {
            peer.send_puback(publish.pkid).await;
        }
    });
    let mut acked = Vec::new();
    while acked.len() < 8 {
        match next(&mut events).await {
            LinkEvent::Acked { token } => acked.push(token),
            other => panic!("expected Acked, got {other:?}"),
        }
    }
    assert_eq!(acked, (0..8).collect::<Vec<_>>());
    broker.abort();
}

/// A node asks for audio as soon as it has asked to be sent it: what comes before the filter is there is lost.
#[tokio::test(start_paused = true)]
async fn a_publication_goes_behind_the_filters_that_were_asked_for_before_it() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    // Which of the two the link's task sees first is drawn anew each time.
    for round in 0..40 {
        let (own, wave) = (format!("own/{round}"), format!("wave/{round}"));
        handle.subscribe(&own, Qos::AtLeastOnce).unwrap();
        if round % 2 == 1 {
            // The first is on its way, and the second has to wait for its answer.
            tokio::task::yield_now().await;
        }
        handle.subscribe(&wave, Qos::AtLeastOnce).unwrap();
        publish(&handle, round).unwrap();
        let mut asked: Vec<String> = Vec::new();
        let published = loop {
            match peer.read().await.unwrap() {
                Packet::Subscribe(subscribe) => {
                    asked.extend(subscribe.filters.iter().map(|filter| filter.path.clone()));
                    peer.grant(&subscribe).await;
                }
                Packet::Publish(publish) => break publish,
                other => panic!("expected SUBSCRIBE or PUBLISH, got {other:?}"),
            }
        };
        assert_eq!(asked, [own, wave], "round {round}");
        peer.send_puback(published.pkid).await;
        while !matches!(next(&mut events).await, LinkEvent::Acked { .. }) {}
    }
}

/// Time stands still but for the wait's own bound: only a signal can end it, no poll.
#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_told_when_there_is_some_and_when_there_never_will_be() {
    let (mut options, mut peers) = options_and_peers();
    options.queue_messages = 1;
    options.inflight = 1;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    publish(&handle, 1).unwrap();
    let first = peer.read_publish().await;
    publish(&handle, 2).unwrap();
    assert_eq!(publish(&handle, 3), Err(PublishRefused::QueueFull));

    let waiting = |token| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.publish_when_room(Publication::new("a", "x", token)).await })
    };
    let third = waiting(3);
    tokio::task::yield_now().await;
    assert!(!third.is_finished(), "there is no room");
    peer.send_puback(first.pkid).await;
    assert_eq!(within(third).await.unwrap(), Ok(()));
    peer.read_publish().await;

    let fourth = waiting(4);
    tokio::task::yield_now().await;
    assert!(!fourth.is_finished(), "there is no room again");
    drop(peer);
    assert_eq!(within(fourth).await.unwrap(), Err(PublishRefused::NotConnected));
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_by_bytes_too() {
    let (mut options, mut peers) = options_and_peers();
    options.queue_bytes = 10_000;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let _peer = peers.accept().await;
    connected(&mut events).await;
    for token in 0..3 {
        handle.try_publish(Publication::new("a", vec![0; 3000], token)).unwrap();
    }
    let fourth = handle.try_publish(Publication::new("a", vec![0; 3000], 3));
    assert_eq!(fourth, Err(PublishRefused::QueueFull));
}

#[tokio::test(start_paused = true)]
async fn what_the_broker_did_not_answer_comes_back_as_tokens() {
    let (mut options, mut peers) = options_and_peers();
    options.inflight = 2;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    for token in 10..15 {
        publish(&handle, token).unwrap();
    }
    let not_counted = Publication { qos: Qos::AtMostOnce, ..Publication::new("a", "x", 99) };
    handle.try_publish(not_counted).unwrap();

    let first = peer.read_publish().await;
    peer.send_puback(first.pkid).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Acked { token: 10 }));
    drop(peer);
    match next(&mut events).await {
        LinkEvent::Disconnected { unacked, .. } => assert_eq!(unacked, [11, 12, 13, 14]),
        other => panic!("expected Disconnected, got {other:?}"),
    }

    // The next connection starts empty: the outbox decides what is sent again.
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    publish(&handle, 20).unwrap();
    let sent = peer.read_publish().await;
    assert_eq!((sent.pkid, sent.dup), (1, false));
}

#[tokio::test(start_paused = true)]
async fn the_broker_may_allow_fewer_in_flight() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.arrive().await;
    peer.read_connect().await;
    let properties = ConnAckProperties { receive_max: Some(1), ..connack_properties() };
    peer.send_connack(false, Some(properties)).await;
    connected(&mut events).await;
    publish(&handle, 1).unwrap();
    publish(&handle, 2).unwrap();
    assert_eq!(peer.read_publish().await.pkid, 1);
    peer.read_ping().await;
    peer.send(Packet::PingResp(PingResp)).await;
    peer.send_puback(1).await;
    assert_eq!(peer.read_publish().await.pkid, 2, "only after the first was answered");
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_for_either_side_is_refused_with_the_limit() {
    let (mut options, mut peers) = options_and_peers();
    options.max_packet_bytes = 4096;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let too_large_for_us = handle.try_publish(Publication::new("a", vec![0; 4096], 1));
    assert!(matches!(too_large_for_us, Err(PublishRefused::TooLarge { max: 4096, .. })));

    let mut peer = peers.arrive().await;
    let (connect, _will) = peer.read_connect().await;
    assert_eq!(connect.properties.unwrap().max_packet_size, Some(4096), "announced to the broker");
    let properties = ConnAckProperties { max_packet_size: Some(2000), ..connack_properties() };
    peer.send_connack(false, Some(properties)).await;
    assert_eq!(connected(&mut events).await, 2000);
    // Header 3, topic 2 + 1, packet id 2, properties 1: the largest payload that passes is 1991.
    let too_large_for_the_broker = handle.try_publish(Publication::new("a", vec![0; 1992], 1));
    assert_eq!(too_large_for_the_broker, Err(PublishRefused::TooLarge { bytes: 2001, max: 2000 }));
    assert_eq!(handle.try_publish(Publication::new("a", vec![0; 1991], 1)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_no_name_is_refused() {
    let (options, _peers) = options_and_peers();
    let (handle, _events) = Link::spawn(options).unwrap();
    let refused = handle.try_publish(Publication::new("loa/#", "x", 1));
    assert_eq!(refused, Err(PublishRefused::InvalidTopic));
}

#[tokio::test(start_paused = true)]
async fn a_slow_owner_loses_nothing_and_keeps_its_session() {
    let (mut options, mut peers) = options_and_peers_with_buffer(4096);
    options.event_capacity = 1;
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    // The owner takes nothing; the broker sends until the stream is full, ten keep-alives pass.
    for packet_id in 1..=3 {
        peer.send_message(packet_id, vec![packet_id as u8; 1000]).await;
    }
    for _ in 0..10 {
        peer.read_ping().await;
    }
    connected(&mut events).await;
    for packet_id in 1..=3 {
        match next(&mut events).await {
            LinkEvent::Message(message) => assert_eq!(message.payload, vec![packet_id; 1000]),
            other => panic!("expected message {packet_id}, got {other:?}"),
        }
    }
    let mut acked = Vec::new();
    while acked.len() < 3 {
        match peer.read().await {
            Some(Packet::PubAck(ack)) => acked.push(ack.pkid),
            Some(Packet::PingReq(_)) => peer.send(Packet::PingResp(PingResp)).await,
            other => panic!("expected PUBACK, got {other:?}"),
        }
    }
    assert_eq!(acked, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn with_manual_acks_the_broker_hears_only_what_the_owner_finished() {
    let (mut options, mut peers) = options_and_peers();
    options.manual_acks = true;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    let mut tokens = Vec::new();
    for packet_id in [5, 6] {
        peer.send_message(packet_id, vec![1]).await;
        match next(&mut events).await {
            LinkEvent::Message(message) => tokens.push(message.ack.unwrap()),
            other => panic!("expected a message, got {other:?}"),
        }
    }
    peer.read_ping().await;
    peer.send(Packet::PingResp(PingResp)).await;

    let late = tokens.pop().unwrap();
    handle.ack(tokens.pop().unwrap());
    assert!(matches!(peer.read().await, Some(Packet::PubAck(ack)) if ack.pkid == 5));

    // A token of a lost connection has no meaning on the next, where the same id may belong to another message.
    drop(peer);
    assert!(matches!(next(&mut events).await, LinkEvent::Disconnected { .. }));
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    peer.send_message(6, vec![2]).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Message(_)));
    handle.ack(late);
    peer.read_ping().await;
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_need_an_owner_that_takes_events() {
    let (mut options, mut peers) = options_and_peers();
    options.event_capacity = 1;
    let (handle, events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    within(async {
        while !handle.is_connected() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for packet_id in 1..=5 {
        peer.send_message(packet_id, vec![0]).await;
    }
    let broker = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(packet) = peer.read().await {
            let is_last = matches!(packet, Packet::Disconnect(_));
            seen.push(packet);
            if is_last {
                break;
            }
        }
        seen
    });
    within(handle.close()).await;
    let seen = within(broker).await.unwrap();
    assert!(matches!(seen.last(), Some(Packet::Disconnect(_))), "{seen:?}");
    assert!(
        !seen.iter().any(|packet| matches!(packet, Packet::PubAck(_))),
        "nothing was delivered: {seen:?}"
    );
    drop(events);
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_is_queued_and_awaits_the_answers() {
    let (mut options, mut peers) = options_and_peers();
    options.inflight = 1;
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    for token in 1..=3 {
        publish(&handle, token).unwrap();
    }
    let broker = tokio::spawn(async move {
        let mut published = 0;
        loop {
            match peer.read().await {
                Some(Packet::Publish(publish)) => {
                    published += 1;
                    peer.send_puback(publish.pkid).await;
                }
                Some(Packet::Disconnect(_)) => return published,
                other => panic!("unexpected {other:?}"),
            }
        }
    });
    within(handle.close()).await;
    assert_eq!(within(broker).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_given_just_before_closing_still_leaves() {
    // Which of the two the link sees first is left to chance, hence the rounds.
    for round in 0..20 {
        let (mut options, mut peers) = options_and_peers();
        options.manual_acks = true;
        let (handle, mut events) = Link::spawn(options).unwrap();
        let mut peer = peers.accept().await;
        connected(&mut events).await;
        peer.send_message(5, vec![1]).await;
        match next(&mut events).await {
            LinkEvent::Message(message) => handle.ack(message.ack.unwrap()),
            other => panic!("expected a message, got {other:?}"),
        }
        within(handle.close()).await;
        assert!(matches!(peer.read().await, Some(Packet::PubAck(ack)) if ack.pkid == 5), "round {round}");
        assert!(matches!(peer.read().await, Some(Packet::Disconnect(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_answers_nothing_holds_up_closing_for_a_few_seconds_only() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    publish(&handle, 1).unwrap();
    let began = tokio::time::Instant::now();
    within(handle.close()).await;
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    peer.read_publish().await;
    assert!(matches!(peer.read().await, Some(Packet::Disconnect(_))));
    assert!(events.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn memory_of_a_large_message_is_not_kept() {
    // Behaviour only: several large messages in a row pass through buffers that shrink in between.
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    connected(&mut events).await;
    for packet_id in 1..=4 {
        let payload = vec![packet_id as u8; 300_000];
        let (_, event) = tokio::join!(peer.send_message(packet_id, payload.clone()), next(&mut events));
        match event {
            LinkEvent::Message(message) => assert_eq!(message.payload, payload),
            LinkEvent::Disconnected { reason: DisconnectReason::Malformed(error), .. } => panic!("{error}"),
            other => panic!("expected message {packet_id}, got {other:?}"),
        }
    }
}
