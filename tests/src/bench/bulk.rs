//! How fast audio gets to a whole province: one object of about a megabyte, from the first block until the last node has verified
//! all of it. Beside it, by turns in the same run, the same bytes in the same blocks through the raw broker to as many bare clients.
//! Then once more within the bound that a controller's own line has by default, while boards lose their power.
//!
//! The boards are the fleet's, in this process: real cores, each of which asks for what it lacks and hashes what comes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loa_controller::config::Config;
use loa_firmware_sim::fleet::{self, Counters, Figures, FleetOptions, members};
use loa_firmware_sim::node::Reach;
use loa_link::{Publication, Qos};
use loa_protocol::topic::{Topic, TopicKind};
use loa_tests::api::text;
use loa_tests::bare::BareClients;
use loa_tests::province::{Province, Size};
use loa_tests::station::tenant;
use loa_tests::table::layout;
use loa_tests::wait::until;
use loa_tests::{Office, Person, programme};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Goal;
use crate::raw_broker::{self, RawBroker};
use crate::spread::Spread;

/// Areas of the province.
const AREAS: usize = 50;
/// From the last connection until the first object: states have come, documents are compared.
const SETTLE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(600);
/// How long before its start an object is planned. Nodes begin to ask within a hundredth of it.
const LEAD: Duration = Duration::from_secs(600);
/// As the transfer cuts objects.
const BLOCK_BYTES: usize = 16 * 1024;
/// How many boards of all lose their power in a minute of heavy churn, each for 2 to 20 s.
const CHURN_PER_MIN: f64 = 0.5;
const SENTENCE: &str =
    "Ủy ban nhân dân xã thông báo lịch tiêm chủng cho trẻ em dưới năm tuổi tại trạm y tế xã. ";
/// About five and a half minutes of speech, a megabyte at 24 kbit/s.
const SENTENCES: usize = 52;

/// One object to all nodes.
struct Round {
    bytes: u64,
    /// From the call that planned it until the first block came; from there until all nodes had everything.
    first_s: f64,
    seconds: f64,
    wasted: f64,
    raw_s: f64,
}

impl Round {
    fn rate(&self, nodes: usize, seconds: f64) -> f64 {
        self.bytes as f64 * nodes as f64 / seconds
    }
}

struct Measured {
    nodes: usize,
    rounds: Vec<Round>,
    churned: Churned,
}

/// The same while boards lose their power.
struct Churned {
    seconds: f64,
    cuts: u64,
    wasted: f64,
}

impl Measured {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        Spread::of(self.rounds.iter().map(of)).percentile(50.0)
    }

    fn ratio(&self) -> f64 {
        self.median(|round| round.raw_s / round.seconds)
    }

    fn wasted(&self) -> f64 {
        Spread::of(self.rounds.iter().map(|round| round.wasted)).percentile(100.0) * 100.0
    }

    fn row(&self) -> Vec<String> {
        let megabytes = |seconds: fn(&Round) -> f64| {
            format!("{:.0}", self.median(|round| round.rate(self.nodes, seconds(round))) / 1e6)
        };
        vec![
            self.nodes.to_string(),
            format!("{:.1}", self.median(|round| round.first_s)),
            format!("{:.2}", self.median(|round| round.seconds)),
            format!("{:.2}", self.median(|round| round.raw_s)),
            megabytes(|round| round.seconds),
            megabytes(|round| round.raw_s),
            format!("{:.2}", self.ratio()),
            format!("{:.2}", self.wasted()),
            format!("{:.1}", self.churned.seconds),
            self.churned.cuts.to_string(),
            format!("{:.2}", self.churned.wasted * 100.0),
        ]
    }
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(sizes: &[usize], rounds: usize, joins_per_s: f64) -> Result<Vec<Goal>> {
    ensure!(rounds > 0, "at least one object");
    let mut measured = Vec::new();
    for nodes in sizes {
        let folder = tempfile::tempdir()?;
        measured.push(one(folder.path(), *nodes, rounds, joins_per_s).await?);
    }
    let last = measured.last().context("a size to measure")?;
    let bytes = last.rounds.first().context("a round")?.bytes;
    println!("objects of {:.2} MB; medians of {rounds}, waste the largest", bytes as f64 / 1e6);
    let headings = [
        "nodes",
        "s until the first block",
        "s from there until all have all",
        "s raw broker",
        "MB/s",
        "MB/s raw",
        "ratio",
        "wasted %",
        "churn: s",
        "power cuts",
        "wasted %",
    ];
    println!("{}", layout(&headings, &measured.iter().map(Measured::row).collect::<Vec<_>>()));
    Ok(vec![
        Goal::at_least(
            "an object to all nodes beside the raw broker",
            last.ratio(),
            "of its throughput",
            0.5,
        ),
        Goal::at_most("wasted bytes, nothing lost", last.wasted(), "%", 2.0),
        Goal::at_most("wasted bytes under heavy churn", last.churned.wasted * 100.0, "%", 10.0),
    ])
}

