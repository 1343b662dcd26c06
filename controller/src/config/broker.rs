//! The MQTT broker between the controller and its nodes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::Secret;

/// Which broker carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerMode {
    /// The broker inside this program: one machine, no other service.
    Embedded,
    /// A broker that stands elsewhere, reached at `broker.url`.
    External,
}

/// The broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerConfig {
    /// Embedded or external.
    pub mode: BrokerMode,
    /// Embedded: address and port for the nodes (mutual TLS); port 0 takes a free one.
    pub listen: SocketAddr,
    /// Host name or address at which nodes reach the broker; it stands in the broker's certificate.
    pub public_host: String,
    /// Port at which nodes reach the broker; 0: the port that it listens on.
    pub public_port: u16,
    /// External: `mqtts://host:8883` or `mqtt://host:1883`.
    pub url: String,
    /// External: user name of the controller.
    pub username: String,
    /// External: its password.
    pub password: Secret,
    /// External: PEM file of the authority that signed the broker's certificate; empty: this controller's own.
    pub ca_file: PathBuf,
    /// External: folder for what that broker reads: `ca.pem`, `broker.pem`, `broker.key`, `revoked.crl`; empty: none.
    pub files_dir: PathBuf,
    /// Largest MQTT packet accepted, in bytes.
    pub packet_max_bytes: u32,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            mode: BrokerMode::Embedded,
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8883)),
            public_host: "localhost".to_owned(),
            public_port: 0,
            url: String::new(),
            username: String::new(),
            password: Secret::default(),
            ca_file: PathBuf::new(),
            files_dir: PathBuf::new(),
            packet_max_bytes: 1024 * 1024,
        }
    }
}
