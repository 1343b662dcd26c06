#![expect(clippy::wildcard_enum_match_arm, reason = "whatever a test does not expect is a failure")]

use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, PubRel, SubAck, SubscribeReasonCode, UnsubAck, UnsubAckReason,
};

use super::*;

const STILL: Wire = Wire { sent: 0, received: 0 };

fn terms() -> Terms {
    Terms {
        keep_alive: Duration::from_secs(60),
        answer_timeout: Duration::from_secs(25),
        ack_timeout: Duration::from_secs(40),
        inflight: 4,
        receive_maximum: 3,
        manual_acks: false,
    }
}

fn session_with(terms: Terms, filters: &[&str]) -> (Session, Instant) {
    let now = Instant::now();
    let wanted = filters.iter().map(|filter| ((*filter).to_owned(), Qos::AtLeastOnce)).collect();
    (Session::new(1, terms, Subscriptions::new(wanted), false, STILL, now).unwrap(), now)
}

fn session() -> (Session, Instant) {
    session_with(terms(), &[])
}

/// What the session has put on the wire since the last call.
fn sent(session: &mut Session) -> Vec<Packet> {
    let mut packets = Vec::new();
    while let Some(packet) = codec::decode(&mut session.output, 1 << 20).unwrap() {
        packets.push(packet);
    }
    packets
}

fn publish(payload: &'static [u8]) -> Publish {
    Publish::new("loa/1/demo/u/n1/state", QoS::AtLeastOnce, payload, None)
}

fn incoming(packet_id: u16) -> Packet {
    Packet::Publish(Publish { pkid: packet_id, ..Publish::new("a", QoS::AtLeastOnce, "x", None) })
}

fn puback(packet_id: u16) -> Packet {
    Packet::PubAck(PubAck::new(packet_id, None))
}

fn packet_ids(packets: &[Packet]) -> Vec<u16> {
    packets
        .iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => publish.pkid,
            Packet::PubAck(ack) => ack.pkid,
            other => panic!("neither PUBLISH nor PUBACK: {other:?}"),
        })
        .collect()
}

fn broke_protocol(result: Result<(), DisconnectReason>) -> &'static str {
    match result {
        Err(DisconnectReason::Protocol { what }) => what,
        other => panic!("expected a breach of protocol, got {other:?}"),
    }
}

#[test]
fn publications_in_flight_are_limited_and_have_ids_of_their_own() {
    let (mut session, now) = session();
    for token in 0..4 {
        assert!(session.can_publish(now));
        session.handle_publish(publish(b"x"), token, now).unwrap();
    }
    assert!(!session.can_publish(now));
    assert_eq!(packet_ids(&sent(&mut session)), [1, 2, 3, 4]);

    session.handle_packet(puback(2), now).unwrap();
    assert!(matches!(session.poll_event(now).unwrap(), Some(LinkEvent::Acked { token: 1 })));
    assert!(session.can_publish(now));
    session.handle_publish(publish(b"x"), 9, now).unwrap();
    assert_eq!(packet_ids(&sent(&mut session)), [5]);
    assert_eq!(session.unanswered().collect::<Vec<_>>(), [0, 2, 3, 9]);
}

#[test]
fn an_id_under_way_is_not_used_again_when_the_numbers_run_out() {
    let (mut session, now) = session_with(terms(), &["a"]);
    assert!(matches!(&sent(&mut session)[..], [Packet::Subscribe(subscribe)] if subscribe.pkid == 1));
    session.last_packet_id = u16::MAX - 1;
    session.handle_publish(publish(b"x"), 1, now).unwrap();
    session.handle_publish(publish(b"x"), 2, now).unwrap();
    assert_eq!(packet_ids(&sent(&mut session)), [u16::MAX, 2], "1 belongs to the SUBSCRIBE");
}

