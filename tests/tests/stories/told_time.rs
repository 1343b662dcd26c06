//! A board without a time service hears the time from the controller, and plays.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::config::ClockTrust as OwnTrust;
use loa_controller::store::reports;
use loa_protocol::clock::{ClockSource, TRUSTED_MAX_MS};
use loa_protocol::ids::NodeId;
use loa_protocol::report::ClockTrust;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Mosquitto, Station};

const TEXT: &str = "Ủy ban nhân dân xã Lạc Dương thông báo: chiều nay tạm ngừng cấp nước để sửa đường ống.";
/// Health is reported every minute.
const HEALTH_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_has_no_time_service_is_told_the_time_and_plays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start_with(folder.path(), |config| config.clock.trust = OwnTrust::System).await?;
    let mut village = station.board(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    village.believe_the_controller();
    village.start()?;
    station.state(&mut village, "no time yet", |state| state.clock == ClockTrust::Unknown).await?;
    let told = station.state(&mut village, "the time", |state| state.clock == ClockTrust::Trusted).await?;

    let bulletin = station.approved("Tạm ngừng cấp nước", TEXT).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 8_000, &[COMMUNE]).await?;
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(60)).await?;
    assert_eq!((receipt.outcome.as_str(), receipt.nominal), ("played", planned), "{receipt:?}");
    assert_eq!(receipt.clock, "trusted");

    // Board and controller run on one machine here, so the board's clock should say what the controller's says: a busy machine may
    // start late, never early.
    let error_ms = receipt.start_error_ms().context("it sounded")?;
    ensure!(error_ms > -TRUSTED_MAX_MS.cast_signed(), "{error_ms} ms off");
    let node = NodeId::new(village.node.as_str())?;
    let health = until("a health report by the exchange", HEALTH_WITHIN, async || {
        let mut tx = station.services().store().read().await?;
        let all = reports::health(&mut tx, &node).await?;
        Ok(all.into_iter().map(|(health, _)| health).find(|h| h.clock_source == Some(ClockSource::Exchange)))
    })
    .await?;
    ensure!(health.clock_error_ms.is_some_and(|bound| bound <= TRUSTED_MAX_MS), "{health:?}");
    assert_eq!((health.clock, health.clock_ahead_ms), (ClockTrust::Trusted, None));

    // The program is started again: the boot's clock ran on, and the time with it, without anybody to ask.
    village.stop().await?;
    village.start()?;
    let again = station.state(&mut village, "another run", |state| state.boot != told.boot).await?;
    assert_eq!(again.clock, ClockTrust::Trusted);
    village.stop().await?;
    station.stop().await;
    Ok(())
}

/// The access list of `deploy/` lets requests and answers pass.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_told_through_mosquitto_too() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut mosquitto = Mosquitto::prepare(folder.path())?;
    let station = Station::start_with(folder.path(), |config| {
        mosquitto.configure(config);
        config.clock.trust = OwnTrust::System;
    })
    .await?;
    mosquitto.start().await?;
    let mut village = station.board(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    village.believe_the_controller();
    village.start()?;
    station.state(&mut village, "the time", |state| state.clock == ClockTrust::Trusted).await?;
    village.stop().await?;
    station.stop().await;
    Ok(())
}
