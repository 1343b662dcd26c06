//! How long a province is without its broker when that dies with all that it kept, and an empty one takes its place at the same
//! address: until the controller has given it every document again, and until every node is connected to it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loa_controller::app::Controller;
use loa_controller::config::Config;
use loa_link::{Link, LinkEvent, LinkHandle, LinkOptions, Qos};
use loa_tests::Mosquitto;
use loa_tests::province::{Province, Size};
use loa_tests::station::tenant;
use loa_tests::table::layout;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Goal;
use crate::fleet::Fleet;

/// Longest wait for all documents.
const PATIENCE: Duration = Duration::from_secs(600);
/// Nothing more comes of the start when nothing came for so long.
const QUIET: Duration = Duration::from_secs(10);

struct Measured {
    nodes: usize,
    away_s: u64,
    documents: usize,
    documents_s: f64,
    nodes_s: f64,
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(sizes: &[usize], away_s: &[u64], joins_per_s: f64) -> Result<Vec<Goal>> {
    let mut measured = Vec::new();
    for nodes in sizes {
        let folder = tempfile::tempdir()?;
        measured.extend(one(folder.path(), *nodes, away_s, joins_per_s).await?);
    }
    let row = |one: &Measured| {
        vec![
            one.nodes.to_string(),
            one.away_s.to_string(),
            one.documents.to_string(),
            format!("{:.1}", one.documents_s),
            format!("{:.1}", one.nodes_s),
        ]
    };
    let headings = [
        "nodes",
        "s without a broker",
        "documents",
        "s until it has all documents again",
        "s until all nodes are connected again",
    ];
    println!("{}", layout(&headings, &measured.iter().map(row).collect::<Vec<_>>()));
    let last = measured.last().context("a size to measure")?;
    let bound = 2.0 * last.away_s as f64 + 10.0;
    Ok(vec![Goal::at_most("all nodes at an empty broker", last.nodes_s, "s", bound)])
}

async fn one(folder: &Path, nodes: usize, away_s: &[u64], joins_per_s: f64) -> Result<Vec<Measured>> {
    let mut broker = Mosquitto::prepare(folder)?;
    let mut config = Config { data_dir: folder.join("controller"), ..Config::default() };
    config.tenant = tenant()?;
    config.http.listen = "127.0.0.1:0".parse()?;
    config.broker.listen = ([127, 0, 0, 1], broker.boards_port()).into();
    config.broker.public_host = "127.0.0.1".to_owned();
    broker.configure(&mut config);
    let province = Province::found(&config, Size { nodes, areas: 500.min(nodes) }).await?;
    let identities = folder.join("identities");
    province.save(&identities)?;
    drop(province);
    let controller = Controller::start(config).await?;
    broker.start().await?;
    let mut fleet = Fleet::start(&identities, nodes, joins_per_s, &[])?;
    fleet.is_ready(nodes).await?;
    let mut kept = Kept::watch(&broker)?;
    let documents = kept.all().await;

    let mut measured = Vec::new();
    for &away_s in away_s {
        broker.lose_everything()?;
        fleet.is_alone().await?;
        tokio::time::sleep(Duration::from_secs(away_s)).await;
        kept.topics.clear();
        broker.start().await?;
        let begun = Instant::now();
        let given = async {
            kept.until(documents).await?;
            anyhow::Ok(begun.elapsed().as_secs_f64())
        };
        let connected = async {
            fleet.is_ready(nodes).await?;
            anyhow::Ok(begun.elapsed().as_secs_f64())
        };
        let (documents_s, nodes_s) = tokio::try_join!(given, connected)?;
        measured.push(Measured { nodes, away_s, documents, documents_s, nodes_s });
    }
    fleet.stop().await?;
    controller.stop().await;
    Ok(measured)
}

/// Sees the documents that the broker keeps.
struct Kept {
    _link: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    topics: BTreeSet<String>,
}

impl Kept {
    fn watch(broker: &Mosquitto) -> Result<Self> {
        let tenant = tenant()?;
        let filters = ["keys", "a/+/plan", "a/+/alert", "d/+/desired"];
        let mut options = LinkOptions::new("controller:watch", "127.0.0.1", broker.controller_port());
        options.credentials = broker.login();
        options.backoff.max = Duration::from_secs(1);
        options.subscriptions =
            filters.iter().map(|below| (format!("loa/1/{tenant}/{below}"), Qos::AtLeastOnce)).collect();
        let (link, events) = Link::spawn(options)?;
        Ok(Self { _link: link, events, topics: BTreeSet::new() })
    }

    /// How many there are when no more come.
    async fn all(&mut self) -> usize {
        while let Ok(Some(event)) = timeout(QUIET, self.events.recv()).await {
            self.take(event);
        }
        self.topics.len()
    }

    async fn until(&mut self, documents: usize) -> Result<()> {
        let all = async {
            while self.topics.len() < documents {
                let event = self.events.recv().await.context("the watching link ended")?;
                self.take(event);
            }
            anyhow::Ok(())
        };
        let came = timeout(PATIENCE, all).await;
        came.with_context(|| format!("only {} of {documents} documents came", self.topics.len()))?
    }

    fn take(&mut self, event: LinkEvent) {
        if let LinkEvent::Message(message) = event
            && !message.payload.is_empty()
        {
            self.topics.insert(message.topic);
        }
    }
}
