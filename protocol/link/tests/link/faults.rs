//! Peers that stay silent, break off, or talk nonsense.

use std::time::Duration;

use loa_link::{Awaited, DisconnectReason, Link, LinkEvent, Publication, Qos, ReasonCode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, ConnectReturnCode, Packet, PingResp, Publish, SubAck, SubscribeReasonCode,
};
use tokio::time::Instant;

use crate::peer::{connack_properties, options_and_peers, options_and_peers_with_buffer};
use crate::{next, wait_for};

fn timed_out(event: LinkEvent) -> Awaited {
    match event {
        LinkEvent::Disconnected { reason: DisconnectReason::TimedOut { waiting_for, .. }, .. } => waiting_for,
        other => panic!("expected a time-out, got {other:?}"),
    }
}

fn reason(event: LinkEvent) -> DisconnectReason {
    match event {
        LinkEvent::Disconnected { reason, .. } => reason,
        other => panic!("expected Disconnected, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_accepts_and_never_answers_is_left_after_the_connect_timeout() {
    let (options, mut peers) = options_and_peers();
    let began = Instant::now();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let _silent = peers.arrive().await;
    assert_eq!(timed_out(next(&mut events).await), Awaited::ConnAck);
    assert_eq!(began.elapsed().as_secs(), 20);

    let _peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { conn_seq: 2, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_noticed_by_its_silence() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    let began = Instant::now();
    assert_eq!(timed_out(next(&mut events).await), Awaited::Pulse);
    assert_eq!(began.elapsed().as_secs(), 70 + 25, "7/8 of the keep-alive, then the answer's time");
    peer.read_ping().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_whose_pings_are_answered_stays() {
    let (options, mut peers) = options_and_peers();
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    let began = Instant::now();
    for _ in 0..100 {
        peer.read_ping().await;
        peer.send(Packet::PingResp(PingResp)).await;
    }
    assert!(handle.is_connected());
    assert!(began.elapsed() >= Duration::from_secs(100 * 69));
    assert!(events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_brokers_keep_alive_overrules_ours() {
    let (options, mut peers) = options_and_peers();
    let (_handle, _events) = Link::spawn(options).unwrap();
    let mut peer = peers.arrive().await;
    peer.read_connect().await;
    let properties = ConnAckProperties { server_keep_alive: Some(8), ..connack_properties() };
    peer.send_connack(false, Some(properties)).await;
    let began = Instant::now();
    peer.read_ping().await;
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_ends_the_connection() {
    // The stream takes 2 KiB; the message is larger, and the peer reads nothing of it.
    let (options, mut peers) = options_and_peers_with_buffer(2048);
    let (handle, mut events) = Link::spawn(options).unwrap();
    let _peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    let began = Instant::now();
    handle.try_publish(Publication::new("a", vec![0; 8000], 7)).unwrap();
    match next(&mut events).await {
        LinkEvent::Disconnected {
            reason: DisconnectReason::TimedOut { waiting_for: Awaited::WriteProgress, .. },
            unacked,
            ..
        } => assert_eq!(unacked, [7]),
        other => panic!("expected a stalled write, got {other:?}"),
    }
    assert!(began.elapsed() <= Duration::from_secs(51), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_never_answered_ends_the_connection() {
    let (mut options, mut peers) = options_and_peers();
    options.subscriptions = vec![("a".to_owned(), Qos::AtLeastOnce)];
    options.keep_alive = Duration::from_secs(10);
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    peer.read_subscribe().await;
    let answers = tokio::spawn(async move {
        while peer.read().await.is_some() {
            peer.send(Packet::PingResp(PingResp)).await;
        }
    });
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    assert_eq!(timed_out(next(&mut events).await), Awaited::SubAck);
    answers.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_within_a_packet_is_replaced() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    peer.send_bytes(&[0x30, 0x50, 0x00, 0x01, b'a', 0x00, b'h', b'a', b'l', b'f']).await;
    drop(peer);
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    assert!(matches!(reason(next(&mut events).await), DisconnectReason::ClosedByPeer));

    let mut peer = peers.accept().await;
    peer.send_message(1, b"whole".to_vec()).await;
    let message = wait_for(&mut events, |event| match event {
        LinkEvent::Message(message) => Some(message),
        LinkEvent::Connected { conn_seq: 2, .. } => None,
        other => panic!("unexpected {other:?}"),
    })
    .await;
    assert_eq!(&message.payload[..], b"whole");
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_reported_with_its_kind() {
    let oversized: &[u8] = &[0x30, 0xFF, 0xFF, 0xFF, 0x7F];
    let reserved_type: &[u8] = &[0x00, 0x02, 0x00, 0x00];
    for bytes in [oversized, reserved_type] {
        let (options, mut peers) = options_and_peers();
        let (_handle, mut events) = Link::spawn(options).unwrap();
        let mut peer = peers.accept().await;
        peer.send_bytes(bytes).await;
        assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
        assert!(matches!(reason(next(&mut events).await), DisconnectReason::Malformed(_)), "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn qos_2_from_the_broker_is_a_breach() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    let publish = Publish { pkid: 1, ..Publish::new("a", QoS::ExactlyOnce, "x", None) };
    peer.send(Packet::Publish(publish)).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    assert!(matches!(reason(next(&mut events).await), DisconnectReason::Protocol { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_brokers_words_are_passed_on() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();

    let mut peer = peers.arrive().await;
    peer.read_connect().await;
    let properties = ConnAckProperties { reason_string: Some("revoked".to_owned()), ..connack_properties() };
    let code = ConnectReturnCode::NotAuthorized;
    peer.send(Packet::ConnAck(ConnAck { session_present: false, code, properties: Some(properties) })).await;
    match reason(next(&mut events).await) {
        DisconnectReason::Refused { reason: ReasonCode::NOT_AUTHORIZED, detail } => {
            assert_eq!(detail.as_deref(), Some("revoked"));
        }
        other => panic!("expected a refusal, got {other:?}"),
    }

    let mut peer = peers.accept().await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    peer.send_bytes(&[0xE0, 0x01, 0x8E]).await;
    match reason(next(&mut events).await) {
        DisconnectReason::ServerDisconnect { reason, .. } => {
            assert_eq!(reason, ReasonCode::SESSION_TAKEN_OVER);
        }
        other => panic!("expected the broker's DISCONNECT, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_without_qos_1_is_called_unsuitable() {
    let (options, mut peers) = options_and_peers();
    let (_handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.arrive().await;
    peer.read_connect().await;
    let properties = ConnAckProperties { max_qos: Some(0), ..connack_properties() };
    peer.send_connack(false, Some(properties)).await;
    assert!(matches!(reason(next(&mut events).await), DisconnectReason::Unsuitable { what: "QoS 1" }));
}

#[tokio::test(start_paused = true)]
async fn a_refused_filter_is_reported_and_the_rest_stands() {
    let (mut options, mut peers) = options_and_peers();
    options.subscriptions = vec![("a".to_owned(), Qos::AtLeastOnce), ("b".to_owned(), Qos::AtMostOnce)];
    let (handle, mut events) = Link::spawn(options).unwrap();
    let mut peer = peers.accept().await;
    let subscribe = peer.read_subscribe().await;
    let return_codes =
        vec![SubscribeReasonCode::Success(QoS::AtLeastOnce), SubscribeReasonCode::QuotaExceeded];
    peer.send(Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None })).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { .. }));
    match next(&mut events).await {
        LinkEvent::Subscribed { granted, refused } => {
            assert_eq!(granted, ["a"]);
            assert_eq!((refused[0].filter.as_str(), refused[0].reason), ("b", ReasonCode::QUOTA_EXCEEDED));
        }
        other => panic!("expected Subscribed, got {other:?}"),
    }
    assert!(handle.is_connected());

    // The broker's mind changes.
    let again = peer.read_subscribe().await;
    assert_eq!(again.filters.iter().map(|filter| filter.path.as_str()).collect::<Vec<_>>(), ["b"]);
    let return_codes = vec![SubscribeReasonCode::Success(QoS::AtMostOnce)];
    peer.send(Packet::SubAck(SubAck { pkid: again.pkid, return_codes, properties: None })).await;
    match next(&mut events).await {
        LinkEvent::Subscribed { granted, refused } => {
            assert_eq!((granted, refused.len()), (vec!["b".to_owned()], 0))
        }
        other => panic!("expected Subscribed, got {other:?}"),
    }
}
