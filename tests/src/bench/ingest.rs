//! How fast receipts get from nodes into the database: every node sends a signed batch at one moment, over mutual TLS, and the
//! clock stops when the last row is committed. Beside it the same clients and messages at the raw broker, behind which a counter
//! takes them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loa_node::device_key::DeviceKey;
use loa_node::identity::Identity;
use loa_protocol::ids::{BulletinId, Digest, ItemId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptBatch, Seal, Sound};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::topic::{Topic, TopicKind};
use loa_protocol::wire::Wire as _;
use loa_tests::Office;
use loa_tests::bare::BareClients;
use loa_tests::province::{Province, Size};
use loa_tests::table::layout;
use loa_tests::wait::until;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::Goal;
use crate::field::now;
use crate::raw_broker::RawBroker;

const PATIENCE: Duration = Duration::from_secs(300);

/// One size, measured.
struct Measured {
    nodes: usize,
    receipts: u64,
    seconds: f64,
    raw_seconds: f64,
}

impl Measured {
    fn per_s(&self) -> f64 {
        self.receipts as f64 / self.seconds
    }
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(sizes: &[usize], each: u64) -> Result<Vec<Goal>> {
    let mut measured = Vec::new();
    for nodes in sizes {
        let folder = tempfile::tempdir()?;
        measured.push(one(folder.path(), *nodes, each).await?);
    }
    let row = |one: &Measured| {
        vec![
            one.nodes.to_string(),
            one.receipts.to_string(),
            format!("{:.2}", one.seconds),
            format!("{:.0}", one.per_s()),
            format!("{:.2}", one.raw_seconds),
            format!("{:.1}", one.seconds / one.raw_seconds),
        ]
    };
    let rows: Vec<Vec<String>> = measured.iter().map(row).collect();
    let headings =
        ["nodes", "receipts", "s to the last commit", "receipts/s", "s at the raw broker", "ratio"];
    println!("{}", layout(&headings, &rows));
    let last = measured.last().context("a size to measure")?;
    Ok(vec![Goal::at_least("receipts in the database in a second, SQLite", last.per_s(), "1/s", 20_000.0)])
}

async fn one(folder: &Path, nodes: usize, each: u64) -> Result<Measured> {
    let mut office = Office::new(folder)?;
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
    let clients = BareClients::connect_each(identities, config.broker.listen, own_topic).await?;
    let database =
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(office.database()).read_only(true))
            .await?;
    let wanted = i64::try_from(nodes as u64 * each)?;
    let begun = Instant::now();
    clients.publish_each(messages);
    until("all receipts", PATIENCE, async || {
        // Rows are numbered as they are inserted, and none is deleted.
        let (rows,): (Option<i64>,) =
            sqlx::query_as("SELECT max(rowid) FROM receipt").fetch_one(&database).await?;
        Ok((rows == Some(wanted)).then_some(()))
    })
    .await?;
    let seconds = begun.elapsed().as_secs_f64();
    let whole = "SELECT count(*), count(DISTINCT node_id), sum(signed) FROM receipt";
    let (rows, senders, signed): (i64, i64, i64) = sqlx::query_as(whole).fetch_one(&database).await?;
    ensure!(
        rows == wanted && senders == i64::try_from(nodes)? && signed == wanted,
        "{rows} rows of {senders} nodes, {signed} of them signed, instead of {wanted} of {nodes}"
    );
    let (doubts,): (i64,) = sqlx::query_as("SELECT count(*) FROM receipt_doubt").fetch_one(&database).await?;
    ensure!(doubts == 0, "{doubts} doubts about receipts that are right");
    database.close().await;
    drop(clients);
    office.close().await?;
    Ok(Measured { nodes, receipts: nodes as u64 * each, seconds, raw_seconds })
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
