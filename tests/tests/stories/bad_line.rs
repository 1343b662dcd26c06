//! What lines to villages do: they swallow, forget, are thin, and break off. A village hears what it should all the same, once,
//! and is connected again by itself within a bounded time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::services::BulletinView;
use loa_protocol::ids::{ItemId, NodeId, ObjectHash};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::{Bitmap, Block, Want};
use loa_protocol::wire::Wire as _;
use loa_tests::line::Line;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Station, Tap, Village};

const SHORT: &str = "Chiều nay họp dân tại nhà văn hóa.";
const OTHER: &str = "Sáng mai trạm y tế tiêm vắc xin cho trẻ em.";

/// So much that nobody notices the line.
pub(crate) const THICK_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;
/// 16 kbit/s.
const THIN_BYTES_PER_SECOND: u64 = 2_000;

/// An attempt to connect is given up after 20 s, and another one follows within 16 s of that at so few failures.
const AFTER_A_BLACK_HOLE: Duration = Duration::from_secs(60);
/// A connection on which nothing comes is found out within 53 s of keeping alive and 25 s of waiting for an answer.
const FINDS_OUT_WITHIN: Duration = Duration::from_secs(100);
/// What is planned a minute or two ahead is played and reported by then.
const LATER: Duration = Duration::from_secs(150);

