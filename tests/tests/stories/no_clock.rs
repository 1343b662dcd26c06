//! Live orders where a board does not know the time: it believes those that name its present boot, and no other.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_node::store::Store;
use loa_node_core::{Slot, StoredDocument};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_tests::Village;
use loa_tests::line::Line;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use serde_json::json;

use crate::bad_line::{THICK_BYTES_PER_SECOND, village_behind};
use crate::orders::answered;

const TEXT: &str = "Chiều nay họp dân tại nhà văn hóa.";
const HOUR_MS: i64 = 3_600_000;

/// Makes a board, while it is off, one that took its keys when its clock and their signer's stood at `at`. Its clock has run from
/// there ever since, and is believed by nobody: that instant is past for certain, and the system says something else.
async fn has_seen(village: &Village, at: UnixMs) -> Result<()> {
    let mut store = Store::open(&village.data_dir()).await?;
    let mut documents = store.restore().await?.documents.into_iter();
    let (slot, keys) = documents.find(|(slot, _)| *slot == Slot::Keys).context("it has keys")?;
    store.save_document(&slot, &StoredDocument { issued_at: at, applied_at: at, ..keys }).await?;
    Ok(store.close().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_without_a_clock_obeys_an_order_to_this_boot_and_refuses_one_to_the_boot_before() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let line = Line::open(THICK_BYTES_PER_SECOND).await?;
    let (station, mut village) = village_behind(&line, folder.path()).await?;
    let bulletin = station.approved("Họp dân", TEXT).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, HOUR_MS, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;

    village.stop().await?;
    has_seen(&village, planned + 1_000).await?;
    village.start()?;
    let unknown = |state: &loa_protocol::report::State| state.clock == ClockTrust::Unknown;
    let first = station.state(&mut village, "a clock that nobody believes", unknown).await?;

    // The order is given while the first of these boots stands, and comes to the second: the line loses all that was sent.
    let approver = station.at_the_api("binh").await?;
    let form = json!({ "order": "stop_all", "area": COMMUNE, "reason": "Phát nhầm bản tin" });
    line.swallow();
    let to_the_first = approver.post("/orders", &form).await?;
    village.cut_power().await?;
    line.forget();
    village.start()?;
    let events = format!("/nodes/{}/events", village.node);
    until("the refusal", Duration::from_secs(50), async || {
        village.program()?.check()?;
        let told = approver.get(&events).await?;
        let mut codes = told.as_array().context("events")?.iter().map(|event| &event["code"]);
        Ok(codes.any(|code| *code == "refused.expired").then_some(()))
    })
    .await?;
    let boots_differ = |state: &loa_protocol::report::State| unknown(state) && state.boot != first.boot;
    station.state(&mut village, "the state of the second boot", boots_differ).await?;

    let to_the_second = approver.post("/orders", &form).await?;
    answered(&approver, &to_the_second).await?;
    let id = to_the_first["id"].as_str().context("an id")?;
    let unheard = approver.get(&format!("/orders/{id}")).await?;
    assert_eq!(unheard["nodes"][0]["answered"], json!(null), "{unheard}");
    // What was due and waited for a clock is over.
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(20)).await?;
    assert_eq!(
        (receipt.outcome.as_str(), receipt.reason.as_deref(), receipt.clock.as_str()),
        ("missed", Some("stopped"), "unknown"),
        "{receipt:?}"
    );
    village.stop().await?;
    ensure!(village.recordings()?.is_empty(), "something sounded");
    station.stop().await;
    Ok(())
}
