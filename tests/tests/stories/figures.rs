//! What whoever watches the installation reads of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_tests::Station;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;

/// The value of one line of the figures.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_connects_shows_in_the_figures() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let address = station.controller().metrics_addr().context("figures are served")?;
    let read = async || -> Result<String> {
        let answer = reqwest::get(format!("http://{address}/metrics")).await?.error_for_status()?;
        Ok(answer.text().await?)
    };
    ensure!(value(&read().await?, "loa_nodes_connected") == Some(0.0));
    let mut village = station.village(folder.path(), "Cụm loa 1", COMMUNE).await?;
    station.applied(&mut village).await?;
    let text = until("the node in the figures", Duration::from_secs(60), async || {
        let text = read().await?;
        let told = value(&text, "loa_nodes_connected") == Some(1.0)
            && value(&text, "loa_ingest_reports_total{kind=\"state\"}") >= Some(1.0)
            && value(&text, "loa_publish_latency_seconds_count") >= Some(2.0);
        Ok(told.then_some(text))
    })
    .await?;
    for (series, least) in [
        ("loa_plans_signed_total", 1.0),
        ("loa_plans_published_total", 2.0),
        ("loa_ingest_commit_seconds_count", 1.0),
        ("loa_link_messages_sent_total{link=\"control\"}", 2.0),
        ("loa_certificate_not_after_timestamp_seconds{certificate=\"broker\"}", 1.7e9),
        ("loa_certificate_not_after_timestamp_seconds{certificate=\"authority\"}", 1.7e9),
        ("process_resident_memory_bytes", 1e7),
    ] {
        let found = value(&text, series);
        ensure!(found >= Some(least), "{series}: {found:?} in\n{text}");
    }
    ensure!(!text.contains("Cụm") && !text.contains(COMMUNE), "{text}");
    village.stop().await?;
    station.stop().await;
    Ok(())
}
