//! From nothing to an accepted MQTT connection: stream, TLS, CONNECT, CONNACK, all under one deadline.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, LastWill, LastWillProperties, Login, Packet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::codec;
use crate::dial::{ByteStream, Metered};
use crate::event::{Awaited, DisconnectReason};
use crate::options::{LinkOptions, Will};
use crate::publication::whole_seconds;
use crate::session::Terms;
use crate::stats::LinkStats;

/// A connection that the broker accepted.
pub(crate) struct Accepted {
    pub(crate) stream: Box<dyn ByteStream>,
    /// What came behind the CONNACK.
    pub(crate) input: BytesMut,
    pub(crate) session_present: bool,
    pub(crate) terms: Terms,
    /// The smaller of our limit and the broker's.
    pub(crate) max_outgoing_bytes: u32,
}

pub(crate) async fn connect(
    options: &LinkOptions,
    stats: &Arc<LinkStats>,
    clean_start: bool,
    will: Option<Will>,
) -> Result<Accepted, DisconnectReason> {
    let limit = Limit { deadline: Instant::now() + options.connect_timeout, length: options.connect_timeout };
    let mut stream = open_stream(options, stats, limit).await?;

    let mut output = BytesMut::new();
    codec::encode(&connect_packet(options, clean_start, will), &mut output)?;
    let mut input = BytesMut::new();
    let connack = limit
        .hold(Awaited::ConnAck, async {
            stream.write_all(&output).await.map_err(DisconnectReason::Io)?;
            stream.flush().await.map_err(DisconnectReason::Io)?;
            read_connack(&mut stream, &mut input, options.max_packet_bytes).await
        })
        .await??;
    accepted(options, stream, input, connack)
}

/// One deadline over several steps.
#[derive(Clone, Copy)]
struct Limit {
    deadline: Instant,
    length: Duration,
}

impl Limit {
    async fn hold<T>(
        self,
        waiting_for: Awaited,
        step: impl Future<Output = T>,
    ) -> Result<T, DisconnectReason> {
        timeout_at(self.deadline, step)
            .await
            .map_err(|_elapsed| DisconnectReason::TimedOut { waiting_for, limit: self.length })
    }
}

async fn open_stream(
    options: &LinkOptions,
    stats: &Arc<LinkStats>,
    limit: Limit,
) -> Result<Box<dyn ByteStream>, DisconnectReason> {
    let stream = limit
        .hold(Awaited::Stream, options.dial.dial(limit.deadline))
        .await?
        .map_err(|source| DisconnectReason::Unreachable { address: options.address.clone(), source })?;
    let stream = Metered::new(stream, Arc::clone(stats));
    let Some(tls) = &options.tls else { return Ok(Box::new(stream)) };

    let handshake = TlsConnector::from(Arc::clone(&tls.config)).connect(tls.server_name.clone(), stream);
    let stream = limit.hold(Awaited::TlsHandshake, handshake).await?.map_err(|source| {
        DisconnectReason::Tls { server_name: tls.server_name.to_str().into_owned(), source }
    })?;
    Ok(Box::new(stream))
}

/// CONNECT, which offers no topic aliases and asks for no subscription identifiers.
fn connect_packet(options: &LinkOptions, clean_start: bool, will: Option<Will>) -> Packet {
    let properties = ConnectProperties {
        session_expiry_interval: Some(whole_seconds(options.session_expiry)),
        receive_maximum: Some(options.receive_maximum),
        max_packet_size: Some(options.max_packet_bytes),
        ..ConnectProperties::new()
    };
    let connect = Connect {
        keep_alive: u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX),
        client_id: options.client_id.clone(),
        clean_start,
        properties: Some(properties),
    };
    let will = will.map(|will| LastWill {
        topic: Bytes::from(will.topic),
        message: will.payload,
        qos: will.qos.into(),
        retain: will.retain,
        properties: (!will.delay.is_zero()).then(|| LastWillProperties {
            delay_interval: Some(whole_seconds(will.delay)),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        }),
    });
    let login = options
        .credentials
        .as_ref()
        .map(|credentials| Login::new(credentials.user.as_str(), credentials.password.0.as_str()));
    Packet::Connect(connect, will, login)
}

async fn read_connack(
    stream: &mut Box<dyn ByteStream>,
    input: &mut BytesMut,
    max_bytes: u32,
) -> Result<ConnAck, DisconnectReason> {
    loop {
        match codec::decode(input, max_bytes)? {
            Some(Packet::ConnAck(connack)) => return Ok(connack),
            Some(_) => return Err(DisconnectReason::Protocol { what: "first packet is no CONNACK" }),
            None => {}
        }
        if stream.read_buf(input).await.map_err(closed_or_failed)? == 0 {
            return Err(DisconnectReason::ClosedByPeer);
        }
    }
}

/// A broker that closes TLS without its closing alert is closed all the same.
pub(crate) fn closed_or_failed(error: io::Error) -> DisconnectReason {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        DisconnectReason::ClosedByPeer
    } else {
        DisconnectReason::Io(error)
    }
}

fn accepted(
    options: &LinkOptions,
    stream: Box<dyn ByteStream>,
    input: BytesMut,
    connack: ConnAck,
) -> Result<Accepted, DisconnectReason> {
    let properties = connack.properties;
    if connack.code != ConnectReturnCode::Success {
        let detail = properties.and_then(|properties| properties.reason_string);
        return Err(DisconnectReason::Refused { reason: connack.code.into(), detail });
    }
    let mut terms = Terms {
        keep_alive: options.keep_alive,
        answer_timeout: options.answer_timeout(),
        ack_timeout: options.ack_timeout,
        inflight: options.inflight,
        receive_maximum: options.receive_maximum,
        manual_acks: options.manual_acks,
    };
    let mut max_outgoing_bytes = options.max_packet_bytes;
    if let Some(properties) = properties {
        if properties.max_qos == Some(0) {
            return Err(DisconnectReason::Unsuitable { what: "QoS 1" });
        }
        if properties.retain_available == Some(0) {
            return Err(DisconnectReason::Unsuitable { what: "retained messages" });
        }
        if let Some(seconds) = properties.server_keep_alive.filter(|seconds| *seconds > 0) {
            terms.keep_alive = Duration::from_secs(seconds.into());
        }
        if let Some(maximum) = properties.receive_max.filter(|maximum| *maximum > 0) {
            terms.inflight = terms.inflight.min(maximum);
        }
        if let Some(bytes) = properties.max_packet_size {
            max_outgoing_bytes = max_outgoing_bytes.min(bytes);
        }
    }
    Ok(Accepted { stream, input, session_present: connack.session_present, terms, max_outgoing_bytes })
}
