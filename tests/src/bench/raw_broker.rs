//! The embedded broker alone, as a program of its own: what the product is compared with. Same listeners, same TLS, same rules and
//! hooks; nobody behind it but a counter.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use loa_controller::broker::{AccessPolicy, BrokerConfig, BrokerLimits, EmbeddedBroker};
use loa_controller::identity::Authority;
use loa_controller::services::Clock;
use loa_tests::program;
use loa_tests::station::tenant;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

/// The area of all clients.
const AREA: &str = "lam-dong";

/// Reports that the counter may be behind, as with the controller.
const INCOMING_CAPACITY: usize = 4096;

/// Every node that has a certificate stands in one area.
struct Everybody(Arc<[String]>);

impl AccessPolicy for Everybody {
    fn node_areas(&self, _: &str, _: &str) -> Option<Arc<[String]>> {
        Some(Arc::clone(&self.0))
    }
}

/// Runs it until its input ends. Prints where it listens for nodes, and a line whenever `expect` messages of nodes have
/// arrived.
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
    println!("{}", broker.nodes_addr());
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
        Ok(Self { nodes: line.parse().context("reading where the raw broker listens")?, said, _child: child })
    }

    /// Waits until as many messages as expected have arrived.
    pub(crate) async fn arrived(&mut self) -> Result<()> {
        let line = self.said.next_line().await?.context("the raw broker ended")?;
        anyhow::ensure!(line == "arrived", "the raw broker said {line:?}");
        Ok(())
    }
}
