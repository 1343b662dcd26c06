//! Orders that silence: from the API through broker and node to the loudspeaker, and back as an answer.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Person, Station, Village};
use serde_json::{Value, json};

/// Half a minute of speech and more.
const TEXT: &str = "Ủy ban nhân dân xã Lạc Dương thông báo: sáng thứ bảy, trạm y tế tiêm vắc xin sởi cho trẻ em. \
    Mời bà con đưa các cháu đến đúng giờ, mang theo sổ tiêm chủng và giữ ấm cho các cháu trên đường đi. \
    Bà con ở xa có thể đến vào buổi chiều. Những cháu đang sốt hoặc đang ốm thì chưa tiêm, gia đình báo lại cho cán bộ y \
    tế thôn để hẹn ngày khác. Sau khi tiêm, bà con cho các cháu ở lại trạm ba mươi phút để theo dõi, rồi mới đưa về nhà.";
/// Above the noise of the recorder, below any speech.
const SOUND: f32 = 0.01;
/// How long after an order something may still be heard.
const SILENT_WITHIN_MS: f64 = 1_000.0;

/// Waits until something has been heard for a while: an order that came before the first sample would be told as missed.
async fn is_heard(village: &Village) -> Result<()> {
    until("a sound", Duration::from_secs(60), async || {
        let recordings = village.recordings()?;
        let mut segments = recordings.iter().flat_map(|heard| heard.segments(SOUND, 700));
        let is_long = segments.any(|segment| segment.end_unix_ms - segment.start_unix_ms > 1_000.0);
        Ok(is_long.then_some(()))
    })
    .await
}

/// Waits until the order's only node has said that it obeyed.
pub(crate) async fn answered(person: &Person, order: &Value) -> Result<Value> {
    let path = format!("/orders/{}", order["id"].as_str().context("an id")?);
    until("the node's answer", Duration::from_secs(20), async || {
        let order = person.get(&path).await?;
        let nodes = order["nodes"].as_array().context("nodes")?;
        let all = nodes.len() == 1 && nodes.iter().all(|node| node["answered"].is_string());
        Ok(all.then_some(order))
    })
    .await
}

