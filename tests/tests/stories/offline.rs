//! Without a network, and through the death of the controller, villages hear what was planned and no receipt is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::store::Store;
use loa_protocol::ids::NodeId;
use loa_tests::api::text;
use loa_tests::office::COMMUNE_ID;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Office, Station, programme};
use serde_json::{Value, json};

const TEXT: &str = "Ủy ban nhân dân xã Lạc Dương thông báo lịch tiêm phòng cho gia súc.";

#[tokio::test(flavor = "multi_thread")]
async fn with_the_network_away_it_plays_from_its_cache_and_the_receipt_comes_later() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Đăng Gia", "dang-gia").await?;
    let node = NodeId::new(village.node.as_str())?;
    station.applied(&mut village).await?;
    let bulletin = station.approved("Tiêm phòng gia súc", TEXT).await?;
    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let made = station.sound(&object).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 25_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    village.cut_power().await?;
    let stopped = station.stop().await;
    village.start()?;
    village.says(&["an occurrence has ended", "played"], Duration::from_secs(90)).await?;

    let station = stopped.start().await?;
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(180)).await?;
    assert_eq!((receipt.outcome.as_str(), receipt.nominal), ("played", planned), "{receipt:?}");
    // Acknowledged: the node has nothing left to send, and has sent nothing twice.
    until("the acknowledgement", Duration::from_secs(30), async || {
        Ok(village.status().await?.contains("receipts waiting  0").then_some(()))
    })
    .await?;
    assert_eq!(station.receipts(&node).await?.len(), 1);
    village.stop().await?;
    let recordings = village.recordings()?;
    ensure!(recordings.len() == 1, "the card was opened {} times", recordings.len());
    let matched = recordings[0].find(made.samples(), made.sample_rate_hz())?;
    ensure!(matched.coefficient >= 0.99, "correlation {:.4}", matched.coefficient);
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_outlives_a_controller_that_is_killed_before_it_acknowledges() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::new(folder.path())?;
    office.open().await?;
    office.found().await?;
    let (author, approver) =
        (office.person("lan", "author").await?, office.person("binh", "approver").await?);
    let mut village = office.village("Cụm loa Păng Tiêng").await?;
    let form = json!({
        "area": COMMUNE_ID, "title": "Tiêm phòng", "text": TEXT, "category": "health", "class": "normal",
    });
    let bulletin = programme::approved(&author, &approver, &form).await?;
    let id = text(&bulletin, "/id")?;
    programme::scheduled(&author, &bulletin, Duration::from_secs(12), &[COMMUNE_ID]).await?;
    let node = format!("/nodes/{}", village.node);
    until("audio ready", Duration::from_secs(30), async || {
        let node = author.get(&node).await?;
        Ok((node.pointer("/status/objects_ready") == Some(&json!(1))).then_some(()))
    })
    .await?;

    // Whoever holds the writing lock keeps every report out of the database, and so every acknowledgement back.
    let locked = Store::open(&office.database()).await?;
    let lock = locked.write().await?;
    village.says(&["an occurrence has ended", "played"], Duration::from_secs(60)).await?;
    office.says(&["reports could not be stored"]).await?;
    ensure!(village.status().await?.contains("receipts waiting  1"), "{}", village.status().await?);
    office.cut_power().await?;
    drop(lock);
    locked.close().await;

    office.open().await?;
    let receipts = async || -> Result<Vec<Value>> {
        let heard = author.get(&format!("/heard?bulletin={id}")).await?;
        Ok(heard.pointer("/0/receipts").and_then(Value::as_array).cloned().unwrap_or_default())
    };
    until(
        "the receipt",
        Duration::from_secs(180),
        async || Ok((!receipts().await?.is_empty()).then_some(())),
    )
    .await?;
    until("the acknowledgement", Duration::from_secs(60), async || {
        Ok(village.status().await?.contains("receipts waiting  0").then_some(()))
    })
    .await?;
    let receipts = receipts().await?;
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    assert_eq!(text(&receipts[0], "/outcome")?, "played");
    village.stop().await?;
    office.close().await
}
