//! Recordings that cannot be used: the words say what is wrong, and the bulletin stays as it was written.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hound::{SampleFormat, WavSpec, WavWriter};
use loa_tests::api::text;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Person, Station};
use serde_json::{Value, json};

/// A file of `audio-samples/`.
pub(crate) fn sample(name: &str) -> Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio-samples").join(name);
    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// So many seconds of nothing, 8 kHz, 8 bit, as a cheap recorder with its microphone off would make.
fn silence(seconds: u32) -> Result<Vec<u8>> {
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 8, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec)?;
    for _ in 0..seconds * 8_000 {
        writer.write_sample(0_i8)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

/// Waits until the K'Ho track is made or has failed.
async fn ended(person: &Person, id: &str) -> Result<Value> {
    until("the end of making", Duration::from_secs(120), async || {
        let bulletin = person.get(&format!("/bulletins/{id}")).await?;
        let tracks =
            bulletin.pointer("/latest/tracks").and_then(Value::as_array).cloned().unwrap_or_default();
        let track = tracks.into_iter().find(|track| track["language"] == "kpm").context("the K'Ho track")?;
        Ok(["done", "failed"].contains(&text(&track, "/making")?.as_str()).then_some(track))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_recording_is_named_and_a_good_one_takes_its_place() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let lan = station.at_the_api("lan").await?;
    let form = json!({
        "area": COMMUNE, "title": "Tiêm vắc xin", "text": "Mời bà con đưa trẻ đi tiêm.", "category": "health",
        "class": "normal",
    });
    let mut bulletin = lan.post("/bulletins", &form).await?;
    let id = text(&bulletin, "/id")?;
    let wav = sample("phrase.wav")?;
    let truncated = wav[..wav.len() / 2].to_vec();
    let mp4 = sample("phrase.m4a")?;
    let without_index = mp4[..mp4.len() / 2].to_vec();
    for (name, bytes, code) in [
        ("half.wav", truncated, "recording.truncated"),
        ("half.m4a", without_index, "recording.truncated"),
        ("silent.wav", silence(5)?, "recording.silent"),
        ("three-hours.wav", silence(3 * 3600)?, "recording.too_long"),
        (
            "minutes.docx",
            b"PK\x03\x04 bi\xc3\xaan b\xe1\xba\xa3n h\xe1\xbb\x8dp".to_vec(),
            "recording.not_audio",
        ),
    ] {
        bulletin = lan.try_upload(&bulletin, "kpm", name, bytes).await?.good()?;
        let track = ended(&lan, &id).await?;
        assert_eq!(text(&track, "/error/code").with_context(|| format!("{name}: {track}"))?, code, "{name}");
        ensure!(!text(&track, "/error/vi")?.is_empty() && !text(&track, "/error/en")?.is_empty(), "{track}");
        assert_eq!(text(&track, "/file_name")?, name);
        assert_eq!(text(&bulletin, "/latest/text")?, "Mời bà con đưa trẻ đi tiêm.");
    }
    // An empty file, and one for a language that is none, are refused before anything is made of them.
    let empty = lan.try_upload(&bulletin, "kpm", "empty.wav", Vec::new()).await?.problem()?;
    assert_eq!(text(&empty, "/errors/0/code")?, "recording.empty");
    let nobody = lan.try_upload(&bulletin, "Kinh", "phrase.wav", wav.clone()).await?.problem()?;
    ensure!(text(&nobody, "/errors/0/code")? == "language.unknown", "{nobody}");

    // With a sound that failed nothing can be submitted; a good recording mends it.
    let path = format!("/bulletins/{id}");
    let shown = lan.get(&path).await?;
    let early =
        lan.try_post(&format!("{path}/submit"), &json!({ "seen": shown["seen"] })).await?.problem()?;
    assert_eq!(early["code"], "bulletin.audio_failed", "{early}");
    bulletin = lan.try_upload(&bulletin, "kpm", "phrase.wav", wav).await?.good()?;
    let track = ended(&lan, &text(&bulletin, "/id")?).await?;
    assert_eq!(text(&track, "/making")?, "done", "{track}");
    let shown = lan.get(&path).await?;
    lan.post(&format!("{path}/submit"), &json!({ "seen": shown["seen"] })).await?;
    station.stop().await;
    Ok(())
}