async fn one(folder: &Path, nodes: usize, rounds: usize, joins_per_s: f64) -> Result<Measured> {
    let mut office = Office::new(folder)?;
    let config = office.config()?;
    let province = Province::found(&config, Size { nodes, areas: AREAS }).await?;
    let area = province.areas.first().context("a province")?.id.clone();
    let identities = folder.join("identities");
    province.save(&identities)?;
    let raw = RawBroker::start(config.data_dir.join("ca"), nodes as u64).await?;
    let topic =
        Topic::new(&tenant()?, TopicKind::Wave(raw_broker::AREA.parse()?, "so-sanh".to_owned())).to_string();
    let mut bare = BareClients::connect(&province.identities, raw.nodes, &topic).await?;
    drop(province);
    let (raw_link, mut raw_events) = raw.owner().await?;

    office.set("LOA_LIMITS_AUDIO_TOTAL_KBIT_S", "0");
    office.open().await?;
    let desk = Desk {
        author: office.officer("lan", "author", area.as_str()).await?,
        approver: office.officer("binh", "approver", area.as_str()).await?,
        area: area.to_string(),
    };
    let fleet = Fleet::start(&identities, nodes, joins_per_s, 0.0)?;
    fleet.is_ready(nodes).await?;
    let mut measured = Vec::with_capacity(rounds);
    for number in 0..rounds {
        let object = desk.object(number, &config).await?;
        let before = fleet.counters.figures();
        let begun = Instant::now();
        desk.plan(&object).await?;
        let watched = async {
            fleet.counters.wait_for(|now| now.blocks_stored > before.blocks_stored).await;
            let first = Instant::now();
            let all = before.objects_ready + nodes as u64;
            let after = fleet.counters.wait_for(|now| now.objects_ready >= all).await;
            (first, first.elapsed(), after)
        };
        let (first, took, after) =
            timeout(PATIENCE, watched).await.context("not all nodes have the object")?;

        while raw_events.try_recv().is_ok() {}
        let bytes = object.bytes.len() as u64;
        let arrivals = bare
            .round(bytes, async || {
                for block in object.bytes.chunks(BLOCK_BYTES) {
                    let publication = Publication {
                        qos: Qos::AtMostOnce,
                        ..Publication::new(topic.clone(), block.to_vec(), 0)
                    };
                    raw_link.publish_when_room(publication).await?;
                }
                Ok(())
            })
            .await?;
        measured.push(Round {
            bytes,
            first_s: first.duration_since(begun).as_secs_f64(),
            seconds: took.as_secs_f64(),
            wasted: wasted(&before, &after, bytes * nodes as u64),
            raw_s: arrivals.times_ms.last().context("a client")? / 1e3,
        });
    }
    fleet.stop().await?;
    drop(bare);
    office.close().await?;

    office.set("LOA_LIMITS_AUDIO_TOTAL_KBIT_S", Config::default().limits.audio_total_kbit_s.to_string());
    office.open().await?;
    let fleet = Fleet::start(&identities, nodes, joins_per_s, CHURN_PER_MIN * nodes as f64)?;
    fleet.is_ready(nodes * 9 / 10).await?;
    let churned = churned(&desk, &fleet, &config, rounds, nodes).await?;
    fleet.stop().await?;
    office.close().await?;
    Ok(Measured { nodes, rounds: measured, churned })
}

