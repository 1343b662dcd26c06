//! What a link tells its owner: one closed enum.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;

use crate::Qos;
use crate::handle::AckToken;
use crate::reason::ReasonCode;

/// What happened on the link, in the order in which it happened.
///
/// For each connection attempt: `Connected` (when the broker accepts), then any number of the others, then exactly one
/// `Disconnected`. An attempt that fails early gives `Disconnected` alone. A link that is closed or dropped gives
/// nothing more; the receiver then returns `None`.
#[derive(Debug)]
pub enum LinkEvent {
    /// The broker accepted the connection. Publishing is possible from here on; subscriptions are being set up.
    Connected {
        /// Whether the broker says it kept a session of this client. **Proof of nothing**: measured, four of five
        /// broker set-ups say so after losing messages that they had acknowledged. Compare digests instead.
        session_present: bool,
        /// Number of this connection attempt, from 1, the same that the will factory got.
        conn_seq: u64,
        /// The largest PUBLISH packet, in bytes, that both sides accept on this connection.
        max_packet_bytes: u32,
    },
    /// The broker answered a SUBSCRIBE.
    Subscribed {
        /// Filters that stand.
        granted: Vec<String>,
        /// Filters that the broker refused for the first time on this connection. They are tried again, after a quarter of a
        /// minute and then ever less often, and at the next connection; when one is granted at last, it says so.
        refused: Vec<RefusedFilter>,
    },
    /// A message arrived.
    Message(Message),
    /// The broker took a QoS 1 publication (PUBACK). **Not proof of delivery**: nobody may be subscribed, and a broker
    /// that is killed loses acknowledged messages. It paces an outbox; only the receiver's own answer empties it.
    Acked {
        /// The token given to `try_publish`.
        token: u64,
    },
    /// The broker refused a QoS 1 publication (PUBACK with an error): not authorized, quota exceeded and the like.
    /// Sending the same again at once will be refused again.
    Rejected {
        /// The token given to `try_publish`.
        token: u64,
        /// Why.
        reason: ReasonCode,
    },
    /// The attempt or the connection ended. The next attempt comes after `retry_in`, or at once by `nudge`.
    Disconnected {
        /// Number of the attempt that ended.
        conn_seq: u64,
        /// Why.
        reason: DisconnectReason,
        /// How long the link waits before the next attempt.
        retry_in: Duration,
        /// Tokens of QoS 1 publications that were accepted by `try_publish` on this connection and not answered. The
        /// link forgets them: some may have reached the broker, some not. Offer them again after `Connected`.
        unacked: Vec<u64>,
    },
}

/// A message from the broker.
#[derive(Debug)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload. Shares memory with the link's read buffer; copy what is kept for long.
    pub payload: Bytes,
    /// Whether it is the retained message, sent because of a subscription, rather than one just published.
    pub retain: bool,
    /// Level at which it was sent to this client.
    pub qos: Qos,
    /// With `manual_acks`, and QoS 1: give it to [`LinkHandle::ack`](crate::LinkHandle::ack) after the message is
    /// safely stored. `None` otherwise: then the link acknowledges when the event is in the owner's channel.
    pub ack: Option<AckToken>,
}

/// A topic filter that the broker refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFilter {
    /// The filter.
    pub filter: String,
    /// Why.
    pub reason: ReasonCode,
}

/// Why an attempt or a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectReason {
    /// No byte stream to the broker: name not resolved, connection refused, no route.
    #[error("cannot reach the broker at {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The TLS handshake failed: certificate expired, wrong name, unknown CA, or our own certificate not accepted.
    #[error("TLS handshake with {server_name} failed")]
    Tls {
        /// The name that the certificate had to carry.
        server_name: String,
        /// What TLS says.
        #[source]
        source: io::Error,
    },
    /// The broker answered CONNECT with a refusal.
    #[error("the broker refused the connection: {reason}{}", in_its_words(.detail))]
    Refused {
        /// Why.
        reason: ReasonCode,
        /// The broker's own words, where it gives any.
        detail: Option<String>,
    },
    /// The broker cannot do what this product needs.
    #[error("the broker does not support {what}; use one that implements MQTT 5 fully")]
    Unsuitable {
        /// What it lacks.
        what: &'static str,
    },
    /// An answer did not come in time.
    #[error("no {waiting_for} within {} s", .limit.as_secs())]
    TimedOut {
        /// What did not come.
        waiting_for: Awaited,
        /// The limit.
        limit: Duration,
    },
    /// The stream failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The peer closed the stream without a word.
    #[error("the broker closed the connection")]
    ClosedByPeer,
    /// The broker ended the connection with a DISCONNECT packet.
    #[error("the broker ended the connection: {reason}{}", in_its_words(.detail))]
    ServerDisconnect {
        /// Why. [`ReasonCode::SESSION_TAKEN_OVER`] means that two clients use the same client id.
        reason: ReasonCode,
        /// The broker's own words, where it gives any.
        detail: Option<String>,
    },
    /// The broker sent bytes that are no MQTT 5 packet, or one larger than `max_packet_bytes`.
    #[error("the broker sent a malformed or oversized packet")]
    Malformed(#[source] Box<dyn Error + Send + Sync>),
    /// The broker sent a packet that does not belong there.
    #[error("the broker broke the protocol: {what}")]
    Protocol {
        /// What it did.
        what: &'static str,
    },
}

/// What a link was waiting for when it gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The byte stream (name resolution and TCP).
    Stream,
    /// The end of the TLS handshake.
    TlsHandshake,
    /// The broker's CONNACK.
    ConnAck,
    /// The broker's SUBACK or UNSUBACK.
    SubAck,
    /// The broker's PUBACK.
    PubAck,
    /// Any byte after a ping.
    Pulse,
    /// The network taking our bytes.
    WriteProgress,
}

impl fmt::Display for Awaited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stream => "connection to the broker",
            Self::TlsHandshake => "end of the TLS handshake",
            Self::ConnAck => "answer to CONNECT",
            Self::SubAck => "answer to SUBSCRIBE or UNSUBSCRIBE",
            Self::PubAck => "answer to PUBLISH",
            Self::Pulse => "byte from the broker after a ping",
            Self::WriteProgress => "progress in sending",
        })
    }
}

fn in_its_words(detail: &Option<String>) -> String {
    detail.as_ref().map_or_else(String::new, |words| format!(" ({words:?})"))
}
