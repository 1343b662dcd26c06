//! A node whose disk is full: it says so, goes on, and plays what has room.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_protocol::ids::NodeId;
use loa_protocol::report::StorageState;
use loa_tests::Station;
use loa_tests::station::COMMUNE;

/// What a node keeps free of audio, and room for some short bulletins.
const DISK_BYTES: u64 = (32 * 1024 + 256) * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_room_is_missed_and_the_rest_still_plays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.board(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    village.set_audio_disk_bytes(DISK_BYTES);
    village.start()?;
    let node = NodeId::new(village.node.as_str())?;
    station.applied(&mut village).await?;

    let first = station.approved("Họp dân", "Chiều nay họp dân tại nhà văn hóa.").await?.bulletin.id;
    let (first, _) = station.once(&first, 45_000, &[COMMUNE]).await?;
    let good = |state: &loa_protocol::report::State| state.storage == StorageState::Good;
    station
        .state(&mut village, "the first is ready", |state| state.objects_ready == 1 && good(state))
        .await?;

    // Two minutes of speech: more than is free.
    let long = "Hộ gia đình, cá nhân sử dụng đất có trách nhiệm phòng cháy, chữa cháy rừng. ".repeat(20);
    let large = station.approved("Phòng cháy rừng", &long).await?.bulletin.id;
    let (large, _) = station.once(&large, 40_000, &[COMMUNE]).await?;
    let full = |state: &loa_protocol::report::State| state.storage == StorageState::Full;
    station.state(&mut village, "the disk is full", full).await?;

    // A short one that comes after it has room.
    let second = station.approved("Tiêm phòng", "Sáng mai tiêm phòng cho gia súc.").await?.bulletin.id;
    let (second, _) = station.once(&second, 20_000, &[COMMUNE]).await?;
    station.state(&mut village, "the second is ready", |state| state.objects_ready == 2).await?;
    for item in [&second, &first] {
        let receipt = station.receipt(&mut village, item, Duration::from_secs(120)).await?;
        assert_eq!(receipt.outcome, "played", "{receipt:?}");
    }
    let receipt = station.receipt(&mut village, &large, Duration::from_secs(180)).await?;
    assert_eq!((receipt.outcome.as_str(), receipt.reason.as_deref()), ("missed", Some("audio_incomplete")));
    ensure!(station.receipts(&node).await?.len() == 3, "one receipt for each");
    village.stop().await?;
    station.stop().await;
    Ok(())
}
