//! The embedded broker alone, as a program of its own: what the product is compared with. Same listeners, same TLS, same rules and
//! hooks; nobody behind it but a counter.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use loa_controller::broker::{AccessPolicy, BrokerConfig, BrokerLimits, CONTROLLER_NAME, EmbeddedBroker};
use loa_controller::identity::Authority;
use loa_controller::services::Clock;
use loa_link::{Credentials, Link, LinkEvent, LinkHandle, LinkOptions, Secret};
use loa_tests::program;
use loa_tests::station::tenant;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

/// The area of all clients.
pub(crate) const AREA: &str = "lam-dong";

/// Reports that the counter may be behind, as with the controller.
const INCOMING_CAPACITY: usize = 4096;

/// Every node that has a certificate stands in one area.
struct Everybody(Arc<[String]>);

impl AccessPolicy for Everybody {
    fn node_areas(&self, _: &str, _: &str) -> Option<Arc<[String]>> {
        Some(Arc::clone(&self.0))
    }
}

/// Runs it until its input ends. Prints where it listens for nodes and for its owner, the owner's password, and a line whenever
/// `expect` messages of nodes have arrived.
pub(crate) async fn serve(authority: &Path, expect: u64) -> Result<()> {
    loa_tests::tls::choose_ring();
    let clock = Clock::machine();
    let authority = Authority::open_or_create(authority, clock.now())?;
    let config = BrokerConfig {
        tenant: tenant()?,
        nodes_addr: "127.0.0.1:0".parse()?,
        tls: authority.broker_certificate(&["127.0.0.1".to_owned()], clock.now())?.into(),
        limits: BrokerLimits::default(),
    };
    let (incoming, mut arrived) = mpsc::channel(INCOMING_CAPACITY);
    let policy = Arc::new(Everybody(Arc::from([AREA.to_owned()])));
    let broker = EmbeddedBroker::start(config, policy, incoming).await?;
    println!("{} {} {}", broker.nodes_addr(), broker.controller_addr(), broker.controller_login().password);
    let counting = tokio::spawn(async move {
        let mut count = 0;
        while arrived.recv().await.is_some() {
            count += 1;
            if count % expect.max(1) == 0 {
                println!("arrived");
            }
        }
    });
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    counting.abort();
    broker.shutdown().await;
    Ok(())
}

/// A raw broker that runs.
pub(crate) struct RawBroker {
    /// Where nodes connect.
    pub(crate) nodes: SocketAddr,
    /// Where its owner connects, and by which password.
    owner: (SocketAddr, String),
    said: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl RawBroker {
    /// Starts one for the certificates of an authority; see [`serve`].
    pub(crate) async fn start(authority: PathBuf, expect: u64) -> Result<Self> {
        let mut child = Command::new(program::path("loa-bench")?)
            .args(["raw-broker", "--expect", &expect.to_string(), "--authority"])
            .arg(authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the raw broker")?;
        let mut said = BufReader::new(child.stdout.take().context("its output")?).lines();
        let line = said.next_line().await?.context("the raw broker ended")?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [nodes, owner, password] = words[..] else { bail!("the raw broker said {line:?}") };
        let address = |text: &str| text.parse().context("reading where the raw broker listens");
        let owner = (address(owner)?, password.to_owned());
        Ok(Self { nodes: address(nodes)?, owner, said, _child: child })
    }

    /// A connection as the controller's own, over which may be published; it stands when this returns. The receiver must be kept.
    pub(crate) async fn owner(&self) -> Result<(LinkHandle, mpsc::Receiver<LinkEvent>)> {
        let (address, password) = &self.owner;
        let credentials =
            Credentials { user: CONTROLLER_NAME.to_owned(), password: Secret::new(password.clone()) };
        let options = LinkOptions {
            credentials: Some(credentials),
            ..LinkOptions::new(CONTROLLER_NAME, address.ip().to_string(), address.port())
        };
        let (link, mut events) = Link::spawn(options)?;
        match events.recv().await {
            Some(LinkEvent::Connected { .. }) => Ok((link, events)),
            other => bail!("the raw broker does not take its owner: {other:?}"),
        }
    }

    /// Waits until as many messages as expected have arrived.
    pub(crate) async fn arrived(&mut self) -> Result<()> {
        let line = self.said.next_line().await?.context("the raw broker ended")?;
        anyhow::ensure!(line == "arrived", "the raw broker said {line:?}");
        Ok(())
    }
}
