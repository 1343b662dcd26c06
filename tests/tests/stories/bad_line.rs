//! What lines to villages do: they swallow, forget, are thin, and break off. A village hears what it should all the same, once,
//! and is connected again by itself within a bounded time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_protocol::ids::{NodeId, ObjectHash};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::Block;
use loa_protocol::wire::Wire as _;
use loa_tests::line::Line;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Station, Tap, Village};

const SHORT: &str = "Chiều nay họp dân tại nhà văn hóa.";
const OTHER: &str = "Sáng mai trạm y tế tiêm vắc xin cho trẻ em.";

/// So much that nobody notices the line.
const THICK_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;
/// 16 kbit/s.
const THIN_BYTES_PER_SECOND: u64 = 2_000;

/// An attempt to connect is given up after 20 s, and another one follows within 16 s of that at so few failures.
const AFTER_A_BLACK_HOLE: Duration = Duration::from_secs(60);
/// A connection on which nothing comes is found out within 53 s of keeping alive and 25 s of waiting for an answer.
const FINDS_OUT_WITHIN: Duration = Duration::from_secs(100);

/// A station to which villages come by this line.
async fn station_behind(line: &Line, folder: &Path) -> Result<Station> {
    let port = line.addr().port();
    let station = Station::start_with(folder, |config| config.broker.public_port = port).await?;
    line.lead_to(station.controller().broker_addr().context("the broker is embedded")?);
    Ok(station)
}

/// The bulletin was heard, whole and once.
async fn was_heard_once(village: &Village, station: &Station, object: &ObjectHash) -> Result<()> {
    let made = station.sound(object).await?;
    let mut times = 0;
    for recording in village.recordings()? {
        let found = recording.find(made.samples(), made.sample_rate_hz());
        times += usize::from(found.is_ok_and(|found| found.coefficient >= 0.99));
    }
    ensure!(times == 1, "heard {times} times");
    Ok(())
}

/// Nothing more was reported than one receipt for each of so many occurrences, and nothing waits.
async fn all_is_reported(station: &Station, village: &Village, count: usize) -> Result<()> {
    until("the acknowledgements", Duration::from_secs(60), async || {
        Ok(village.status().await?.contains("receipts waiting  0").then_some(()))
    })
    .await?;
    let receipts = station.receipts(&NodeId::new(village.node.as_str())?).await?;
    ensure!(receipts.len() == count, "{receipts:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_boots_behind_a_black_hole_plays_and_comes_back_when_it_ends() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let station = station_behind(&line, folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
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

    let receipt = station.receipt(&mut village, &known_item, AFTER_A_BLACK_HOLE).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    let receipt = station.receipt(&mut village, &unknown_item, Duration::from_secs(150)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    all_is_reported(&station, &village, 2).await?;
    village.stop().await?;
    for bulletin in [&known, &unknown] {
        let object = bulletin.latest.tracks[0].object.context("a sound")?;
        was_heard_once(&village, &station, &object).await?;
    }
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_other_end_vanished_without_a_word_is_found_out_and_made_anew() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let station = station_behind(&line, folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
    let known = station.approved("Họp dân", SHORT).await?;
    let (known_item, _) = station.once(&known.bulletin.id, 15_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    line.forget();
    let unknown = station.approved("Tiêm chủng", OTHER).await?;
    let (unknown_item, _) = station.once(&unknown.bulletin.id, 110_000, &[COMMUNE]).await?;
    village.says(&["no connection to the broker"], FINDS_OUT_WITHIN).await?;
    let receipt = station.receipt(&mut village, &known_item, Duration::from_secs(30)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    let receipt = station.receipt(&mut village, &unknown_item, Duration::from_secs(150)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    all_is_reported(&station, &village, 2).await?;
    village.stop().await?;
    for bulletin in [&known, &unknown] {
        let object = bulletin.latest.tracks[0].object.context("a sound")?;
        was_heard_once(&village, &station, &object).await?;
    }
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_16_kilobits_a_second_a_bulletin_comes_and_is_heard() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let station = station_behind(&line, folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let tap = Tap::on(&station, &["d/+/blk"]).await?;
    station.applied(&mut village).await?;
    let bulletin = station.approved("Họp dân", &SHORT.repeat(4)).await?;
    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let size = station.object(&object).await?.len();

    line.set_bytes_per_second(THIN_BYTES_PER_SECOND);
    let (item, _) = station.once(&bulletin.bulletin.id, 75_000, &[COMMUNE]).await?;
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(240)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    all_is_reported(&station, &village, 1).await?;
    let sent = sent(&tap, &object);
    println!("{size} bytes in {} blocks, sent {sent:?} times", sent.len());
    // It was not taken for a line that is dead.
    ensure!(sent.values().all(|times| *times == 1), "sent {sent:?} times");
    village.stop().await?;
    was_heard_once(&village, &station, &object).await?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_whose_line_breaks_off_in_mid_block_goes_on_where_it_was() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let station = station_behind(&line, folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let tap = Tap::on(&station, &["d/+/blk"]).await?;
    station.applied(&mut village).await?;
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
    // What was on its way at a reset comes again, a window of four at most, and nothing else.
    let again: usize = sent.values().map(|times| times - 1).sum();
    ensure!((1..=4 * breaks.len()).contains(&again), "{again} blocks were sent again: {sent:?}");
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(120)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    all_is_reported(&station, &village, 1).await?;
    village.stop().await?;
    was_heard_once(&village, &station, &object).await?;
    station.stop().await;
    Ok(())
}
