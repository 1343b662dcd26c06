//! A broker that does exactly what the test says, over an in-memory stream.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use loa_link::{Backoff, ByteStream, Dial, DialFuture, LinkOptions};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode, LastWill,
    Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode, UnsubAck, UnsubAckReason, check,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::within;

/// Where the link's connections arrive.
pub(crate) struct Peers {
    arrivals: mpsc::UnboundedReceiver<DuplexStream>,
}

/// One connection, seen from the broker's side.
pub(crate) struct Peer {
    stream: DuplexStream,
    input: BytesMut,
}

#[derive(Debug)]
struct MemoryDial {
    departures: mpsc::UnboundedSender<DuplexStream>,
    buffer_bytes: usize,
}

impl Dial for MemoryDial {
    fn dial(&self, _deadline: Instant) -> DialFuture<'_> {
        let (ours, theirs) = tokio::io::duplex(self.buffer_bytes);
        let sent = self.departures.send(theirs);
        Box::pin(async move {
            sent.map_err(|_gone| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// Options of a link that finds its broker in memory, with waits of exactly the middle of the jitter's range.
pub(crate) fn options_and_peers() -> (LinkOptions, Peers) {
    options_and_peers_with_buffer(64 * 1024)
}

/// The same, where the stream holds `buffer_bytes` that the other side has not read.
pub(crate) fn options_and_peers_with_buffer(buffer_bytes: usize) -> (LinkOptions, Peers) {
    let (departures, arrivals) = mpsc::unbounded_channel();
    let mut options = LinkOptions::new("node-1", "in-memory", 0);
    options.dial = Arc::new(MemoryDial { departures, buffer_bytes });
    options.backoff = Backoff::default();
    options.jitter = Box::new(|| 0.5);
    options.keep_alive = Duration::from_secs(80);
    options.connect_timeout = Duration::from_secs(20);
    (options, Peers { arrivals })
}

impl Peers {
    /// The next connection, before any byte.
    pub(crate) async fn arrive(&mut self) -> Peer {
        let stream = within(self.arrivals.recv()).await.expect("the link is gone");
        Peer { stream, input: BytesMut::new() }
    }

    /// The next connection, accepted without a kept session.
    pub(crate) async fn accept(&mut self) -> Peer {
        let mut peer = self.arrive().await;
        peer.read_connect().await;
        peer.send_connack(false, None).await;
        peer
    }

    /// Whether a connection has arrived that was not taken.
    pub(crate) fn has_arrival(&mut self) -> bool {
        !self.arrivals.is_empty()
    }
}

impl Peer {
    /// The next packet from the link, or `None` when it closed the stream.
    pub(crate) async fn read(&mut self) -> Option<Packet> {
        loop {
            if check(self.input.iter(), None).is_ok() {
                // The codec refuses a DISCONNECT without body, which clients do send.
                if self.input.starts_with(&[0xE0, 0x00]) {
                    let reason = DisconnectReasonCode::NormalDisconnection;
                    return Some(Packet::Disconnect(Disconnect::new(reason)));
                }
                return Some(Packet::read(&mut self.input, None).unwrap());
            }
            if within(self.stream.read_buf(&mut self.input)).await.unwrap() == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn read_connect(&mut self) -> (Connect, Option<LastWill>) {
        match self.read().await {
            Some(Packet::Connect(connect, will, _login)) => (connect, will),
            other => panic!("expected CONNECT, got {other:?}"),
        }
    }

    pub(crate) async fn read_publish(&mut self) -> Publish {
        match self.read().await {
            Some(Packet::Publish(publish)) => publish,
            other => panic!("expected PUBLISH, got {other:?}"),
        }
    }

    pub(crate) async fn read_subscribe(&mut self) -> Subscribe {
        match self.read().await {
            Some(Packet::Subscribe(subscribe)) => subscribe,
            other => panic!("expected SUBSCRIBE, got {other:?}"),
        }
    }

    pub(crate) async fn read_ping(&mut self) {
        match self.read().await {
            Some(Packet::PingReq(_)) => {}
            other => panic!("expected PINGREQ, got {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, None).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
    }

    pub(crate) async fn send_connack(
        &mut self,
        session_present: bool,
        properties: Option<ConnAckProperties>,
    ) {
        self.send(Packet::ConnAck(ConnAck { session_present, code: ConnectReturnCode::Success, properties }))
            .await;
    }

    pub(crate) async fn send_puback(&mut self, packet_id: u16) {
        self.send(Packet::PubAck(PubAck::new(packet_id, None))).await;
    }

    /// A QoS 1 message on topic `a`.
    pub(crate) async fn send_message(&mut self, packet_id: u16, payload: Vec<u8>) {
        let publish = Publish { pkid: packet_id, ..Publish::new("a", QoS::AtLeastOnce, payload, None) };
        self.send(Packet::Publish(publish)).await;
    }

    /// Answers a SUBSCRIBE with success for each of its filters.
    pub(crate) async fn grant(&mut self, subscribe: &Subscribe) {
        let code = SubscribeReasonCode::Success(QoS::AtLeastOnce);
        let return_codes = vec![code; subscribe.filters.len()];
        self.send(Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None })).await;
    }

    pub(crate) async fn send_unsuback(&mut self, packet_id: u16) {
        let reasons = vec![UnsubAckReason::Success];
        self.send(Packet::UnsubAck(UnsubAck { pkid: packet_id, reasons, properties: None })).await;
    }
}

/// CONNACK properties with nothing set.
pub(crate) fn connack_properties() -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}

/// Paths of the filters of a SUBSCRIBE, in order.
pub(crate) fn paths(subscribe: &Subscribe) -> Vec<&str> {
    subscribe.filters.iter().map(|filter| filter.path.as_str()).collect()
}