/// One more object, while power goes here and there; until the controller knows that all nodes have it.
async fn churned(
    desk: &Desk,
    fleet: &Fleet,
    config: &Config,
    number: usize,
    nodes: usize,
) -> Result<Churned> {
    let object = desk.object(number, config).await?;
    let before = fleet.counters.figures();
    let begun = Instant::now();
    let readiness = format!("/schedules/{}/readiness", desk.plan(&object).await?);
    until("all nodes have the object", PATIENCE, async || {
        let page = desk.author.get(&readiness).await?;
        Ok((page.pointer("/all/ready") == Some(&json!(nodes))).then_some(()))
    })
    .await?;
    let after = fleet.counters.figures();
    Ok(Churned {
        seconds: begun.elapsed().as_secs_f64(),
        cuts: after.connections - before.connections,
        wasted: wasted(&before, &after, object.bytes.len() as u64 * nodes as u64),
    })
}

/// What was of no use, beside what was needed.
fn wasted(before: &Figures, after: &Figures, needed_bytes: u64) -> f64 {
    (after.wasted_bytes - before.wasted_bytes) as f64 / needed_bytes as f64
}

/// An approved bulletin, and what nodes are to fetch of it.
struct Object {
    bulletin: serde_json::Value,
    bytes: Vec<u8>,
}

/// Who writes, approves and plans.
struct Desk {
    author: Person,
    approver: Person,
    area: String,
}

impl Desk {
    async fn object(&self, number: usize, config: &Config) -> Result<Object> {
        let words = format!("Thông báo số {number}. {}", SENTENCE.repeat(SENTENCES));
        let form = json!({
            "area": self.area, "title": format!("Thông báo {number}"), "text": words, "category": "health",
            "class": "normal",
        });
        let bulletin = programme::approved(&self.author, &self.approver, &form).await?;
        let name = text(&bulletin, "/latest/tracks/0/object")?;
        let file = config.data_dir.join("objects").join(&name[..2]).join(&name);
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Object { bulletin, bytes })
    }

    async fn plan(&self, object: &Object) -> Result<String> {
        Ok(programme::scheduled(&self.author, &object.bulletin, LEAD, &[&self.area]).await?.0)
    }
}

/// Boards that run in this process.
struct Fleet {
    counters: Arc<Counters>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<fleet::FleetReport, fleet::FleetError>>,
}

impl Fleet {
    fn start(identities: &Path, nodes: usize, joins_per_s: f64, churn_per_min: f64) -> Result<Self> {
        let members = members::load(identities, nodes, &Reach::AsEnrolled)?;
        let options = FleetOptions { joins_per_s, churn_per_min, ..FleetOptions::new(members) };
        let (counters, stop) = (Arc::clone(&options.counters), CancellationToken::new());
        let running = tokio::spawn(fleet::run(options, stop.clone()));
        Ok(Self { counters, stop, running })
    }

    /// Waits until so many nodes are connected, and a while.
    async fn is_ready(&self, nodes: usize) -> Result<()> {
        let connected = self.counters.wait_for(|figures| figures.connected >= nodes as u64);
        timeout(PATIENCE, connected).await.context("not all nodes are connected within ten minutes")?;
        tokio::time::sleep(SETTLE).await;
        Ok(())
    }

    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let report = self.running.await??;
        ensure!(report.at_stop.failed == 0, "boards failed: {report:?}");
        Ok(())
    }
}
