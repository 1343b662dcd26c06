//! Why the broker does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the broker does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Another program listens there.
    #[error(
        "the broker cannot listen for {listener} on {addr}: the port is in use. Another controller or MQTT broker runs on this machine: stop it (ss -ltnp shows which), or set broker.listen to a free port"
    )]
    PortInUse {
        /// Who was to connect there.
        listener: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address cannot be listened on for another reason.
    #[error(
        "the broker cannot listen for {listener} on {addr}; check that the address is one of this machine's, and that ports below 1024 are allowed"
    )]
    Listen {
        /// Who was to connect there.
        listener: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Certificate, key or CA cannot be used.
    #[error(
        "the broker cannot use its TLS files {}, {} and {}; they are made again from the CA at each start of the controller",
        chain.display(), key.display(), client_ca.display()
    )]
    Tls {
        /// The broker's certificate.
        chain: PathBuf,
        /// Its key.
        key: PathBuf,
        /// The CA of the nodes.
        client_ca: PathBuf,
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store for retained messages does not start.
    #[error("the broker's store for retained messages does not start")]
    Retainer {
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system gives no random numbers.
    #[error(
        "the system's random source failed; the controller's own client cannot be told from others without it"
    )]
    Random(#[source] getrandom::Error),
}
