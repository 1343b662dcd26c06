//! What preflight says is what the village then hears, through the same documents and the same rules.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::domain::area_rules::AreaRulesDraft;
use loa_controller::domain::role::Principal;
use loa_protocol::ids::{AreaId, ItemId};
use loa_protocol::time::UnixMs;
use loa_tests::Station;
use loa_tests::api::text;
use loa_tests::station::COMMUNE;
use serde_json::{Value, json};

const TEXT: &str =
    "Ủy ban nhân dân xã Lạc Dương thông báo lịch tiêm phòng cho gia súc ở các thôn trong tuần này.";
const VILLAGE: &str = "dang-gia";

#[tokio::test(flavor = "multi_thread")]
async fn what_preflight_says_is_what_the_node_plays_and_refuses() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let services = station.services();
    // A village that hears one session a day.
    let rules = AreaRulesDraft { sessions_a_day: "1".to_owned(), ..AreaRulesDraft::default() };
    services.areas.set_rules(&Principal::operator(), &AreaId::new(VILLAGE)?, &rules).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Đăng Gia", VILLAGE).await?;
    station.applied(&mut village).await?;
    let bulletin = station.approved("Tiêm phòng gia súc", TEXT).await?;
    let lan = station.at_the_api("lan").await?;

    // One from the commune; one of the village at the same instant, which cannot wait; one that comes when it is over.
    let at = UnixMs::from_seconds((services.clock().now() + 15_000).seconds());
    let local = |at: UnixMs| -> Result<String> {
        let local = at.to_utc().context("a year that is known")?.with_timezone(&services.zone());
        Ok(local.format("%Y-%m-%dT%H:%M:%S").to_string())
    };
    let schedule = |at: UnixMs, area: &str, within_s: u32| -> Result<Value> {
        let id = bulletin.bulletin.id.as_str();
        Ok(json!({ "bulletin": id, "at": local(at)?, "start_within_s": within_s, "areas": [area] }))
    };
    let plan = [schedule(at, COMMUNE, 60)?, schedule(at, VILLAGE, 1)?, schedule(at + 20_000, COMMUNE, 1)?];
    let draft = lan.post("/schedules/preflight", &json!({ "schedules": plan, "days": 1 })).await?;
    let mut foreseen = Vec::new();
    for schedule in &plan {
        let id = text(&lan.post("/schedules", schedule).await?, "/id")?;
        foreseen.push((ItemId::new(id.as_str())?, id));
    }
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    let told = async |id: &str| -> Result<Value> {
        let preflight = lan.get(&format!("/schedules/{id}/preflight?days=1")).await?;
        let starts = preflight.pointer("/groups/0/starts").and_then(Value::as_array).context("starts")?;
        let own = starts.iter().find(|start| start["schedule"] == id);
        own.cloned().with_context(|| format!("{preflight}"))
    };
    let mut said = Vec::new();
    for (_, id) in &foreseen {
        said.push(told(id).await?);
    }
    let outcomes: Vec<(&str, &str)> = said
        .iter()
        .map(|start| (start["outcome"].as_str().unwrap_or(""), start["reason"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(outcomes, [("played", ""), ("missed", "yielded"), ("missed", "sessions_spent")]);
    assert_eq!(said[1]["winner"]["schedule"], foreseen[0].1, "{}", said[1]);
    assert_eq!(said[2]["forbidden_by"], json!([VILLAGE]), "{}", said[2]);
    // The same was said before anything was saved.
    let drafts = draft.pointer("/groups/0/starts").and_then(Value::as_array).context("starts of drafts")?;
    let mut before: Vec<&str> = drafts.iter().map(|start| start["outcome"].as_str().unwrap_or("")).collect();
    before.sort_unstable();
    assert_eq!(before, ["missed", "missed", "played"], "{draft}");

    for ((item, _), said) in foreseen.iter().zip(&said) {
        let receipt = station.receipt(&mut village, item, Duration::from_secs(90)).await?;
        assert_eq!(receipt.outcome, text(said, "/outcome")?, "{receipt:?}");
        assert_eq!(receipt.reason.as_deref(), said["reason"].as_str(), "{receipt:?}");
        assert_eq!(receipt.nominal.to_string(), text(said, "/planned")?);
        let sounded = i64::from(receipt.played_ms.unwrap_or(0));
        let length = said["sound_ms"].as_i64().context("a length")?;
        ensure!((sounded - length).abs() < 100, "{sounded} ms instead of {length}: {receipt:?}");
    }
    village.stop().await?;
    ensure!(village.recordings()?.len() == 1, "one sound");
    station.stop().await;
    Ok(())
}
