//! A small MQTT 5 client that shows every reason code. Its codec is none of the brokers'.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, LastWill, Login,
    Packet, PingReq, PubAck, PubAckReason, Publish, PublishProperties, Subscribe, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest wait for anything that must happen.
pub const BOUND: Duration = Duration::from_secs(20);

/// TCP, or TLS over it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Largest packet in the tests: a little more than the broker's limit.
const MAX_PACKET: u32 = 1024 * 1024;

/// What a client says of itself.
#[derive(Clone, Default)]
pub struct Hello {
    /// Its client id.
    pub client_id: String,
    /// User name and password.
    pub login: Option<Login>,
    /// What the broker says when the connection breaks.
    pub will: Option<LastWill>,
    /// Seconds for which the session outlives the connection; 0 also asks for a clean start.
    pub session_expiry_s: u32,
    /// An earlier session of this id is forgotten.
    pub clean_start: bool,
}

impl Hello {
    /// A client of this id, with a session that ends with its connection.
    pub fn client(id: &str) -> Self {
        Self { client_id: id.to_owned(), ..Self::default() }
    }
}

/// How a connect went wrong.
#[derive(Debug, PartialEq, Eq)]
pub enum NotConnected {
    /// A CONNACK with this code.
    Refused(ConnectReturnCode),
    /// The connection ended without CONNACK: what TLS does with a certificate it does not take.
    Closed,
}

/// A session. Dropped, its connection breaks without a word.
pub struct Client {
    stream: Box<dyn Stream>,
    input: BytesMut,
    messages: VecDeque<Publish>,
    next_id: u16,
    session_present: bool,
}

impl Client {
    /// Says hello on a stream.
    ///
    /// # Errors
    /// [`NotConnected`].
    pub async fn connect(stream: Box<dyn Stream>, hello: Hello) -> Result<Self, NotConnected> {
        let mut client = Self {
            stream,
            input: BytesMut::new(),
            messages: VecDeque::new(),
            next_id: 1,
            session_present: false,
        };
        let mut properties = ConnectProperties::new();
        properties.session_expiry_interval = Some(hello.session_expiry_s);
        properties.max_packet_size = Some(MAX_PACKET);
        let connect = Connect {
            keep_alive: 60,
            client_id: hello.client_id,
            clean_start: hello.clean_start || hello.session_expiry_s == 0,
            properties: Some(properties),
        };
        client.send_bytes(&encode(&Packet::Connect(connect, hello.will, hello.login))).await;
        match client.read_packet().await {
            Some(Packet::ConnAck(ack)) if ack.code == ConnectReturnCode::Success => {
                client.session_present = ack.session_present;
                Ok(client)
            }
            Some(Packet::ConnAck(ack)) => Err(NotConnected::Refused(ack.code)),
            None => Err(NotConnected::Closed),
            Some(other) => panic!("expected CONNACK, got {other:?}"),
        }
    }

    /// Whether the broker still had a session of this id.
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Subscribes and returns the broker's word.
    pub async fn subscribe(&mut self, filter: &str) -> SubscribeReasonCode {
        let mut subscribe = Subscribe::new(Filter::new(filter, QoS::AtLeastOnce), None);
        subscribe.pkid = self.take_id();
        self.send_bytes(&encode(&Packet::Subscribe(subscribe))).await;
        let codes =
            self.expect(
                |packet| if let Packet::SubAck(ack) = packet { Some(ack.return_codes.clone()) } else { None },
            );
        codes.await[0]
    }

    /// Publishes with QoS 1 and returns the broker's word.
    pub async fn publish(&mut self, topic: &str, payload: &[u8]) -> PubAckReason {
        self.publish_with(topic, payload, false, None).await
    }

    /// Publishes with QoS 1, kept or not, with an end or without, and returns the broker's word.
    pub async fn publish_with(
        &mut self,
        topic: &str,
        payload: &[u8],
        retain: bool,
        expiry_s: Option<u32>,
    ) -> PubAckReason {
        self.send_publish(topic, payload, retain, expiry_s).await;
        self.acknowledged().await
    }

