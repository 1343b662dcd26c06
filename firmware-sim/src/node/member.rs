//! Who a simulated node is, and where its broker is.

use std::sync::Arc;

use loa_link::{ClientIdentity, Dial, TcpDial, TlsOptions, TlsSetupError};
use loa_node::device_key::{DeviceKey, DeviceKeyError};

use crate::board_sim::clock::SimClock;

/// A node's identity, with what it needs to connect.
#[derive(Clone, Debug)]
pub struct Member {
    /// Tenant, node, place and root.
    pub identity: loa_node_core::Identity,
    /// The key set that came with the enrolment, in its envelope.
    pub key_set: Option<Vec<u8>>,
    /// With which it signs its receipts.
    pub device_key: Arc<DeviceKey>,
    /// Where to connect.
    pub broker: Broker,
}

/// Why an enrolment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Its certificates and key serve no connection.
    #[error("certificates and key from the enrolment cannot be used for TLS")]
    Tls(#[from] TlsSetupError),
    /// Nothing can be signed with its key.
    #[error(transparent)]
    DeviceKey(#[from] DeviceKeyError),
}

/// Where to connect, and how.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Host and port, for messages.
    pub address: String,
    /// How to reach it.
    pub dial: Arc<dyn Dial>,
    /// Mutual TLS; `None`: plaintext, for a test broker.
    pub tls: Option<TlsOptions>,
}

/// How to reach the broker of an enrolment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// As the enrolment says.
    #[default]
    AsEnrolled,
    /// By TLS at another host and port; the certificate must still carry the enrolment's broker name.
    Tls(String, u16),
    /// By plaintext at a host and port: a test broker on this machine.
    Plain(String, u16),
}

impl Broker {
    /// A broker by TCP.
    #[must_use]
    pub fn tcp(host: &str, port: u16, tls: Option<TlsOptions>) -> Self {
        Self { address: format!("{host}:{port}"), dial: Arc::new(TcpDial::new(host, port)), tls }
    }
}

impl Member {
    /// The node of an enrolment.
    ///
    /// # Errors
    /// [`MemberError`] where certificates or key cannot be used.
    pub fn enrolled(
        identity: &loa_node::identity::Identity,
        reach: &Reach,
        clock: &Arc<SimClock>,
    ) -> Result<Self, MemberError> {
        let broker = match reach {
            Reach::AsEnrolled => {
                Broker::tcp(&identity.broker_host, identity.broker_port, Some(tls(identity, clock)?))
            }
            Reach::Tls(host, port) => Broker::tcp(host, *port, Some(tls(identity, clock)?)),
            Reach::Plain(host, port) => Broker::tcp(host, *port, None),
        };
        Ok(Self {
            identity: loa_node_core::Identity {
                tenant: identity.tenant.clone(),
                node: identity.node.clone(),
                path: identity.path.clone(),
                root: identity.root,
            },
            key_set: Some(identity.key_set.clone()),
            device_key: Arc::new(DeviceKey::of(identity)?),
            broker,
        })
    }
}

fn tls(identity: &loa_node::identity::Identity, clock: &Arc<SimClock>) -> Result<TlsOptions, TlsSetupError> {
    let own = ClientIdentity {
        chain_pem: identity.certificate_chain_pem.as_bytes(),
        key_pem: identity.private_key_pem.as_bytes(),
    };
    let config = loa_link::client_config(identity.ca_pem.as_bytes(), Some(own), clock.for_tls())?;
    TlsOptions::new(config, &identity.broker_name)
}
