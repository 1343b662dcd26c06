//! `loa-controller preflight`, as somebody at a terminal runs it beside a running controller.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use loa_tests::Station;
use loa_tests::api::text;
use loa_tests::program;
use loa_tests::station::COMMUNE;
use serde_json::{Value, json};

const TEXT: &str =
    "Ủy ban nhân dân xã Lạc Dương thông báo lịch tiêm phòng cho gia súc ở các thôn trong tuần này.";

/// What the command prints, or says why it refuses.
async fn preflight(station: &Station, arguments: &[&str]) -> Result<String> {
    let folder = station.data_dir().to_str().context("a folder whose name is text")?.to_owned();
    let arguments = ["preflight"].iter().chain(arguments);
    program::output("loa-controller", arguments, &[("LOA_DATA_DIR", folder)]).await
}

async fn of_plan(station: &Station, folder: &Path, plan: &str) -> Result<String> {
    let file = folder.join("plan.json");
    std::fs::write(&file, plan)?;
    preflight(station, &["--plan", file.to_str().context("a path that is text")?]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_the_api_says() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Đăng Gia", "dang-gia").await?;
    station.applied(&mut village).await?;
    let bulletin = station.approved("Tiêm phòng gia súc", TEXT).await?;
    let lan = station.at_the_api("lan").await?;
    let daily = json!({ "bulletin": bulletin.bulletin.id.as_str(), "cron": "0 5,17 * * *", "areas": [COMMUNE], "rounds": 2 });
    let id = text(&lan.post("/schedules", &daily).await?, "/id")?;

    let in_words = preflight(&station, &["--schedule", &id, "--days", "3"]).await?;
    let sounding = in_words.lines().filter(|line| line.contains("Tiêm phòng gia súc"));
    ensure!(sounding.count() == 6, "two a day for three days:\n{in_words}");
    ensure!(in_words.contains("1 loudspeakers") && in_words.contains("Đăng Gia"), "{in_words}");

    let of_command = preflight(&station, &["--schedule", &id, "--days", "3", "--json"]).await?;
    let of_command: Value = serde_json::from_str(&of_command)?;
    let of_api = lan.get(&format!("/schedules/{id}/preflight?days=3")).await?;
    ensure!(of_command["groups"] == of_api["groups"], "{of_command}\n{of_api}");
    let everywhere = preflight(&station, &["--days", "3", "--json"]).await?;
    ensure!(serde_json::from_str::<Value>(&everywhere)?["groups"] == of_api["groups"], "{everywhere}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_not_good_is_refused_with_the_place_and_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let bulletin = station.approved("Tiêm phòng gia súc", TEXT).await?;
    let id = bulletin.bulletin.id.as_str();
    let good = json!({ "bulletin": id, "cron": "0 5 * * *", "areas": [COMMUNE] });
    let with = |change: Value| -> Value {
        let mut schedule = good.clone();
        for (key, value) in change.as_object().into_iter().flatten() {
            schedule[key] = value.clone();
        }
        json!({ "schedules": [good, schedule] })
    };
    of_plan(&station, folder.path(), &with(json!({})).to_string()).await?;

    let many = json!({ "schedules": vec![&good; 50_000] });
    let cases = [
        ("xin chào".to_owned(), vec!["plan.json", "schedules"]),
        (many.to_string(), vec!["1000", "50000"]),
        (with(json!({ "zone": "Asia/Dalat" })).to_string(), vec!["zone"]),
        (
            with(json!({ "bulletin": "no-such" })).to_string(),
            vec!["schedules[1].bulletin", "no such bulletin"],
        ),
        (with(json!({ "areas": ["no-such"] })).to_string(), vec!["schedules[1].areas"]),
        (with(json!({ "areas": [] })).to_string(), vec!["schedules[1].areas"]),
        (with(json!({ "cron": "0 5 31 4 *" })).to_string(), vec!["schedules[1].cron"]),
        (
            with(json!({ "cron": "0 5 29 2 *", "valid_until": "2027-12-31T00:00" })).to_string(),
            vec!["schedules[1]."],
        ),
        (with(json!({ "cron": null })).to_string(), vec!["schedules[1].at", "Give one start"]),
        (with(json!({ "cron": null, "at": "2040-01-01T05:00" })).to_string(), vec!["schedules[1].at"]),
        (with(json!({ "rounds": 1_000 })).to_string(), vec!["schedules[1].rounds"]),
    ];
    for (plan, words) in cases {
        let Err(refusal) = of_plan(&station, folder.path(), &plan).await else {
            anyhow::bail!("taken: {}", plan.chars().take(400).collect::<String>());
        };
        let refusal = refusal.to_string();
        ensure!(words.iter().all(|word| refusal.contains(word)), "{words:?} are not in: {refusal}");
    }
    let absent = preflight(&station, &["--schedule", "no-such"]).await;
    ensure!(absent.is_err_and(|refusal| refusal.to_string().contains("no such schedule")));
    let days = preflight(&station, &["--days", "32"]).await;
    ensure!(days.is_err_and(|refusal| refusal.to_string().contains("1 to 31")));
    Ok(())
}
