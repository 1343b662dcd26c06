//! Memory, processor and size of `loa-node`, connected to a real controller over TLS and playing into a recorder.
//!
//! Megabytes are 10^6 bytes. What is measured is the node's process alone; the recorder is one of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use loa_tests::api::text;
use loa_tests::office::COMMUNE_ID;
use loa_tests::table::layout;
use loa_tests::wait::until;
use loa_tests::{Office, Person, Village, program, programme};
use serde_json::json;

use crate::Goal;
use crate::peers::{self, measure};
use crate::process::Usage;

const MEGABYTE: f64 = 1e6;
/// From a change of state until it is watched: handshakes and downloads are over, the first samples have sounded.
const SETTLE: Duration = Duration::from_secs(10);
const SENTENCE: &str =
    "Ủy ban nhân dân xã Lạc Dương thông báo lịch tiêm phòng cho gia súc và lịch cắt điện trong tuần. ";

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(seconds: u64) -> Result<Vec<Goal>> {
    let time = Duration::from_secs(seconds);
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let mut office = Office::new(folder)?;
    office.open().await?;
    office.found().await?;
    let (author, approver) =
        (office.person("lan", "author").await?, office.person("binh", "approver").await?);
    let mut village = office.village("Cụm loa Bon Đưng").await?;

    // Spoken in about seven seconds each: it must last while it is watched, and a little more.
    let sentences = usize::try_from((time + SETTLE).as_secs() / 5 + 4)?;
    let bulletin = programme::approved(&author, &approver, &json!({
        "area": COMMUNE_ID, "title": "Thông báo", "text": SENTENCE.repeat(sentences), "category": "local_notice",
        "class": "normal",
    }))
    .await?;
    let object = text(&bulletin, "/latest/tracks/0/object")?;
    let starts_in = SETTLE * 2 + time + Duration::from_secs(10);
    let id = text(&bulletin, "/id")?;
    let at = Instant::now() + starts_in;
    programme::scheduled(&author, &bulletin, starts_in, &[COMMUNE_ID]).await?;
    until("audio ready", Duration::from_secs(60), async || {
        let node = author.get(&format!("/nodes/{}", village.node)).await?;
        Ok((node.pointer("/status/objects_ready") == Some(&json!(1))).then_some(()))
    })
    .await?;

    let idle = measure(village.program()?, SETTLE, time).await?;
    ensure!(
        Instant::now() < at,
        "the machine is too busy: the bulletin began while the idle node was watched"
    );
    let waiting = at.saturating_duration_since(Instant::now());
    let playing = measure(village.program()?, waiting + SETTLE, time).await?;
    heard(&author, &mut village, &id).await?;
    village.stop().await?;

    let cached = village.data_dir().join("objects").join(&object);
    let sound = folder.join("sound.opus");
    std::fs::copy(&cached, &sound).with_context(|| format!("copying {}", cached.display()))?;
    let subscriber = peers::mosquitto_sub(&office, folder, SETTLE, time).await?;
    let player = peers::ffplay(&village, &sound, folder, SETTLE, time).await?;
    office.close().await?;

    let program_bytes = std::fs::metadata(program::path("loa-node")?)?.len();
    let rows = [
        row("loa-node", "idle", idle),
        row("mosquitto_sub", "idle", subscriber),
        row("loa-node", "playing", playing),
        row("ffplay", "playing", player),
    ];
    println!("{}", layout(&["program", "state", "RSS MB", "PSS MB", "CPU % of a core"], &rows));
    println!("\nloa-node on the disk: {:.2} MB", program_bytes as f64 / MEGABYTE);
    let rss = |usage: Usage| usage.rss_bytes as f64 / MEGABYTE;
    let size = program_bytes as f64 / MEGABYTE;
    Ok(vec![
        Goal::at_most("loa-node idle, resident memory", rss(idle), "MB", 12.0),
        Goal::at_most("loa-node idle, processor", idle.cpu_percent, "% of a core", 1.0),
        Goal::at_most("loa-node playing, resident memory", rss(playing), "MB", 16.0),
        Goal::at_most("loa-node, size of the program", size, "MB", 8.0),
    ])
}

fn row(program: &str, state: &str, usage: Usage) -> Vec<String> {
    vec![
        program.to_owned(),
        state.to_owned(),
        format!("{:.1}", usage.rss_bytes as f64 / MEGABYTE),
        format!("{:.1}", usage.pss_bytes as f64 / MEGABYTE),
        format!("{:.2}", usage.cpu_percent),
    ]
}

/// Waits for the receipt: what was watched was really a sound.
async fn heard(author: &Person, village: &mut Village, bulletin: &str) -> Result<()> {
    let outcome = until("the receipt", Duration::from_secs(180), async || {
        village.program()?.check()?;
        let heard = author.get(&format!("/heard?bulletin={bulletin}")).await?;
        Ok(text(&heard, "/0/receipts/0/outcome").ok())
    })
    .await?;
    ensure!(outcome == "played", "the bulletin was {outcome}");
    Ok(())
}