/// A station to which villages come by this line, and one of them, which has applied its documents.
pub(crate) async fn village_behind(line: &Line, folder: &Path) -> Result<(Station, Village)> {
    let port = line.addr().port();
    let station = Station::start_with(folder, |config| config.broker.public_port = port).await?;
    line.lead_to(station.controller().broker_addr().context("the broker is embedded")?);
    let mut village = station.village(folder, "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
    Ok((station, village))
}

/// Each of these was played, its receipt coming within so long: one receipt each and nothing waits; then, the board being off, each
/// was heard, whole and once.
async fn all_was_heard(
    village: &mut Village,
    station: &Station,
    planned: &[(&BulletinView, &ItemId, Duration)],
) -> Result<()> {
    for (_, item, limit) in planned {
        let receipt = station.receipt(village, item, *limit).await?;
        ensure!(receipt.outcome == "played", "{receipt:?}");
    }
    until("the acknowledgements", Duration::from_secs(60), async || {
        Ok(village.status().await?.contains("receipts waiting  0").then_some(()))
    })
    .await?;
    let receipts = station.receipts(&NodeId::new(village.node.as_str())?).await?;
    ensure!(receipts.len() == planned.len(), "{receipts:?}");
    village.stop().await?;
    for (bulletin, ..) in planned {
        let made = station.sound(&bulletin.latest.tracks[0].object.context("a sound")?).await?;
        let times = village.heard_from(&made)?.len();
        ensure!(times == 1, "{} was heard {times} times", bulletin.bulletin.id);
    }
    Ok(())
}

/// How often each block of an object was sent.
fn sent(tap: &Tap, object: &ObjectHash) -> BTreeMap<u32, usize> {
    let blocks = tap.picked(|seen| {
        matches!(seen.topic, TopicKind::Blocks(_)).then(|| Block::from_cbor(&seen.payload).ok()).flatten()
    });
    let mut times = BTreeMap::new();
    for block in blocks.iter().filter(|block| block.object == *object) {
        *times.entry(block.index).or_default() += 1;
    }
    times
}

/// The blocks of an object that were lacking each time it was asked for.
fn asked_for(tap: &Tap, object: &ObjectHash) -> Vec<BTreeSet<u32>> {
    let wants = tap.picked(|seen| {
        matches!(seen.topic, TopicKind::Want(_)).then(|| Want::from_cbor(&seen.payload).ok()).flatten()
    });
    let lacking = |want: Want| {
        let lacking = Bitmap::from_bytes(want.lacking);
        lacking.iter().map(|index| want.base + index).collect()
    };
    wants.into_iter().filter(|want| want.object == *object).map(lacking).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_boots_behind_a_black_hole_plays_and_comes_back_when_it_ends() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let (station, mut village) = village_behind(&line, folder.path()).await?;
    let known = station.approved("Họp dân", SHORT).await?;
    let (known_item, _) = station.once(&known.bulletin.id, 20_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    village.cut_power().await?;
    line.swallow();
    let taken = line.connections();
    village.start()?;
    // What is decided meanwhile comes once the hole has ended.
    let unknown = station.approved("Tiêm chủng", OTHER).await?;
    let (unknown_item, _) = station.once(&unknown.bulletin.id, 90_000, &[COMMUNE]).await?;
    village.says(&["an occurrence has ended", "played"], Duration::from_secs(90)).await?;
    ensure!(line.connections() > taken, "it tried to connect");
    line.forget();

    let known = (&known, &known_item, AFTER_A_BLACK_HOLE);
    all_was_heard(&mut village, &station, &[known, (&unknown, &unknown_item, LATER)]).await?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_other_end_vanished_without_a_word_is_found_out_and_made_anew() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let (station, mut village) = village_behind(&line, folder.path()).await?;
    let known = station.approved("Họp dân", SHORT).await?;
    let (known_item, _) = station.once(&known.bulletin.id, 15_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    line.forget();
    let unknown = station.approved("Tiêm chủng", OTHER).await?;
    let (unknown_item, _) = station.once(&unknown.bulletin.id, 110_000, &[COMMUNE]).await?;
    village.says(&["no connection to the broker"], FINDS_OUT_WITHIN).await?;
    let known = (&known, &known_item, Duration::from_secs(30));
    all_was_heard(&mut village, &station, &[known, (&unknown, &unknown_item, LATER)]).await?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_16_kilobits_a_second_a_bulletin_comes_and_is_heard() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let (station, mut village) = village_behind(&line, folder.path()).await?;
    let tap = Tap::on(&station, &["d/+/blk"]).await?;
    let bulletin = station.approved("Họp dân", &SHORT.repeat(4)).await?;
    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let size = station.object(&object).await?.len();

    line.set_bytes_per_second(THIN_BYTES_PER_SECOND);
    let (item, _) = station.once(&bulletin.bulletin.id, 75_000, &[COMMUNE]).await?;
    all_was_heard(&mut village, &station, &[(&bulletin, &item, Duration::from_secs(240))]).await?;
    let sent = sent(&tap, &object);
    println!("{size} bytes in {} blocks, sent {sent:?} times", sent.len());
    // It was not taken for a line that is dead.
    ensure!(sent.values().all(|times| *times == 1), "sent {sent:?} times");
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_whose_line_breaks_off_in_mid_block_goes_on_where_it_was() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let (station, mut village) = village_behind(&line, folder.path()).await?;
    let tap = Tap::on(&station, &["u/+/want", "d/+/blk"]).await?;
    let bulletin = station.approved("Họp dân", &SHORT.repeat(11)).await?;
    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let size = station.object(&object).await?.len();
    ensure!(size > 5 * 16 * 1024, "the sound has {size} bytes only");

    // A handshake takes some 3 KiB: then one block and a half, two and a half, half a one.
    let breaks = [28 * 1024, 44 * 1024, 11 * 1024];
    line.break_off_after(&breaks);
    let (item, _) = station.once(&bulletin.bulletin.id, 40_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    assert_eq!(line.breaks_to_come(), 0, "each connection was reset in its turn");
    let sent = sent(&tap, &object);
    println!("{size} bytes in {} blocks, sent {sent:?} times", sent.len());
    ensure!(sent.values().any(|times| *times > 1), "no block was on its way at a reset: {sent:?}");
    // What had come whole was not asked for again, neither after a reset nor ever.
    let asked = asked_for(&tap, &object);
    println!("asked for {asked:?}");
    let mut next = asked.windows(2);
    ensure!(next.all(|asked| asked[1].is_subset(&asked[0])), "asked for {asked:?}");
    ensure!(asked.iter().any(|asked| asked.len() < sent.len()), "it began anew: {asked:?}");
    all_was_heard(&mut village, &station, &[(&bulletin, &item, Duration::from_secs(120))]).await?;
    station.stop().await;
    Ok(())
}
