//! How soon an emergency sounds everywhere: from the call that approves it to the first sample on the last of ten thousand simulated
//! nodes, and to the answers of all of them in the database. Beside it the same bytes, by turns in the same run, through the raw
//! broker to as many bare clients.
//!
//! What a node says of an emergency is in the database, with the instants of its own clock, which is this machine's here; so what is
//! measured is what the page shows. What is *not* in it: each thread of the fleet verifies a document once for all of its nodes, for two
//! processors cannot stand for ten thousand; a board's amplifier, which warms up at once here; and the making of the speech, which
//! is done before anybody can approve it.
//!
//! Then, where it is asked for, the same while a wave of audio goes to all of these nodes ([`busy`]).

mod busy;
mod round;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_protocol::topic::{Topic, TopicKind};
use loa_tests::Office;
use loa_tests::bare::BareClients;
use loa_tests::province::{Province, Size};
use loa_tests::station::tenant;
use loa_tests::table::layout;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use self::round::{Round, Rounds};
use crate::Goal;
use crate::fleet::Fleet;
use crate::raw_broker::{self, RawBroker};
use crate::spread::Spread;

/// From the last connection until the first emergency: states have come, documents are compared.
const SETTLE: Duration = Duration::from_secs(30);
/// Areas of the province, which hears the emergencies as one.
const AREAS: usize = 50;
/// An amplifier that warms up at once.
const ARGUMENTS: [&str; 2] = ["--warm-up-ms", "0"];

struct Measured {
    nodes: usize,
    quiet: Series,
    /// In the middle of a wave.
    busy: Option<Series>,
}

impl Measured {
    /// How much longer it takes in the middle of a wave.
    fn busy_ratio(&self) -> Option<f64> {
        self.busy.as_ref().map(|busy| busy.p99_ms() / self.quiet.p99_ms())
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |series: &Series, state: &str| {
            let mut row = series.row();
            row.splice(0..0, [self.nodes.to_string(), state.to_owned()]);
            row
        };
        let busy = self.busy.as_ref().map(|busy| row(busy, "in a wave"));
        std::iter::once(row(&self.quiet, "quiet")).chain(busy).collect()
    }
}

/// Emergencies one after the other, in one state of the province.
struct Series(Vec<Round>);

impl Series {
    /// The median over the rounds of a number of each.
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        Spread::of(self.0.iter().map(of)).percentile(50.0)
    }

    fn p99_ms(&self) -> f64 {
        self.median(|round| round.sounding.percentile(99.0))
    }

    fn ratio(&self) -> f64 {
        self.p99_ms() / self.median(|round| round.raw.percentile(99.0))
    }

    fn row(&self) -> Vec<String> {
        let ms = |of: &dyn Fn(&Round) -> f64| format!("{:.0}", self.median(of));
        vec![
            ms(&|round| round.raw.percentile(99.0)),
            ms(&|round| round.verified.percentile(99.0)),
            ms(&|round| round.sounding.percentile(50.0)),
            ms(&|round| round.sounding.percentile(99.0)),
            ms(&|round| round.sounding.percentile(100.0)),
            format!("{:.1}", self.ratio()),
            ms(&|round| round.answered_ms),
        ]
    }

    /// Where the time goes, for the size that was measured.
    fn stages(&self) -> Vec<Vec<String>> {
        let ms = |name: &str, of: &dyn Fn(&Round) -> f64| {
            let each = self.0.iter().map(|round| format!("{:.0}", of(round)));
            vec![name.to_owned(), format!("{:.0}", self.median(of)), each.collect::<Vec<_>>().join(" ")]
        };
        vec![
            ms("it is released", &|round| round.released_ms),
            ms("the call is answered", &|round| round.called_ms),
            ms("the first node has it", &|round| round.received.percentile(0.0)),
            ms("half of the nodes", &|round| round.received.percentile(50.0)),
            ms("99 in 100", &|round| round.received.percentile(99.0)),
            ms("99 in 100 have verified it", &|round| round.verified.percentile(99.0)),
            ms("99 in 100 sound", &|round| round.sounding.percentile(99.0)),
            ms("the last sounds", &|round| round.sounding.percentile(100.0)),
            ms("all answers are in the database", &|round| round.answered_ms),
            ms("raw broker: half of the clients", &|round| round.raw.percentile(50.0)),
            ms("raw broker: 99 in 100", &|round| round.raw.percentile(99.0)),
            ms("raw broker: the last", &|round| round.raw.percentile(100.0)),
        ]
    }
}

