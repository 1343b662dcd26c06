//! How fast receipts get from nodes into the database: every node sends a signed batch at one moment, over mutual TLS, and the
//! clock stops when the last of them has its acknowledgement, which is sent after the commit. Then every row must be there, once.
//! Beside it the same clients and messages at the raw broker, behind which a counter takes them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use loa_node::device_key::DeviceKey;
use loa_node::identity::Identity;
use loa_protocol::ids::{BulletinId, Digest, ItemId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptAck, ReceiptBatch, Seal, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use loa_test_postgres::Postgres;
use loa_tests::Office;
use loa_tests::bare::BareClients;
use loa_tests::province::{Province, Size};
use loa_tests::table::layout;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::Goal;
use crate::field::now;
use crate::raw_broker::RawBroker;

/// Where the rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// The controller's own file.
    Sqlite,
    /// A PostgreSQL of this machine, which writes through to the disk.
    Postgres,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// One size, measured.
struct Measured {
    database: Database,
    nodes: usize,
    receipts: u64,
    /// Until half of the nodes, and until all of them, had their acknowledgement.
    half_seconds: f64,
    seconds: f64,
    raw_seconds: f64,
}

impl Measured {
    fn per_s(&self) -> f64 {
        self.receipts as f64 / self.seconds
    }
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(databases: &[Database], sizes: &[usize], each: u64) -> Result<Vec<Goal>> {
    let mut measured = Vec::new();
    for database in databases {
        for nodes in sizes {
            let folder = tempfile::tempdir()?;
            measured.push(one(folder.path(), *database, *nodes, each).await?);
        }
    }
    let row = |one: &Measured| {
        vec![
            one.database.to_string(),
            one.nodes.to_string(),
            one.receipts.to_string(),
            format!("{:.2}", one.half_seconds),
            format!("{:.2}", one.seconds),
            format!("{:.0}", one.per_s()),
            format!("{:.2}", one.raw_seconds),
            format!("{:.1}", one.seconds / one.raw_seconds),
        ]
    };
    let rows: Vec<Vec<String>> = measured.iter().map(row).collect();
    let headings = [
        "database",
        "nodes",
        "receipts",
        "s to half of the acknowledgements",
        "s to the last",
        "receipts/s",
        "s at the raw broker",
        "ratio",
    ];
    println!("{}", layout(&headings, &rows));
    let mut goals = Vec::new();
    for database in databases {
        let last = measured.iter().rfind(|one| one.database == *database).context("a size to measure")?;
        let name = match database {
            Database::Sqlite => "receipts in the database in a second, SQLite",
            Database::Postgres => "receipts in the database in a second, PostgreSQL",
        };
        goals.push(Goal::at_least(name, last.per_s(), "1/s", 20_000.0));
    }
    Ok(goals)
}

async fn one(folder: &Path, database: Database, nodes: usize, each: u64) -> Result<Measured> {
    let server = (database == Database::Postgres).then(Postgres::start_durable);
    let rows = server.as_ref().map(Postgres::database);
    let mut office = Office::new(folder)?;
    if let Some(rows) = &rows {
        office.set("LOA_DATABASE_URL", rows.url());
    }
    let config = office.config()?;
    let province = Province::found(&config, Size { nodes, areas: 50 }).await?;
    let identities = &province.identities;
    let messages = identities.iter().map(|identity| report(identity, each)).collect::<Result<Vec<_>>>()?;

    let mut raw = RawBroker::start(config.data_dir.join("ca"), nodes as u64).await?;
    let clients = BareClients::connect_each(identities, raw.nodes, own_topic).await?;
    let begun = Instant::now();
    clients.publish_each(messages.clone());
    raw.arrived().await?;
    let raw_seconds = begun.elapsed().as_secs_f64();
    drop((clients, raw));

    office.open().await?;
    let mut clients = BareClients::connect_each(identities, config.broker.listen, own_topic).await?;
    let acknowledgement = ReceiptAck { numbers: (1..=each).collect() }.to_cbor();
    let acknowledged = clients.exchange(messages, acknowledgement.len() as u64).await?;
    let at = |ms: Option<&f64>| ms.map(|ms| ms / 1000.0).context("a node at least");
    let half_seconds = at(acknowledged.times_ms.get(nodes / 2))?;
    let seconds = at(acknowledged.times_ms.last())?;
    let kept = match &rows {
        Some(rows) => Kept::on_server(&rows.url()).await?,
        None => Kept::in_file(office.database()).await?,
    };
    let wanted = i64::try_from(nodes as u64 * each)?;
    let right = Kept { receipts: wanted, senders: i64::try_from(nodes)?, signed: wanted, doubts: 0 };
    ensure!(kept == right, "in the database: {kept:?}, instead of {right:?}");
    drop(clients);
    office.close().await?;
    Ok(Measured { database, nodes, receipts: nodes as u64 * each, half_seconds, seconds, raw_seconds })
}

/// What the database has.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    receipts: i64,
    senders: i64,
    signed: i64,
    doubts: i64,
}

const KEPT: &str = "SELECT count(*), count(DISTINCT node_id), CAST(sum(signed) AS BIGINT),
    (SELECT count(*) FROM receipt_doubt) FROM receipt";

impl Kept {
    async fn in_file(file: PathBuf) -> Result<Self> {
        let pool =
            SqlitePool::connect_with(SqliteConnectOptions::new().filename(file).read_only(true)).await?;
        let row = sqlx::query_as(KEPT).fetch_one(&pool).await?;
        pool.close().await;
        Ok(Self::of(row))
    }

    async fn on_server(url: &str) -> Result<Self> {
        let pool = PgPool::connect(url).await?;
        let row = sqlx::query_as(KEPT).fetch_one(&pool).await?;
        pool.close().await;
        Ok(Self::of(row))
    }

    fn of((receipts, senders, signed, doubts): (i64, i64, i64, i64)) -> Self {
        Self { receipts, senders, signed, doubts }
    }
}

fn own_topic(identity: &Identity) -> String {
    Topic::new(&identity.tenant, TopicKind::Ack(identity.node.clone())).to_string()
}

/// A node's signed batch of receipts, in their chain.
fn report(identity: &Identity, count: u64) -> Result<(String, Vec<u8>)> {
    let (mut previous, mut receipts) = (None, Vec::new());
    let at = now();
    for number in 1..=count {
        let receipt = receipt(number, previous, at)?;
        previous = Some(receipt.digest());
        receipts.push(receipt);
    }
    let digests: Vec<Digest> = receipts.iter().map(Receipt::digest).collect();
    let seal = DeviceKey::of(identity)?.sign(&Seal::head(&identity.node, &digests));
    let topic = Topic::new(&identity.tenant, TopicKind::Receipt(identity.node.clone()));
    Ok((topic.to_string(), ReceiptBatch { receipts, seal }.to_cbor()))
}

fn receipt(number: u64, previous: Option<Digest>, at: UnixMs) -> Result<Receipt> {
    let nominal = at - i64::try_from(number)? * 3_600_000;
    // An occurrence is the same for all nodes.
    let mut occurrence = [0; 16];
    for (to, from) in occurrence.iter_mut().zip(Sha256::digest(number.to_be_bytes())) {
        *to = from;
    }
    Ok(Receipt {
        number,
        occurrence: OccurrenceId(occurrence),
        item: ItemId::new("lich-phat-thanh-sang")?,
        bulletin: BulletinId::new("ban-tin-sang")?,
        revision: 1,
        nominal,
        outcome: Outcome::Played,
        sound: Some(Sound { started: nominal + 3, played_ms: 61_000 }),
        clock: ClockTrust::Trusted,
        written: nominal + 61_050,
        winner: None,
        previous,
    })
}
