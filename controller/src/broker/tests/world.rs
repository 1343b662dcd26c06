//! An authority, a broker and its nodes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use loa_protocol::ids::{NodeId, TenantId};
use loa_protocol::time::UnixMs;
use loa_test_broker::{Client, Hello, Identity, NotConnected, Stream};
use rcgen::{CertificateParams, KeyPair};
use rumqttc::v5::mqttbytes::v5::Login;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::broker::{
    AccessPolicy, BrokerConfig, BrokerError, BrokerLimits, BrokerTls, EmbeddedBroker, Incoming,
};
use crate::identity::{Authority, BROKER_NAME, NodeCertificate};

/// The controller's knowledge of nodes, in memory. It takes any certificate of a node: which one is the present one is
/// asked of the real table in `certificates.rs`.
#[derive(Default)]
pub(super) struct Policy {
    areas: Mutex<HashMap<String, Arc<[String]>>>,
}

impl Policy {
    pub(super) fn place(&self, node: &str, areas: &[&str]) {
        let areas = areas.iter().map(|area| (*area).to_owned()).collect();
        self.areas.lock().unwrap().insert(node.to_owned(), areas);
    }

    pub(super) fn revoke(&self, node: &str) {
        self.areas.lock().unwrap().remove(node);
    }
}

impl AccessPolicy for Policy {
    fn node_areas(&self, node: &str, _serial: &str) -> Option<Arc<[String]>> {
        self.areas.lock().unwrap().get(node).cloned()
    }
}

pub(super) fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

pub(super) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMs(i64::try_from(since.as_millis()).unwrap())
}

/// One installation. Nodes `n-1` and `n-2` are in the village `da-dong`, `n-3` is elsewhere.
pub(super) struct World {
    pub(super) broker: EmbeddedBroker,
    pub(super) incoming: mpsc::Receiver<Incoming>,
    pub(super) policy: Arc<Policy>,
    pub(super) authority: Authority,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn start() -> Self {
        Self::with_channel(1024).await
    }

    /// With room for this many reports in the channel to the controller.
    pub(super) async fn with_channel(capacity: usize) -> Self {
        Self::with(capacity, BrokerLimits::default()).await
    }

    /// With other bounds.
    pub(super) async fn with_limits(limits: BrokerLimits) -> Self {
        Self::with(1024, limits).await
    }

    async fn with(capacity: usize, limits: BrokerLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open_or_create(folder.path(), now()).unwrap();
        let policy = Arc::new(Policy::default());
        policy.place("n-1", &["lam-dong", "da-dong"]);
        policy.place("n-2", &["lam-dong", "da-dong"]);
        policy.place("n-3", &["elsewhere"]);
        let (sender, incoming) = mpsc::channel(capacity);
        let broker = start_with(&authority, &policy, any_port(), sender, limits).await.unwrap();
        Self { broker, incoming, policy, authority, _folder: folder }
    }

    /// Ends the broker and starts another one for the same installation on the same port.
    pub(super) async fn restart(self) -> Self {
        let Self { broker, policy, authority, _folder, .. } = self;
        let addr = broker.nodes_addr();
        broker.shutdown().await;
        let (sender, incoming) = mpsc::channel(1024);
        let broker = start(&authority, &policy, addr, sender).await.unwrap();
        Self { broker, incoming, policy, authority, _folder }
    }

    /// A stream to the nodes' listener with the certificate of a node.
    pub(super) async fn stream(&self, id: &str) -> Result<Box<dyn Stream>, NotConnected> {
        let identity = identity(&self.authority, id);
        tls_stream(self.broker.nodes_addr(), &self.authority, Some(identity)).await
    }

    /// A node's control session.
    pub(super) async fn node(&self, id: &str) -> Client {
        self.try_node(id, Hello::client(id)).await.unwrap()
    }

    /// A session with a node's certificate.
    pub(super) async fn try_node(&self, id: &str, hello: Hello) -> Result<Client, NotConnected> {
        Client::connect(self.stream(id).await?, hello).await
    }

    /// The controller's own session.
    pub(super) async fn controller(&self) -> Client {
        let login = self.broker.controller_login();
        let login = Login::new(login.username, login.password.clone());
        self.try_local(Hello { login: Some(login), ..Hello::client("controller") }).await.unwrap()
    }

    /// What the broker keeps on a topic and has not expired.
    pub(super) async fn retained(&self, topic: &'static str) -> Vec<bytes::Bytes> {
        let retained = self.broker.context.extends.retain().await.get(&topic.into()).await.unwrap();
        retained.into_iter().map(|(_, retain)| retain.publish.payload.clone()).collect()
    }

    /// Sessions that the broker keeps, whether connected or not.
    pub(super) fn sessions(&self) -> isize {
        self.broker.context.sessions.count()
    }

    /// A session on the loopback listener.
    pub(super) async fn try_local(&self, hello: Hello) -> Result<Client, NotConnected> {
        let stream = TcpStream::connect(self.broker.controller_addr()).await.unwrap();
        Client::connect(Box::new(stream), hello).await
    }
}

pub(super) fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub(super) async fn start(
    authority: &Authority,
    policy: &Arc<impl AccessPolicy>,
    nodes_addr: SocketAddr,
    incoming: mpsc::Sender<Incoming>,
) -> Result<EmbeddedBroker, BrokerError> {
    start_with(authority, policy, nodes_addr, incoming, BrokerLimits::default()).await
}

async fn start_with(
    authority: &Authority,
    policy: &Arc<impl AccessPolicy>,
    nodes_addr: SocketAddr,
    incoming: mpsc::Sender<Incoming>,
    limits: BrokerLimits,
) -> Result<EmbeddedBroker, BrokerError> {
    let tls = BrokerTls::from(authority.broker_certificate(&[], now()).unwrap());
    let tenant = TenantId::new("t").unwrap();
    let config = BrokerConfig { tenant, nodes_addr, tls, limits };
    EmbeddedBroker::start(config, Arc::clone(policy) as Arc<dyn AccessPolicy>, incoming).await
}

/// Enrols a node: its key, its CSR, its certificate.
pub(super) fn identity(authority: &Authority, id: &str) -> Identity {
    certified(authority, id).0
}

/// The same, with what the authority says of the certificate.
pub(super) fn certified(authority: &Authority, id: &str) -> (Identity, NodeCertificate) {
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap();
    let made = authority.sign_csr(csr.der(), &node(id), now()).unwrap();
    (loa_test_broker::identity(&made.chain_pem, &key.serialize_pem()), made)
}

/// A TLS stream that trusts the authority and checks the broker's fixed name.
pub(super) async fn tls_stream(
    addr: SocketAddr,
    authority: &Authority,
    identity: Option<Identity>,
) -> Result<Box<dyn Stream>, NotConnected> {
    loa_test_broker::tls_stream(addr, authority.ca_pem(), BROKER_NAME, identity).await
}
