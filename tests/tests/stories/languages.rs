//! A bulletin in three languages: each village hears those that it speaks, in its own order with a short gap; one for
//! which there is none hears the Vietnamese track, and the bulletin says so beforehand.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_protocol::bulletin::Language;
use loa_protocol::ids::BulletinId;
use loa_tests::Station;
use loa_tests::api::text;
use loa_tests::station::COMMUNE;
use serde_json::json;

use crate::recordings::sample;

/// What a village heard, in its order: the language, when it began and how long it is, in milliseconds.
type Heard = Vec<(&'static str, f64, f64)>;

#[tokio::test(flavor = "multi_thread")]
async fn each_village_hears_its_own_languages_in_its_own_order() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    station.speaks("bon-dung", &["cma", "kpm", "vi"]).await?;
    station.speaks("pang-tieng", &["cje"]).await?;
    let mut koho = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let mut kinh = station.village(folder.path(), "Nhà văn hóa Đăng Gia", "dang-gia").await?;
    let mut churu = station.village(folder.path(), "Nhà văn hóa Păng Tiêng", "pang-tieng").await?;
    for village in [&mut koho, &mut kinh, &mut churu] {
        station.applied(village).await?;
    }

    let lan = station.at_the_api("lan").await?;
    let form = json!({
        "area": COMMUNE, "title": "Tiêm vắc xin sởi", "text": "Sáng thứ bảy, trạm y tế tiêm vắc xin sởi cho trẻ em.",
        "category": "health", "class": "normal",
    });
    let written = lan.post("/bulletins", &form).await?;
    // The announcer's recordings; stand-ins for her voice.
    let written = lan.try_upload(&written, "kpm", "koho.wav", sample("phrase.wav")?).await?.good()?;
    let written = lan.try_upload(&written, "cma", "ma.wav", sample("chime.wav")?).await?.good()?;
    let lacks = json!([{
        "language": "cje",
        "villages": [{ "id": "pang-tieng", "name": "Păng Tiêng", "hears": "vietnamese" }],
    }]);
    ensure!(written["missing_languages"] == lacks, "{}", written["missing_languages"]);
    let bulletin = station.made_and_approved(&BulletinId::new(text(&written, "/id")?)?).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 15_000, &[COMMUNE]).await?;

    for (village, expected) in
        [(&mut koho, ["cma", "kpm", "vi"].as_slice()), (&mut kinh, &["vi"]), (&mut churu, &["vi"])]
    {
        let receipt = station.receipt(village, &item, Duration::from_secs(120)).await?;
        assert_eq!(receipt.outcome, "played", "{receipt:?}");
        village.stop().await?;
        let recordings = village.recordings()?;
        ensure!(recordings.len() == 1, "the card was opened {} times", recordings.len());
        let recording = &recordings[0];
        let mut heard: Heard = Vec::new();
        for language in ["vi", "kpm", "cma"] {
            let tag = Language::new(language)?;
            let track = bulletin.latest.tracks.iter().find(|track| track.content.language == tag);
            let object = track.and_then(|track| track.object).context("a sound in each language")?;
            let made = station.sound(&object).await?;
            let length_ms = made.samples().len() as f64 / f64::from(made.sample_rate_hz()) * 1_000.0;
            let Ok(matched) = recording.find(made.samples(), made.sample_rate_hz()) else { continue };
            println!("{}: {language} correlation {:.4}", village.node, matched.coefficient);
            if matched.coefficient >= 0.99 {
                let began_ms =
                    recording.unix_ms(usize::try_from(matched.lag_frames)?).context("a timeline")?;
                heard.push((language, began_ms, length_ms));
            } else {
                ensure!(matched.coefficient < 0.5, "{language} was half heard: {:.4}", matched.coefficient);
            }
        }
        heard.sort_by(|a, b| a.1.total_cmp(&b.1));
        let order: Vec<&str> = heard.iter().map(|(language, ..)| *language).collect();
        assert_eq!(order, expected, "{}", village.name);
        let started = heard[0].1 - planned.0 as f64;
        ensure!(started.abs() <= 50.0, "the first track began {started:.1} ms off");
        for pair in heard.windows(2) {
            let gap_ms = pair[1].1 - (pair[0].1 + pair[0].2);
            println!("{}: {} to {}: a gap of {gap_ms:.0} ms", village.node, pair[0].0, pair[1].0);
            ensure!((900.0..3_000.0).contains(&gap_ms), "a gap of {gap_ms:.0} ms");
        }
    }
    station.stop().await;
    Ok(())
}