    /// Sends a QoS 1 publish and does not wait for its acknowledgement.
    pub async fn send_publish(&mut self, topic: &str, payload: &[u8], retain: bool, expiry_s: Option<u32>) {
        let properties =
            PublishProperties { message_expiry_interval: expiry_s, ..PublishProperties::default() };
        let payload = Bytes::copy_from_slice(payload);
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload, Some(properties));
        publish.retain = retain;
        publish.pkid = self.take_id();
        self.send_bytes(&encode(&Packet::Publish(publish))).await;
    }

    /// Sends a QoS 0 publish.
    pub async fn send_unacknowledged(&mut self, topic: &str, payload: &[u8]) {
        let publish = Publish::new(topic, QoS::AtMostOnce, Bytes::copy_from_slice(payload), None);
        self.send_bytes(&encode(&Packet::Publish(publish))).await;
    }

    /// Waits for one acknowledgement.
    pub async fn acknowledged(&mut self) -> PubAckReason {
        self.expect(|packet| if let Packet::PubAck(ack) = packet { Some(ack.reason) } else { None }).await
    }

    /// The next message on a subscription.
    pub async fn message(&mut self) -> Publish {
        if let Some(message) = self.messages.pop_front() {
            return message;
        }
        self.expect(|packet| if let Packet::Publish(publish) = packet { Some(publish.clone()) } else { None })
            .await
    }

    /// The next message if one comes within this time. Not the connection's end: that fails the test.
    pub async fn message_within(&mut self, limit: Duration) -> Option<Publish> {
        if self.messages.is_empty() && self.input.is_empty() {
            // Nothing but the wait for bytes is cut short, so that no message is half read or half acknowledged.
            let read = tokio::time::timeout(limit, self.stream.read_buf(&mut self.input)).await.ok()?;
            assert!(read.is_ok_and(|read| read > 0), "the broker ended the connection");
        }
        Some(self.message().await)
    }

    /// Ends the session in good order; the broker keeps it for as long as was said at connect, and forgets the will.
    pub async fn disconnect(mut self) {
        let bye = Disconnect::new(DisconnectReasonCode::NormalDisconnection);
        self.send_bytes(&encode(&Packet::Disconnect(bye))).await;
        // It is the client's to close: rmqtt waits for that. An end that cannot be sent has come from the other side.
        drop(self.stream.shutdown().await);
        self.ended().await;
    }

    /// Asks for a sign of life. What the broker sent before the answer has arrived then, in order.
    pub async fn ping(&mut self) {
        self.send_bytes(&encode(&Packet::PingReq(PingReq))).await;
        self.expect(|packet| if let Packet::PingResp(_) = packet { Some(()) } else { None }).await;
    }

    /// Messages that arrived while something else was waited for.
    pub fn arrived(&mut self) -> Vec<Publish> {
        self.messages.drain(..).collect()
    }

    /// Waits until the broker ends the connection, and returns what it sent before.
    pub async fn ended(&mut self) -> Vec<Packet> {
        let mut last = Vec::new();
        while let Some(packet) = self.read_packet().await {
            last.push(packet);
        }
        last
    }

    /// Reads on until the wanted packet; keeps and acknowledges messages on the way.
    async fn expect<T>(&mut self, pick: impl Fn(&Packet) -> Option<T>) -> T {
        loop {
            let packet = self.read_packet().await.expect("the broker ended the connection");
            if let Packet::Publish(publish) = &packet
                && publish.qos == QoS::AtLeastOnce
            {
                let ack = encode(&Packet::PubAck(PubAck::new(publish.pkid, None)));
                self.send_bytes(&ack).await;
            }
            if let Some(picked) = pick(&packet) {
                return picked;
            }
            let Packet::Publish(publish) = packet else { panic!("unexpected {packet:?}") };
            self.messages.push_back(publish);
        }
    }

    /// `None` when the connection has ended.
    async fn read_packet(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.input, Some(MAX_PACKET)) {
                Ok(packet) => return Some(packet),
                Err(Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("the broker sent what is not MQTT: {error}"),
            }
            let read = tokio::time::timeout(BOUND, self.stream.read_buf(&mut self.input));
            match read.await.expect("the broker says nothing") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// An error of writing shows at the next read.
    async fn send_bytes(&mut self, bytes: &[u8]) {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        drop(tokio::time::timeout(BOUND, sent).await.expect("the broker takes nothing"));
    }

    fn take_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        id
    }
}

fn encode(packet: &Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.write(&mut bytes, None).unwrap();
    bytes
}
