//! Everything that a link must be told before it starts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::backoff::Backoff;
use crate::dial::{Dial, TcpDial};
use crate::publication::{MAX_FIELD_BYTES, Qos, valid_filter, valid_topic};
use crate::tls::TlsOptions;

/// Makes the last will of one connection attempt from its number (`conn_seq`, from 1 in each link: an owner that starts
/// several links in one boot adds an offset of its own).
pub type WillFactory = Box<dyn FnMut(u64) -> Option<Will> + Send + Sync>;

/// Gives random numbers in `[0, 1)` for the jitter of the back-off.
pub type Jitter = Box<dyn FnMut() -> f64 + Send + Sync>;

/// Settings of one link. Make it by [`LinkOptions::new`] and change the fields that matter.
pub struct LinkOptions {
    /// MQTT client id: unique at the broker, or two clients take over from one another for ever.
    pub client_id: String,
    /// How to open a byte stream; by default TCP to the host and port given to `new`.
    pub dial: Arc<dyn Dial>,
    /// Host and port for messages to people.
    pub address: String,
    /// TLS over that stream; `None` = plain, for a broker in the same process or machine.
    pub tls: Option<TlsOptions>,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// The link sends something at least this often, and hears something, or it gives the connection up. The broker
    /// may command another value. Default 60 s, at least 1 s, at most 65,535 s.
    pub keep_alive: Duration,
    /// Limit for stream, TLS handshake and CONNACK together. Default 20 s.
    pub connect_timeout: Duration,
    /// Limit for the answer to a PUBLISH, SUBSCRIBE or UNSUBSCRIBE, after which the connection is rebuilt. Generous by
    /// default (120 s), because on a thin network the answer waits behind our own bytes.
    pub ack_timeout: Duration,
    /// How long a connection must stand, subscriptions granted, until the back-off starts from its beginning again.
    /// Default 60 s.
    pub stable_after: Duration,
    /// Largest MQTT packet in both directions, in bytes. Default 512 KiB.
    pub max_packet_bytes: u32,
    /// When to ask the broker to forget this client's session.
    pub clean_start: CleanStart,
    /// How long the broker keeps the session of a client that is away. Zero: it ends with the connection.
    pub session_expiry: Duration,
    /// Last will of each attempt; see [`Will`].
    pub will: Option<WillFactory>,
    /// QoS 1 publications under way at a time; the broker may command fewer. Default 16.
    pub inflight: u16,
    /// QoS 1 messages that the broker may send before the first is acknowledged. Default 16.
    pub receive_maximum: u16,
    /// Publications that wait to be sent, by count. Full: `try_publish` refuses. Default 32.
    pub queue_messages: usize,
    /// Publications that wait to be sent, by bytes on the wire; one message always fits. Default 1 MiB.
    pub queue_bytes: usize,
    /// Events that wait for the owner. Full: the link stops reading (see the crate's top). Default 16; together they hold
    /// at most this many messages of `max_packet_bytes`, so an owner of large messages chooses few.
    pub event_capacity: usize,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// Where the back-off takes its randomness from.
    pub jitter: Jitter,
    /// Topic filters to hold from the beginning; they change by [`LinkHandle`](crate::LinkHandle).
    pub subscriptions: Vec<(String, Qos)>,
    /// `false` (default): a QoS 1 message is acknowledged when its event is in the owner's channel. Enough where what
    /// arrives is compared by digest afterwards (desired and reported). `true`: only on
    /// [`LinkHandle::ack`](crate::LinkHandle::ack), for an owner that must have it in its database first.
    pub manual_acks: bool,
}

impl LinkOptions {
    /// A plain TCP link with the defaults that the fields name.
    pub fn new(client_id: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self {
            client_id: client_id.into(),
            address: format!("{host}:{port}"),
            dial: Arc::new(TcpDial::new(host, port)),
            tls: None,
            credentials: None,
            keep_alive: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(20),
            ack_timeout: Duration::from_secs(120),
            stable_after: Duration::from_secs(60),
            max_packet_bytes: 512 * 1024,
            clean_start: CleanStart::Always,
            session_expiry: Duration::ZERO,
            will: None,
            inflight: 16,
            receive_maximum: 16,
            queue_messages: 32,
            queue_bytes: 1024 * 1024,
            event_capacity: 16,
            backoff: Backoff::default(),
            jitter: Box::new(rand::random::<f64>),
            subscriptions: Vec::new(),
            manual_acks: false,
        }
    }