#[test]
fn qos_0_needs_no_answer() {
    let (mut session, now) = session();
    session.handle_publish(Publish::new("a", QoS::AtMostOnce, "x", None), 1, now).unwrap();
    assert_eq!(packet_ids(&sent(&mut session)), [0]);
    assert!(session.is_idle());
}

#[test]
fn a_refused_publication_is_told_apart_from_one_without_subscribers() {
    let (mut session, now) = session();
    session.handle_publish(publish(b"x"), 7, now).unwrap();
    session.handle_publish(publish(b"x"), 8, now).unwrap();
    for (packet_id, reason) in [(1, PubAckReason::NotAuthorized), (2, PubAckReason::NoMatchingSubscribers)] {
        session
            .handle_packet(Packet::PubAck(PubAck { pkid: packet_id, reason, properties: None }), now)
            .unwrap();
    }
    assert!(matches!(
        session.poll_event(now).unwrap(),
        Some(LinkEvent::Rejected { token: 7, reason: ReasonCode::NOT_AUTHORIZED })
    ));
    assert!(matches!(session.poll_event(now).unwrap(), Some(LinkEvent::Acked { token: 8 })));
}

#[test]
fn a_message_is_acknowledged_when_the_owner_has_it_and_not_before() {
    let (mut session, now) = session();
    session.handle_packet(incoming(5), now).unwrap();
    assert!(sent(&mut session).is_empty());
    assert!(matches!(
        session.poll_event(now).unwrap(),
        Some(LinkEvent::Message(Message { ack: None, qos: Qos::AtLeastOnce, .. }))
    ));
    assert_eq!(packet_ids(&sent(&mut session)), [5]);
}

#[test]
fn a_discarded_message_is_not_acknowledged() {
    let (mut session, now) = session();
    session.handle_packet(incoming(5), now).unwrap();
    session.discard_event();
    assert!(!session.has_event());
    assert!(sent(&mut session).is_empty());
}

#[test]
fn manual_answers_leave_in_the_order_of_arrival() {
    let (mut session, now) = session_with(Terms { manual_acks: true, ..terms() }, &[]);
    let mut tokens = Vec::new();
    for packet_id in [11, 12, 13] {
        session.handle_packet(incoming(packet_id), now).unwrap();
        match session.poll_event(now).unwrap() {
            Some(LinkEvent::Message(Message { ack: Some(token), .. })) => tokens.push(token.packet_id),
            other => panic!("expected a message with a token, got {other:?}"),
        }
    }
    session.handle_finished(tokens[1], now).unwrap();
    assert!(sent(&mut session).is_empty(), "11 is not finished");
    session.handle_finished(tokens[0], now).unwrap();
    assert_eq!(packet_ids(&sent(&mut session)), [11, 12]);
    session.handle_finished(tokens[0], now).unwrap();
    assert!(sent(&mut session).is_empty(), "answered only once");
    session.handle_finished(tokens[2], now).unwrap();
    assert_eq!(packet_ids(&sent(&mut session)), [13]);
}

#[test]
fn a_repetition_of_a_message_in_hand_is_not_delivered_twice() {
    let (mut session, now) = session_with(Terms { manual_acks: true, ..terms() }, &[]);
    session.handle_packet(incoming(11), now).unwrap();
    session.poll_event(now).unwrap();
    session.handle_packet(incoming(11), now).unwrap();
    assert!(!session.has_event());
}

#[test]
fn a_broker_that_exceeds_the_receive_maximum_breaks_the_protocol() {
    let (mut session, now) = session_with(Terms { manual_acks: true, ..terms() }, &[]);
    for packet_id in 1..=3 {
        session.handle_packet(incoming(packet_id), now).unwrap();
    }
    assert!(broke_protocol(session.handle_packet(incoming(4), now)).contains("receive maximum"));
}