/// Measures, prints the tables, and gives the goals.
pub(crate) async fn run(sizes: &[usize], rounds: usize, joins_per_s: f64, busy: bool) -> Result<Vec<Goal>> {
    ensure!(rounds > 0, "at least one emergency");
    let mut measured = Vec::new();
    for nodes in sizes {
        let folder = tempfile::tempdir()?;
        measured.push(one(folder.path(), *nodes, rounds, joins_per_s, busy).await?);
    }
    let last = measured.last().context("a size to measure")?;
    let one = last.quiet.0.first().context("a round")?;
    println!(
        "{:.1} s of speech, {} bytes on the wire; medians of {rounds} emergencies, in ms from the approving call",
        f64::from(one.speech_ms) / 1e3,
        one.bytes
    );
    let headings = [
        "nodes",
        "audio",
        "raw broker p99",
        "verified p99",
        "sounding p50",
        "sounding p99",
        "the last",
        "ratio of p99",
        "all answers in the database",
    ];
    println!("{}\n", layout(&headings, &measured.iter().flat_map(Measured::rows).collect::<Vec<_>>()));
    let headings = ["ms after the approving call", "median", "each"];
    println!("{}", layout(&headings, &last.quiet.stages()));
    if let Some(busy) = &last.busy {
        let headings = ["the same in a wave", "median", "each"];
        println!("\n{}", layout(&headings, &busy.stages()));
    }
    println!(
        "each thread of the fleet verifies an emergency once for all its nodes; amplifiers warm up at once"
    );
    let p99_s = last.quiet.p99_ms() / 1e3;
    let mut goals = vec![
        Goal::at_most("from the approving call until 99 in 100 nodes sound", p99_s, "s", 2.0),
        Goal::at_most("the same beside the raw broker", last.quiet.ratio(), "times", 3.0),
    ];
    goals.extend(last.busy_ratio().map(|ratio| {
        Goal::at_most("the same in the middle of a wave, beside it without", ratio, "times", 1.5)
    }));
    Ok(goals)
}

async fn one(folder: &Path, nodes: usize, rounds: usize, joins_per_s: f64, busy: bool) -> Result<Measured> {
    let mut office = Office::new(folder)?;
    let config = office.config()?;
    let province = Province::found(&config, Size { nodes, areas: AREAS }).await?;
    let area = province.areas.first().context("a province")?.id.clone();
    let identities = folder.join("identities");
    province.save(&identities)?;

    let raw = RawBroker::start(config.data_dir.join("ca"), nodes as u64).await?;
    let topic = Topic::new(&tenant()?, TopicKind::Alert(raw_broker::AREA.parse()?)).to_string();
    let bare = BareClients::connect(&province.identities, raw.nodes, &topic).await?;
    drop(province);

    office.open().await?;
    let mut fleet = Fleet::start(&identities, nodes, joins_per_s, &ARGUMENTS)?;
    fleet.is_ready(nodes).await?;
    tokio::time::sleep(SETTLE).await;

    let options = SqliteConnectOptions::new().filename(office.database()).read_only(true);
    let mut all = Rounds {
        author: office.officer("lan", "author", area.as_str()).await?,
        // As households are unknown, two approve.
        approvers: [
            office.officer("binh", "approver", area.as_str()).await?,
            office.officer("hoa", "approver", area.as_str()).await?,
        ],
        watcher: office.officer("quan", "technician", area.as_str()).await?,
        database: SqlitePool::connect_with(options).await?,
        nodes,
        area,
        raw: raw.owner().await?,
        topic,
        bare,
    };
    let quiet = all.series(rounds).await?;
    let busy = if busy { Some(all.in_a_wave(rounds).await?) } else { None };
    all.database.close().await;
    let report = fleet.stop().await?;
    let count = |name: &str| report.pointer(&format!("/at_stop/{name}")).and_then(serde_json::Value::as_u64);
    ensure!(
        count("connections_lost") == Some(0) && count("failed") == Some(0),
        "boards were lost on the way: {report}"
    );
    office.close().await?;
    Ok(Measured { nodes, quiet, busy })
}