    /// How long the link waits for a sign of life after a ping, and for progress in sending: `connect_timeout` + 5 s.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.connect_timeout + Duration::from_secs(5)
    }

    /// The filters to begin with.
    pub(crate) fn filters(&self) -> BTreeMap<String, Qos> {
        self.subscriptions.iter().cloned().collect()
    }

    pub(crate) fn validate(&self) -> Result<(), OptionsError> {
        let id_bytes = self.client_id.len();
        if id_bytes == 0 || id_bytes > MAX_FIELD_BYTES || self.client_id.contains('\0') {
            return Err(OptionsError::ClientId { id_bytes });
        }
        if let Some(credentials) = &self.credentials
            && (credentials.user.len() > MAX_FIELD_BYTES || credentials.password.0.len() > MAX_FIELD_BYTES)
        {
            return Err(OptionsError::Credentials);
        }
        if self.keep_alive < Duration::from_secs(1) || self.keep_alive > Duration::from_secs(65_535) {
            return Err(OptionsError::KeepAlive { given: self.keep_alive });
        }
        for (name, is_zero) in [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("ack_timeout", self.ack_timeout.is_zero()),
            ("inflight", self.inflight == 0),
            ("receive_maximum", self.receive_maximum == 0),
            ("queue_messages", self.queue_messages == 0),
            ("queue_bytes", self.queue_bytes == 0),
            ("event_capacity", self.event_capacity == 0),
            ("backoff.min", self.backoff.min.is_zero()),
        ] {
            if is_zero {
                return Err(OptionsError::Zero { name });
            }
        }
        if self.max_packet_bytes < 1024 {
            return Err(OptionsError::MaxPacket { given: self.max_packet_bytes });
        }
        match self.subscriptions.iter().find(|(filter, _)| !valid_filter(filter)) {
            Some((filter, _)) => Err(OptionsError::Filter(InvalidFilter { filter: filter.clone() })),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for LinkOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LinkOptions")
            .field("client_id", &self.client_id)
            .field("address", &self.address)
            .field("tls", &self.tls)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// When the broker is asked to forget this client's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanStart {
    /// At every connection.
    Always,
    /// Until the first connection stands, then never: a restarted process starts without subscriptions that an earlier
    /// one left behind, and keeps its session through network failures.
    FirstConnection,
    /// Never.
    Never,
}

/// User name and password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// A text that must not be printed.
#[derive(Clone)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// Takes the secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What the broker publishes when this client is lost without a DISCONNECT.
///
/// It belongs to one connection attempt: put `conn_seq` into the payload, and a receiver can tell the death of this
/// connection from the late death of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Topic name.
    pub topic: String,
    /// Payload, at most 65,535 bytes.
    pub payload: Bytes,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// Level.
    pub qos: Qos,
    /// How long the broker waits for this client to come back before it publishes the will. Works only as far as
    /// `session_expiry` reaches.
    pub delay: Duration,
}

impl Will {
    /// A retained QoS 1 will, published at once.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            retain: true,
            qos: Qos::AtLeastOnce,
            delay: Duration::ZERO,
        }
    }

    /// Whether MQTT can carry it.
    pub(crate) fn is_valid(&self) -> bool {
        valid_topic(&self.topic) && self.payload.len() <= MAX_FIELD_BYTES
    }
}

/// A text that is no topic filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{filter:?} is no topic filter: it must not be empty or hold NUL, + must fill a level, # must be the last level"
)]
pub struct InvalidFilter {
    /// What was given.
    pub filter: String,
}

/// Why a link cannot start with these options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Client id empty, too long, or with NUL.
    #[error("the client id must have 1 to 65,535 bytes and no NUL; it has {id_bytes} bytes")]
    ClientId {
        /// Its length.
        id_bytes: usize,
    },
    /// User name or password too long.
    #[error("user name and password may have at most 65,535 bytes")]
    Credentials,
    /// Keep-alive out of range.
    #[error("keep_alive must be between 1 and 65,535 s, not {given:?}")]
    KeepAlive {
        /// What was given.
        given: Duration,
    },
    /// Packet limit too small for the protocol's own packets.
    #[error("max_packet_bytes must be at least 1024, not {given}")]
    MaxPacket {
        /// What was given.
        given: u32,
    },
    /// A setting that must be positive is zero.
    #[error("{name} must be greater than zero")]
    Zero {
        /// The setting.
        name: &'static str,
    },
    /// A subscription that is no filter.
    #[error("a subscription cannot be used")]
    Filter(#[source] InvalidFilter),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut LinkOptions)) -> OptionsError {
        let mut options = LinkOptions::new("node-1", "127.0.0.1", 1883);
        change(&mut options);
        options.validate().unwrap_err()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(LinkOptions::new("node-1", "127.0.0.1", 1883).validate(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        assert_eq!(refused(|options| options.client_id.clear()), OptionsError::ClientId { id_bytes: 0 });
        assert_eq!(refused(|options| options.inflight = 0), OptionsError::Zero { name: "inflight" });
        assert_eq!(refused(|options| options.max_packet_bytes = 0), OptionsError::MaxPacket { given: 0 });
        assert!(matches!(
            refused(|options| options.keep_alive = Duration::ZERO),
            OptionsError::KeepAlive { .. }
        ));
        assert!(matches!(
            refused(|options| options.subscriptions = vec![("a/#/b".to_owned(), Qos::AtLeastOnce)]),
            OptionsError::Filter(InvalidFilter { filter }) if filter == "a/#/b"
        ));
    }

    #[test]
    fn a_password_is_never_printed() {
        let mut options = LinkOptions::new("node-1", "127.0.0.1", 1883);
        options.credentials =
            Some(Credentials { user: "controller".to_owned(), password: Secret::new("bí mật") });
        let printed = format!("{options:?}");
        assert!(printed.contains("controller") && !printed.contains("bí mật"), "{printed}");
    }
}
