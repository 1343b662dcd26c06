//! Real power cuts: the node's own program, killed again and again while plans change and audio plays into a recorder.
//!
//! Several nodes at one broker; the test is their controller, so that it can lose what a controller may lose. Each life of a
//! node ends at a [moment](moment::Moment) drawn from the seed, most of them just when something is being written; and each life
//! has its [weather](weather::Weather) on the line to the broker. Then:
//! - it boots, always, and never says that something is damaged;
//! - what has an object's name in the cache is that object, and the database is whole;
//! - receipts form a chain without a hole, none changes, and each occurrence that was due has exactly one;
//! - no sound is heard twice from its beginning in the recordings, nor without a receipt that tells of it.
//!
//! `LOA_CUTS=2000` sets how many cuts there are in all (500 otherwise), `LOA_CUTS_SEED=…` repeats what was printed. A seed gives
//! the same plans and the same moments; the machine decides what they meet. `LOA_CUTS_FOLDER=…` keeps logs and recordings.

mod board;
mod desk;
mod moment;
mod papers;
mod tones;
mod verdict;
mod weather;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_protocol::ids::NodeId;
use loa_test_broker::{Mosquitto, Pki};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use crate::board::{Board, Cut};
use crate::desk::Desk;
use crate::moment::{Kind, Moment};
use crate::verdict::Count;
use crate::weather::Weather;

const NODES: u64 = 5;
const CUTS: u64 = 500;
/// How long the nodes may take to report everything once they are left alone.
const PEACE: Duration = Duration::from_secs(90);

/// A number that was set in the environment.
fn setting(name: &str) -> Result<Option<u64>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    Ok(Some(text.parse().with_context(|| format!("{name} is a whole number, not {text:?}"))?))
}

/// Cuts a board's power so often, then lets it come to rest. It stays on meanwhile: what is planned while a node is off for long
/// is not its own (rule W1), and so has no receipt.
async fn cut(mut board: Board, desk: Arc<Desk>, cuts: u64, seed: u64, left: Arc<AtomicU64>) -> Result<Life> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut done = Vec::new();
    for _ in 0..cuts {
        done.push(board.live(Moment::draw(&mut rng), Weather::draw(&mut rng), &desk).await?);
    }
    // The last to be cut closes the desk.
    if left.fetch_sub(1, Ordering::AcqRel) == 1 {
        desk.close()?;
    }
    board.live_in_peace(PEACE, &desk).await?;
    Ok(Life { board, cuts: done })
}

/// A board that has come to rest, and what it went through.
struct Life {
    board: Board,
    cuts: Vec<Cut>,
}

/// The folder of everything, and what deletes it in the end.
fn folder() -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(kept) = std::env::var_os("LOA_CUTS_FOLDER") {
        std::fs::create_dir_all(&kept)?;
        return Ok((kept.into(), None));
    }
    let folder = tempfile::tempdir()?;
    Ok((folder.path().to_owned(), Some(folder)))
}

async fn all_cuts(folder: &Path, cuts: u64, seed: u64) -> Result<(Count, Vec<Cut>)> {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let nodes: Vec<NodeId> = (1..=NODES).map(|n| NodeId::new(format!("n-{n}"))).collect::<Result<_, _>>()?;
    let desk = Arc::new(Desk::open(&pki, &broker, &nodes, seed).await?);
    let left = Arc::new(AtomicU64::new(NODES));
    let mut lives = JoinSet::new();
    for (node, index) in nodes.iter().zip(0..) {
        let board = Board::new(folder, node, &pki, &broker).await?;
        let share = cuts / NODES + u64::from(index < cuts % NODES);
        let seed = seed.wrapping_add(index + 1);
        lives.spawn(cut(board, Arc::clone(&desk), share, seed, Arc::clone(&left)));
    }
    let mut count = Count::default();
    let mut done = Vec::new();
    // The first that fails ends them all.
    while let Some(life) = lives.join_next().await {
        let Life { board, cuts } = life??;
        desk.check()?;
        done.extend(cuts);
        let recordings = board.recordings().await?;
        let heard: Vec<_> = recordings.iter().flat_map(tones::listen).collect();
        let node = verdict::judge(&board.node, &desk.planned(), &desk.receipts(&board.node), &heard)?;
        println!("{}: {node}", board.node);
        count += node;
    }
    desk.check()?;
    Ok((count, done))
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_power_goes_nothing_is_lost_doubled_or_damaged() -> Result<()> {
    let cuts = setting("LOA_CUTS")?.unwrap_or(CUTS);
    let seed = setting("LOA_CUTS_SEED")?.unwrap_or_else(rand::random);
    println!("LOA_CUTS={cuts} LOA_CUTS_SEED={seed}");
    let (folder, _kept) = folder()?;
    let began = std::time::Instant::now();
    let (count, done) =
        all_cuts(&folder, cuts, seed).await.with_context(|| format!("LOA_CUTS_SEED={seed}"))?;
    println!("{} cuts in {} s: {count}", done.len(), began.elapsed().as_secs());
    let mut kinds: BTreeMap<Kind, (usize, usize, usize)> = BTreeMap::new();
    let mut weathers: BTreeMap<String, usize> = BTreeMap::new();
    for cut in &done {
        *weathers.entry(cut.weather.to_string()).or_default() += 1;
        let (times, in_time, booted) = kinds.entry(cut.kind).or_default();
        *times += 1;
        *in_time += usize::from(cut.was_in_time);
        *booted += usize::from(cut.had_booted);
    }
    for (kind, (times, in_time, booted)) in &kinds {
        println!("  {kind:?}: {times}, {in_time} at their moment, {booted} of a node that had booted");
    }
    println!("  the line: {weathers:?}");
    // Else nothing was put to the test.
    let enough = |what: &str, found: usize, least: usize| {
        ensure!(found >= least, "only {found} {what} in {cuts} cuts");
        anyhow::Ok(())
    };
    let share = |one_in: u64| usize::try_from(cuts / one_in).unwrap_or(0);
    enough("occurrences were played", count.played, share(20))?;
    enough("occurrences were cut in two", count.partial, share(40))?;
    for (kind, (times, in_time, _)) in kinds {
        enough(&format!("cuts came at {kind:?}"), in_time, times / 4)?;
    }
    Ok(())
}
