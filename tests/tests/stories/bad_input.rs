//! Bad input through the API of the running controller: a clear refusal each time, and nothing is lost.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_tests::api::text;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Person, Station};
use serde_json::{Value, json};

fn bulletin(text: &str) -> Value {
    json!({ "area": COMMUNE, "title": "Lịch cắt điện", "text": text, "category": "local_notice", "class": "normal" })
}

/// The code of the refusal, and those of its fields.
async fn refusal(person: &Person, path: &str, form: &Value) -> Result<(u64, String, Vec<String>)> {
    let problem = person.try_post(path, form).await?.problem()?;
    ensure!(!text(&problem, "/detail")?.is_empty(), "a refusal has words: {problem}");
    let fields = problem.pointer("/errors").and_then(Value::as_array).cloned().unwrap_or_default();
    let fields = fields.iter().map(|e| Ok(format!("{} {}", text(e, "/field")?, text(e, "/code")?)));
    let status = problem["status"].as_u64().unwrap_or_default();
    Ok((status, text(&problem, "/code")?, fields.collect::<Result<_>>()?))
}

/// Waits for a sound and gives its object.
async fn object(person: &Person, id: &str) -> Result<String> {
    until("the sound", Duration::from_secs(60), async || {
        let bulletin = person.get(&format!("/bulletins/{id}")).await?;
        ensure!(
            text(&bulletin, "/latest/tracks/0/making")? != "failed",
            "the sound was not made: {bulletin}"
        );
        Ok(text(&bulletin, "/latest/tracks/0/object").ok())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_form_is_refused_with_its_reason_and_nothing_is_stored() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let lan = station.at_the_api("lan").await?;
    for (words, expected) in [
        ("", "text text.empty"),
        ("\u{feff} \r\n ", "text text.empty"),
        ("😀😀", "text text.empty"),
        ("Mất điện\u{0} từ 8 giờ", "text text.control_character"),
        ("\u{1b}[2J Mất điện", "text text.control_character"),
        (&"a ".repeat(500_000), "text text.too_long"),
    ] {
        let (status, _, fields) = refusal(&lan, "/bulletins", &bulletin(words)).await?;
        assert_eq!((status, fields), (422, vec![expected.to_owned()]), "{:.20}", words);
    }
    let mut nowhere = bulletin("Mất điện từ 8 giờ.");
    nowhere["area"] = json!("khong-co");
    assert_eq!(refusal(&lan, "/bulletins", &nowhere).await?.1, "area.not_found");
    // More than a request may have.
    let huge = bulletin(&"a".repeat(1024 * 1024));
    assert_eq!(refusal(&lan, "/bulletins", &huge).await?, (413, "request.too_large".to_owned(), vec![]));
    assert_eq!(lan.get("/bulletins").await?, json!([]), "a refused bulletin was stored");

    let id = text(&lan.post("/bulletins", &bulletin("Mất điện từ 8 giờ.")).await?, "/id")?;
    for (field, value, expected) in [
        ("cron", "0 0 30 2 *", "cron start.never"),
        ("cron", "every day", "cron cron.unreadable"),
        ("cron", "61 * * * *", "cron cron.unreadable"),
        ("at", "2020-01-01T00:00", "at start.past"),
        ("at", "hôm nay", "at time.unreadable"),
    ] {
        let mut form = json!({ "bulletin": id, "areas": [COMMUNE] });
        form[field] = json!(value);
        let (status, _, fields) = refusal(&lan, "/schedules", &form).await?;
        assert_eq!((status, fields), (422, vec![expected.to_owned()]), "{value}");
    }
    let unknown = json!({ "bulletin": id, "areas": [COMMUNE, "khong-co"], "cron": "30 17 * * *" });
    assert_eq!(refusal(&lan, "/schedules", &unknown).await?.2, ["areas[1] target.unknown"]);
    assert_eq!(lan.get("/schedules").await?, json!([]), "a refused schedule was stored");
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_spellings_are_spoken_as_the_plain_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let lan = station.at_the_api("lan").await?;
    let plain = "Xã Lạc Dương mất điện.";
    // The same letters, each diacritic on its own, as some keyboards and file systems give them.
    let decomposed = "Xa\u{303} La\u{323}c Du\u{31b}o\u{31b}ng ma\u{302}\u{301}t đie\u{323}\u{302}n.";
    let mut objects = Vec::new();
    for words in [plain, decomposed] {
        let made = lan.post("/bulletins", &bulletin(words)).await?;
        assert_eq!(text(&made, "/latest/text")?, plain);
        objects.push(object(&lan, &text(&made, "/id")?).await?);
    }
    assert_eq!(objects[0], objects[1], "the same words, spoken the same");

    // Brackets would be read as phonemes, and a picture has no sound: both are spoken around.
    for words in ["Mất điện [[h@l'oU]] từ 8 giờ.", "Mất điện 🎉 từ 8 giờ 😀."] {
        let made = lan.post("/bulletins", &bulletin(words)).await?;
        assert_eq!(text(&made, "/latest/text")?, words);
        object(&lan, &text(&made, "/id")?).await?;
    }
    station.stop().await;
    Ok(())
}
