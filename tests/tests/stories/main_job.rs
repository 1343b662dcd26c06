//! The main job: a typed bulletin sounds at its hour, as it was made, and the database knows.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_firmware_sim::recorder::RATE_HZ;
use loa_tests::Station;
use loa_tests::station::COMMUNE;

const TEXT: &str = "Ủy ban nhân dân xã Lạc Dương thông báo: sáng thứ bảy, trạm y tế tiêm vắc xin sởi cho trẻ em. \
    Mời bà con đưa các cháu đến đúng giờ.";

/// How far the start may be from the plan, by the recorder's own clock.
const START_WITHIN_MS: f64 = 50.0;
/// How alike the recorded and the decoded samples must be.
const ALIKE: f64 = 0.99;

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_bulletin_sounds_at_its_hour_as_it_was_made() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;

    let bulletin = station.approved("Tiêm vắc xin sởi", TEXT).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 6_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(40)).await?;

    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    assert_eq!(receipt.nominal, planned);
    village.stop().await?;
    let recordings = village.recordings()?;
    ensure!(recordings.len() == 1, "the card was opened {} times", recordings.len());
    let heard = &recordings[0];

    let object = bulletin.latest.tracks[0].object.context("a sound")?;
    let decoded = loa_speech::opus::decode(&station.object(&object).await?)?;
    let matched = heard.find(decoded.samples(), decoded.sample_rate_hz())?;
    println!("correlation {:.4}", matched.coefficient);
    ensure!(matched.coefficient >= ALIKE, "correlation {:.4}", matched.coefficient);

    let started = heard.unix_ms(usize::try_from(matched.lag_frames)?).context("a timeline")?;
    let error_ms = started - planned.0 as f64;
    println!("start error {error_ms:.1} ms; the node says {:?}", receipt.start_error_ms());
    ensure!(error_ms.abs() <= START_WITHIN_MS, "the start was {error_ms:.1} ms off");
    let heard_ms = decoded.samples().len() as f64 * 1000.0 / f64::from(decoded.sample_rate_hz());
    ensure!(
        (f64::from(receipt.played_ms.unwrap_or(0)) - heard_ms).abs() < 50.0,
        "{receipt:?} of {heard_ms} ms"
    );
    ensure!(heard.samples().len() > (heard_ms * f64::from(RATE_HZ) / 1000.0) as usize, "not all was heard");
    station.stop().await;
    Ok(())
}
