//! Many boards of a commune need the same sound: it goes to all of them at once, and staff see how many have it.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_controller::domain::role::Principal;
use loa_firmware_sim::fleet::{self, FleetOptions, members};
use loa_firmware_sim::node::Reach;
use loa_protocol::ids::ItemId;
use loa_tests::Station;
use loa_tests::station::{COMMUNE, VILLAGES};
use loa_tests::wait::until;
use tokio_util::sync::CancellationToken;

const BOARDS: usize = 30;
/// About a minute of speech.
const SENTENCE: &str =
    "Ủy ban nhân dân xã thông báo lịch tiêm chủng cho trẻ em dưới năm tuổi tại trạm y tế xã. ";

#[tokio::test(flavor = "multi_thread")]
async fn thirty_boards_are_filled_by_a_wave_in_which_each_block_goes_about_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut tokens = Vec::new();
    for (number, (village, area)) in (0..BOARDS).zip(VILLAGES.iter().cycle()) {
        tokens.push(station.token(&format!("{village} {number}"), area).await?.1);
    }
    let (boards, file) = (folder.path().join("boards"), folder.path().join("tokens"));
    std::fs::write(&file, tokens.join("\n"))?;
    members::enrol_all(&boards, &file, None).await?;
    let options = FleetOptions::new(members::load(&boards, BOARDS, &Reach::AsEnrolled)?);
    let (counters, stop) = (std::sync::Arc::clone(&options.counters), CancellationToken::new());
    let running = tokio::spawn(fleet::run(options, stop.clone()));
    tokio::time::timeout(Duration::from_secs(60), counters.wait_for(|f| f.connected == BOARDS as u64))
        .await?;

    let bulletin = station.approved("Lịch tiêm chủng", &SENTENCE.repeat(12)).await?;
    let (item, _) = station.once(&bulletin.bulletin.id, 300_000, &[COMMUNE]).await?;
    let ready = counters.wait_for(|figures| figures.objects_ready == BOARDS as u64);
    let filled = tokio::time::timeout(Duration::from_secs(120), ready).await?;

    let deliveries = station.services().deliveries();
    let sent = until("the wave is counted", Duration::from_secs(30), async || {
        Ok(Some(deliveries.figures()).filter(|figures| figures.waves > 0))
    })
    .await?;
    let blocks = filled.blocks_stored / BOARDS as u64;
    ensure!(blocks >= 8, "the sound has {blocks} blocks, too few to tell");
    let published = sent.wave_blocks + sent.single_blocks;
    // Most boards are in the first wave; one that was late to ask is filled by itself.
    ensure!(published <= 3 * blocks, "{published} blocks were sent for {blocks}: {sent:?}");
    let came = filled.blocks_stored * 16 * 1024;
    ensure!(filled.wasted_bytes * 50 <= came, "{} of {came} bytes were of no use", filled.wasted_bytes);

    let operator = Principal::operator();
    let schedules = &station.services().schedules;
    let readiness = |item: ItemId| {
        let operator = &operator;
        async move {
            let view = schedules.get(operator, &item).await?;
            let mut all = schedules.readiness(operator, std::slice::from_ref(&view)).await?;
            anyhow::Ok(all.remove(&item).unwrap_or_default())
        }
    };
    until("staff see that all are ready", Duration::from_secs(60), async || {
        let readiness = readiness(item.clone()).await?;
        Ok((readiness.all.nodes == BOARDS && readiness.all.ready == BOARDS).then_some(()))
    })
    .await?;

    let page = station.at_the_api("binh").await?.get(&format!("/schedules/{item}/readiness")).await?;
    ensure!(page["all"]["ready"] == BOARDS && page["areas"][COMMUNE]["nodes"] == BOARDS, "{page}");
    stop.cancel();
    let report = running.await??;
    ensure!(report.at_stop.failed == 0, "{report:?}");
    station.stop().await;
    Ok(())
}
