//! A download that is broken off goes on where it was.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::{Bitmap, Block, Codec, Manifest, Want};
use loa_protocol::wire::Wire;
use loa_tests::line::Line;
use loa_tests::station::COMMUNE;
use loa_tests::tap::Seen;
use loa_tests::{Station, Tap};

/// Block size of the controller's manifests.
const BLOCK_BYTES: u32 = 16 * 1024;
/// Slow enough that the download is underway when its node is killed: a block takes a quarter of a second.
const THIN_BYTES_PER_SECOND: u64 = 64 * 1024;
const THICK_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;
/// More than two minutes, more than 20 blocks.
const SENTENCES: usize = 28;

fn text() -> String {
    let sentence = |number| {
        format!("Điều {number}. Hộ gia đình, cá nhân sử dụng đất có trách nhiệm phòng cháy, chữa cháy rừng. ")
    };
    (1..=SENTENCES).map(sentence).collect()
}

fn want(seen: &Seen) -> Option<Want> {
    matches!(seen.topic, TopicKind::Want(_)).then(|| Want::from_cbor(&seen.payload).ok()).flatten()
}

fn block(seen: &Seen) -> Option<Block> {
    matches!(seen.topic, TopicKind::Blocks(_)).then(|| Block::from_cbor(&seen.payload).ok()).flatten()
}

/// The blocks that are right in a half-fetched file.
fn right_blocks(file: &Path, manifest: &Manifest) -> Result<BTreeSet<u32>> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let chunks = bytes.chunks(BLOCK_BYTES as usize).zip(0..);
    Ok(chunks
        .filter(|(chunk, index)| manifest.block_matches(*index, chunk))
        .map(|(_, index)| index)
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_in_mid_download_asks_only_for_what_it_lacks() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let line = Line::open(THIN_BYTES_PER_SECOND).await?;
    let station = Station::start_with(folder.path(), |config| {
        config.broker.public_port = line.addr().port();
    })
    .await?;
    line.lead_to(station.controller().broker_addr().context("the broker is embedded")?);
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let tap = Tap::on(&station, &["u/+/want", "d/+/blk"]).await?;
    station.applied(&mut village).await?;

    let bulletin = station.approved("Phòng cháy rừng", &text()).await?;
    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let manifest = Manifest::of(&station.object(&object).await?, BLOCK_BYTES, Codec::OggOpus, 1)?;
    let total = manifest.block_count();
    ensure!(total > 20, "the sound has {total} blocks only");
    station.once(&bulletin.bulletin.id, 3_600_000, &[COMMUNE]).await?;

    let part = village.data_dir().join("objects").join(format!("{object}.part"));
    tap.first("the third want", |seen| want(seen).filter(|want| want.base >= 8)).await?;
    village.cut_power().await?;
    let had = right_blocks(&part, &manifest)?;
    ensure!(had.len() >= 8 && had.len() < total as usize, "killed with {} of {total} blocks", had.len());

    let before = tap.seen().len();
    line.set_bytes_per_second(THICK_BYTES_PER_SECOND);
    village.start()?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    let after = &tap.seen()[before..];
    let wants: Vec<Want> = after.iter().filter_map(want).collect();
    ensure!(!wants.is_empty(), "it asked for nothing after the restart");
    for want in &wants {
        let lacking = Bitmap::from_bytes(want.lacking.clone());
        let asked: BTreeSet<u32> = lacking.iter().map(|index| want.base + index).collect();
        ensure!(asked.is_disjoint(&had), "asked for {asked:?}, had {had:?}");
    }
    // The first want names all that lack: nothing was forgotten either.
    let lacking = Bitmap::from_bytes(wants[0].lacking.clone());
    let asked: BTreeSet<u32> = lacking.iter().map(|index| wants[0].base + index).collect();
    assert_eq!(asked, (0..total).filter(|index| !had.contains(index)).collect());
    let sent: Vec<u32> = after.iter().filter_map(block).map(|block| block.index).collect();
    ensure!(sent.iter().all(|index| !had.contains(index)), "sent {sent:?}, had {had:?}");
    println!(
        "{} of {total} blocks before the cut, {} after it, in {} wants",
        had.len(),
        sent.len(),
        wants.len()
    );
    assert_eq!(std::fs::read(part.with_extension(""))?, station.object(&object).await?);
    village.stop().await?;
    station.stop().await;
    Ok(())
}