/// When the last sound ended that had begun before an instant.
fn sounded_until(village: &Village, before: UnixMs) -> Result<f64> {
    let recordings = village.recordings()?;
    let segments = recordings.iter().flat_map(|heard| heard.segments(SOUND, 700));
    let begun = segments.filter(|segment| segment.start_unix_ms < before.0 as f64);
    begun.map(|segment| segment.end_unix_ms).reduce(f64::max).context("nothing was heard before the order")
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_all_silences_what_sounds_within_a_second_and_the_receipt_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
    let bulletin = station.approved("Tiêm vắc xin sởi", TEXT).await?;
    let (item, _) = station.once(&bulletin.bulletin.id, 6_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    is_heard(&village).await?;

    let approver = station.at_the_api("binh").await?;
    let province = json!({ "order": "stop_all", "area": "lam-dong", "reason": "x" });
    let stranger = approver.try_post("/orders", &province).await?;
    assert_eq!(stranger.status, 403, "the province is not the commune's to silence");
    let nameless = approver.try_post("/orders", &json!({ "order": "stop_all", "area": COMMUNE })).await?;
    assert_eq!(nameless.problem()?["code"], "order.reason_empty");

    let given = station.services().clock().now();
    let form = json!({ "order": "stop_all", "area": COMMUNE, "reason": "Phát nhầm bản tin" });
    let order = approver.post("/orders", &form).await?;
    let order = answered(&approver, &order).await?;
    assert!(order["sent"].is_string(), "{order}");
    assert_eq!(order["nodes"][0]["node"], village.node);
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(20)).await?;
    assert_eq!(
        (receipt.outcome.as_str(), receipt.reason.as_deref()),
        ("partial", Some("stopped")),
        "{receipt:?}"
    );
    village.stop().await?;
    let late_ms = sounded_until(&village, given)? - given.0 as f64;
    println!("silent {late_ms:.0} ms after the order was given");
    ensure!((0.0..=SILENT_WITHIN_MS).contains(&late_ms), "silent {late_ms:.0} ms after the order");
    let log = approver.get("/audit?limit=20").await?;
    let told = log.as_array().context("a log")?.iter().any(|entry| entry["action"] == "order.stop_all");
    assert!(told, "{log}");
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_all_clear_ends_what_is_an_emergency_and_routine_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
    let flood = station.emergency("Lũ quét", TEXT).await?;
    let meeting = station.approved("Họp dân", "Chiều nay họp dân tại nhà văn hóa.").await?;
    let later = station.emergency("Diễn tập", "Đây là cuộc diễn tập. Bà con yên tâm.").await?;
    let (flood_item, _) = station.once(&flood.bulletin.id, 6_000, &["bon-dung"]).await?;
    let (meeting_item, meeting_at) = station.once(&meeting.bulletin.id, 8_000, &[COMMUNE]).await?;
    let (later_item, later_at) = station.once(&later.bulletin.id, 40_000, &["bon-dung"]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 3).await?;
    is_heard(&village).await?;
    // It is due, and waits for the emergency's end.
    let clock = station.services().clock();
    until("the meeting's hour", Duration::from_secs(30), async || {
        Ok((clock.now() > meeting_at + 500).then_some(()))
    })
    .await?;

    let approver = station.at_the_api("binh").await?;
    let form = json!({ "order": "all_clear", "area": COMMUNE, "reason": "Nước đã rút" });
    let given = clock.now();
    let order = approver.post("/orders", &form).await?;
    answered(&approver, &order).await?;
    let receipt = station.receipt(&mut village, &flood_item, Duration::from_secs(20)).await?;
    let ended = (receipt.outcome.as_str(), receipt.reason.as_deref());
    assert_eq!(ended, ("partial", Some("stopped")), "{receipt:?}");
    // A second one, about when the meeting sounds, is nothing to it.
    let again = approver.post("/orders", &form).await?;
    answered(&approver, &again).await?;
    for (item, planned) in [(&meeting_item, meeting_at), (&later_item, later_at)] {
        let receipt = station.receipt(&mut village, item, Duration::from_secs(60)).await?;
        assert_eq!((receipt.outcome.as_str(), receipt.nominal), ("played", planned), "{receipt:?}");
    }

    village.stop().await?;
    let meeting_sound = station.sound(&meeting.latest.tracks[0].object.context("a sound")?).await?;
    let [meeting_from] = village.heard_from(&meeting_sound)?[..] else {
        bail!("the meeting was not heard once")
    };
    // From there on nothing but the meeting is heard: another sound at the same time would not correlate.
    let recordings = village.recordings()?;
    let segments = recordings.iter().flat_map(|heard| heard.segments(SOUND, 100));
    let before = segments.filter(|segment| segment.start_unix_ms < meeting_from);
    let silent = before.map(|segment| segment.end_unix_ms.min(meeting_from)).reduce(f64::max);
    let silent = silent.context("the emergency was heard")?;
    let (late_ms, waited_ms) = (silent - given.0 as f64, meeting_from - given.0 as f64);
    println!("silent {late_ms:.0} ms after the all-clear, routine goes on {waited_ms:.0} ms after it");
    // It may have been between two sentences when the order came.
    ensure!(late_ms <= SILENT_WITHIN_MS, "silent {late_ms:.0} ms after the all-clear");
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_cancelled_at_once_and_corrected_by_a_second_approved_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    station.applied(&mut village).await?;
    let wrong = station.emergency("Lũ quét", TEXT).await?.bulletin.id;
    let right = station.emergency("Đính chính", "Đính chính: không có lũ quét. Bà con yên tâm.").await?;
    let right = right.bulletin.id;
    let (item, _) = station.once(&wrong, 6_000, &["bon-dung"]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    is_heard(&village).await?;

    let approver = station.at_the_api("binh").await?;
    let given = station.services().clock().now();
    let form = json!({
        "order": "cancel", "bulletin": wrong.as_str(), "correction": right.as_str(), "reason": "Báo nhầm lũ quét",
    });
    let order = approver.post("/orders", &form).await?;
    answered(&approver, &order).await?;
    let stopped = station.receipt(&mut village, &item, Duration::from_secs(20)).await?;
    assert_eq!(
        (stopped.outcome.as_str(), stopped.reason.as_deref()),
        ("partial", Some("stopped")),
        "{stopped:?}"
    );
    let node = NodeId::new(village.node.as_str())?;
    let corrected = until("the correction", Duration::from_secs(60), async || {
        let receipts = station.receipts(&node).await?;
        Ok(receipts.into_iter().find(|receipt| receipt.bulletin == right))
    })
    .await?;
    assert_eq!(corrected.outcome, "played", "{corrected:?}");
    let again = approver.try_post("/orders", &form).await?;
    assert_eq!(again.status, 409, "it is withdrawn");
    village.stop().await?;
    let late_ms = sounded_until(&village, given)? - given.0 as f64;
    println!("silent {late_ms:.0} ms after the order was given");
    ensure!((0.0..=SILENT_WITHIN_MS).contains(&late_ms), "silent {late_ms:.0} ms after the order");
    station.stop().await;
    Ok(())
}
