//! A bulletin in two languages: each village hears those that it speaks, its own first.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_protocol::bulletin::Language;
use loa_protocol::ids::BulletinId;
use loa_tests::Station;
use loa_tests::api::text;
use loa_tests::station::COMMUNE;
use serde_json::json;

use crate::recordings::sample;

#[tokio::test(flavor = "multi_thread")]
async fn a_koho_recording_sounds_before_the_vietnamese_voice_where_koho_is_spoken() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    station.speaks("bon-dung", &["kpm", "vi"]).await?;
    let mut koho = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let mut kinh = station.village(folder.path(), "Nhà văn hóa Đăng Gia", "dang-gia").await?;
    for village in [&mut koho, &mut kinh] {
        station.applied(village).await?;
    }

    let lan = station.at_the_api("lan").await?;
    let form = json!({
        "area": COMMUNE, "title": "Tiêm vắc xin sởi", "text": "Sáng thứ bảy, trạm y tế tiêm vắc xin sởi cho trẻ em.",
        "category": "health", "class": "normal",
    });
    let written = lan.post("/bulletins", &form).await?;
    // The announcer's recording; a stand-in for her voice.
    lan.try_upload(&written, "kpm", "koho.wav", sample("phrase.wav")?).await?.good()?;
    let bulletin = station.made_and_approved(&BulletinId::new(text(&written, "/id")?)?).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 10_000, &[COMMUNE]).await?;

    for (village, expected) in [(&mut koho, ["kpm", "vi"].as_slice()), (&mut kinh, &["vi"])] {
        let receipt = station.receipt(village, &item, Duration::from_secs(90)).await?;
        assert_eq!(receipt.outcome, "played", "{receipt:?}");
        village.stop().await?;
        let recordings = village.recordings()?;
        ensure!(recordings.len() == 1, "the card was opened {} times", recordings.len());
        let heard = &recordings[0];
        let mut order = Vec::new();
        for language in ["vi", "kpm"] {
            let tag = Language::new(language)?;
            let track = bulletin.latest.tracks.iter().find(|track| track.content.language == tag);
            let object = track.and_then(|track| track.object).context("a sound in each language")?;
            let made = station.sound(&object).await?;
            let Ok(matched) = heard.find(made.samples(), made.sample_rate_hz()) else { continue };
            println!("{}: {language} correlation {:.4}", village.node, matched.coefficient);
            if matched.coefficient >= 0.99 {
                order.push((matched.lag_frames, language));
            } else {
                ensure!(matched.coefficient < 0.5, "{language} was half heard: {:.4}", matched.coefficient);
            }
        }
        order.sort_unstable();
        assert_eq!(
            order.iter().map(|(_, language)| *language).collect::<Vec<_>>(),
            expected,
            "{}",
            village.name
        );
        let first = usize::try_from(order[0].0)?;
        let started = heard.unix_ms(first).context("a timeline")? - planned.0 as f64;
        ensure!(started.abs() <= 50.0, "the first track began {started:.1} ms off");
    }
    station.stop().await;
    Ok(())
}
