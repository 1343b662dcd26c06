//! What a controller takes while all its nodes are connected and nothing happens but their health each minute; and what a fleet
//! of simulated nodes takes, by its size.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loa_tests::Office;
use loa_tests::province::{Province, Size};
use loa_tests::table::layout;
use serde_json::Value;

use crate::Goal;
use crate::fleet::Fleet;
use crate::process::{Usage, watch};

/// From the last connection until the controller is watched: states have come, documents are compared.
const SETTLE: Duration = Duration::from_secs(30);
const MEGABYTE: f64 = 1e6;

struct Measured {
    nodes: usize,
    found_s: f64,
    connected_s: f64,
    fleet_bytes_per_node: f64,
    controller: Usage,
}

/// Measures, prints the table, and gives the goals.
pub(crate) async fn run(sizes: &[usize], seconds: u64, joins_per_s: f64) -> Result<Vec<Goal>> {
    let mut measured = Vec::new();
    for nodes in sizes {
        let folder = tempfile::tempdir()?;
        measured.push(one(folder.path(), *nodes, seconds, joins_per_s).await?);
    }
    let row = |one: &Measured| {
        vec![
            one.nodes.to_string(),
            format!("{:.1}", one.found_s),
            format!("{:.1}", one.connected_s),
            format!("{:.0}", one.fleet_bytes_per_node / 1e3),
            format!("{:.0}", one.controller.rss_bytes as f64 / MEGABYTE),
            format!("{:.1}", one.controller.cpu_percent),
        ]
    };
    let headings = [
        "nodes",
        "s to enter and certify",
        "s until all are connected and have their documents",
        "fleet, kB a node",
        "controller, MB",
        "controller, % of a core",
    ];
    println!("{}", layout(&headings, &measured.iter().map(row).collect::<Vec<_>>()));
    let last = measured.last().context("a size to measure")?;
    let memory = last.controller.rss_bytes as f64 / MEGABYTE;
    Ok(vec![
        Goal::at_most("idle controller, processor", last.controller.cpu_percent, "% of a core", 10.0),
        Goal::at_most("idle controller, memory", memory, "MB", 400.0),
    ])
}

async fn one(folder: &Path, nodes: usize, seconds: u64, joins_per_s: f64) -> Result<Measured> {
    let mut office = Office::new(folder)?;
    let begun = Instant::now();
    let province = Province::found(&office.config()?, Size { nodes, areas: 500.min(nodes) }).await?;
    let found_s = begun.elapsed().as_secs_f64();
    let identities = folder.join("identities");
    province.save(&identities)?;
    drop(province);
    office.open().await?;

    let begun = Instant::now();
    let mut fleet = Fleet::start(&identities, nodes, joins_per_s, &[])?;
    fleet.is_ready(nodes).await?;
    let connected_s = begun.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    let id = office.program()?.id().context("a program that runs has an id")?;
    let controller = watch(id, Duration::from_secs(seconds)).await?;
    let report = fleet.stop().await?;
    let per_node =
        report.get("memory_bytes_per_node").and_then(Value::as_f64).context("the fleet's memory")?;
    office.close().await?;
    Ok(Measured { nodes, found_s, connected_s, fleet_bytes_per_node: per_node, controller })
}