#[test]
fn filters_are_sent_at_once_and_refusals_reported() {
    let (mut session, now) = session_with(terms(), &["a", "b"]);
    let packet_id = match &sent(&mut session)[..] {
        [Packet::Subscribe(subscribe)] if subscribe.filters.len() == 2 => subscribe.pkid,
        other => panic!("expected one SUBSCRIBE with both filters, got {other:?}"),
    };
    let answer = SubAck {
        pkid: packet_id,
        return_codes: vec![
            SubscribeReasonCode::Success(QoS::AtLeastOnce),
            SubscribeReasonCode::NotAuthorized,
        ],
        properties: None,
    };
    session.handle_packet(Packet::SubAck(answer), now).unwrap();
    match session.poll_event(now).unwrap() {
        Some(LinkEvent::Subscribed { granted, refused }) => {
            assert_eq!(granted, ["a"]);
            assert_eq!(refused[0].filter, "b");
        }
        other => panic!("expected Subscribed, got {other:?}"),
    }
    assert!(session.subscriptions.is_settled());
}

#[test]
fn answers_that_nobody_asked_for_break_the_protocol() {
    let (mut session, now) = session();
    let suback = SubAck {
        pkid: 9,
        return_codes: vec![SubscribeReasonCode::Success(QoS::AtMostOnce)],
        properties: None,
    };
    let unsuback = UnsubAck { pkid: 9, reasons: vec![UnsubAckReason::Success], properties: None };
    let connack = ConnAck { session_present: false, code: ConnectReturnCode::Success, properties: None };
    for packet in [
        puback(9),
        Packet::SubAck(suback),
        Packet::UnsubAck(unsuback),
        Packet::ConnAck(connack),
        Packet::PubRel(PubRel::new(1, None)),
        Packet::PingReq(PingReq),
    ] {
        broke_protocol(session.handle_packet(packet, now));
    }
}

#[test]
fn qos_2_and_topic_aliases_are_not_spoken_here() {
    let (mut session, now) = session();
    let qos_2 = Publish { pkid: 1, ..Publish::new("a", QoS::ExactlyOnce, "x", None) };
    assert!(broke_protocol(session.handle_packet(Packet::Publish(qos_2), now)).contains("QoS 2"));
    let aliased = Publish::new("", QoS::AtMostOnce, "x", None);
    assert!(broke_protocol(session.handle_packet(Packet::Publish(aliased), now)).contains("alias"));
}

#[test]
fn an_answer_that_never_comes_ends_the_connection_though_pings_are_answered() {
    let (mut session, now) = session();
    session.handle_publish(publish(b"x"), 1, now).unwrap();
    let late = now + Duration::from_secs(40);
    session.handle_heard(late - Duration::from_secs(1));
    assert_eq!(session.poll_timeout(), late);
    let error = session.handle_timeout(STILL, late).unwrap_err();
    assert!(matches!(error, DisconnectReason::TimedOut { waiting_for: Awaited::PubAck, .. }));
}

#[test]
fn answers_are_not_missed_while_the_owner_is_slow() {
    let (mut session, now) = session();
    session.handle_publish(publish(b"x"), 1, now).unwrap();
    session.handle_flow(false, false, now);
    session.handle_timeout(STILL, now + Duration::from_secs(41)).unwrap();
    session.handle_flow(true, false, now + Duration::from_secs(100));
    session.handle_timeout(STILL, now + Duration::from_secs(110)).unwrap();
    assert!(session.handle_timeout(STILL, now + Duration::from_secs(140)).is_err());
}

#[test]
fn a_nudge_pings_once_until_something_is_heard() {
    let (mut session, now) = session();
    session.handle_nudge(STILL, now).unwrap();
    session.handle_nudge(STILL, now).unwrap();
    assert_eq!(sent(&mut session), [Packet::PingReq(PingReq)]);
    session.handle_heard(now);
    session.handle_nudge(STILL, now).unwrap();
    assert_eq!(sent(&mut session), [Packet::PingReq(PingReq)]);
}
