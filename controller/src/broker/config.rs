//! What the broker listens on, and its limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use loa_protocol::ids::TenantId;
use rmqtt::net::{Builder, Listener};

use super::BrokerError;
use crate::identity::BrokerCertificate;

/// Longer than any message lives; see the module's quirks.
const MESSAGE_EXPIRY: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What the broker listens on.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// The installation: all topics are below `loa/1/{tenant}/`.
    pub tenant: TenantId,
    /// Where nodes connect; port 0 takes a free one.
    pub nodes_addr: SocketAddr,
    /// The broker's certificate, and the CA of the nodes'.
    pub tls: BrokerTls,
    /// Queues and sizes.
    pub limits: BrokerLimits,
}

/// PEM files; rmqtt takes paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerTls {
    /// The broker's certificate.
    pub chain_path: PathBuf,
    /// Its key.
    pub key_path: PathBuf,
    /// The CA that a node's certificate must come from.
    pub client_ca_path: PathBuf,
}

impl From<BrokerCertificate> for BrokerTls {
    fn from(made: BrokerCertificate) -> Self {
        Self { chain_path: made.chain_path, key_path: made.key_path, client_ca_path: made.client_ca_path }
    }
}

/// Bounds of queues. A full queue drops QoS 0 messages that come, and the oldest QoS 1 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerLimits {
    /// Largest MQTT packet in either direction, in bytes. The protocol's largest message has 256 KiB.
    pub max_packet_bytes: u32,
    /// Messages queued for one session of a node, connected or not; of audio never more, of all else more while the connection
    /// stands. Counted, not weighed: with blocks of 16 KiB, 512 are 8 MiB. The bytes of a block that waits for many are there once.
    pub node_queue: usize,
    /// Messages queued for the controller's own client.
    pub controller_queue: usize,
    /// QoS 1 messages on their way to one node at a time.
    pub node_inflight: NonZeroU16,
    /// How long a session may outlive its connection: as long as an emergency may be late, no longer.
    pub max_session_expiry: Duration,
    /// Sessions of all clients together.
    pub max_sessions: isize,
    /// MQTT handshakes at a time.
    pub max_handshakes: usize,
    /// How long a TLS or MQTT handshake may take: over a bad 2G link, seconds.
    pub handshake_timeout: Duration,
    /// How long one packet may take to leave, before the connection is ended with all that waits for it: 256 KiB at 50 kbit/s
    /// take 42 s.
    pub send_timeout: Duration,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            max_packet_bytes: 512 * 1024,
            node_queue: 512,
            controller_queue: 100_000,
            node_inflight: NonZeroU16::MIN.saturating_add(15),
            max_session_expiry: Duration::from_secs(600),
            max_sessions: 50_000,
            max_handshakes: 500,
            handshake_timeout: Duration::from_secs(20),
            send_timeout: Duration::from_secs(60),
        }
    }
}

pub(super) fn nodes_builder(config: &BrokerConfig) -> Builder {
    let limits = &config.limits;
    let path = |p: &PathBuf| Some(p.to_string_lossy().into_owned());
    common(limits)
        .name("nodes")
        .laddr(config.nodes_addr)
        .max_mqueue_len(limits.node_queue)
        .max_inflight(limits.node_inflight)
        .allow_zero_keepalive(false)
        .tls_cross_certificate(true)
        .cert_cn_as_username(true)
        .collect_cert_info(true)
        .tls_cert(path(&config.tls.chain_path))
        .tls_key(path(&config.tls.key_path))
        .tls_client_ca_certs(path(&config.tls.client_ca_path))
}

pub(super) fn local_builder(limits: &BrokerLimits) -> Builder {
    common(limits)
        .name("controller")
        .laddr((Ipv4Addr::LOCALHOST, 0).into())
        .max_mqueue_len(limits.controller_queue)
        .max_inflight(NonZeroU16::MIN.saturating_add(1023))
}

fn common(limits: &BrokerLimits) -> Builder {
    Builder::new()
        .nodelay(true)
        .reuseaddr(Some(true))
        .allow_anonymous(false)
        .max_packet_size(limits.max_packet_bytes)
        .max_clientid_len(128)
        .max_topic_levels(8)
        .max_subscriptions(256)
        .max_handshaking_limit(limits.max_handshakes)
        .handshake_timeout(limits.handshake_timeout)
        .send_timeout(limits.send_timeout)
        .max_session_expiry_interval(limits.max_session_expiry)
        .message_expiry_interval(MESSAGE_EXPIRY)
}

pub(super) fn bind(builder: Builder, who: &'static str, addr: SocketAddr) -> Result<Listener, BrokerError> {
    builder.bind().map_err(|e| listen_error(who, addr, e))
}

pub(super) fn listen_error(listener: &'static str, addr: SocketAddr, error: rmqtt::Error) -> BrokerError {
    let in_use =
        error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::AddrInUse);
    let source = error.into();
    if in_use {
        BrokerError::PortInUse { listener, addr, source }
    } else {
        BrokerError::Listen { listener, addr, source }
    }
}
