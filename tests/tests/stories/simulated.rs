//! Simulated boards at a real controller: what they report is proved as a real board's is.

use std::time::Duration;

use anyhow::{Result, ensure};
use loa_controller::domain::role::Principal;
use loa_controller::store::reporters;
use loa_firmware_sim::fleet::{self, FleetOptions, members};
use loa_firmware_sim::node::Reach;
use loa_tests::Station;
use loa_tests::station::{COMMUNE, VILLAGES};
use loa_tests::wait::until;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn simulated_boards_sign_their_chain_of_receipts_and_the_controller_doubts_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let (mut nodes, mut tokens) = (Vec::new(), Vec::new());
    for (name, area) in VILLAGES {
        let (node, token) = station.token(name, area).await?;
        nodes.push(node);
        tokens.push(token);
    }
    let (boards, file) = (folder.path().join("boards"), folder.path().join("tokens"));
    std::fs::write(&file, tokens.join("\n"))?;
    members::enrol_all(&boards, &file, None).await?;
    let members = members::load(&boards, nodes.len(), &Reach::AsEnrolled)?;
    let stop = CancellationToken::new();
    let fleet = tokio::spawn(fleet::run(FleetOptions::new(members), stop.clone()));

    let bulletin = station.approved("Họp dân", "Chiều nay họp dân tại nhà văn hóa.").await?;
    for in_ms in [8_000, 16_000] {
        station.once(&bulletin.bulletin.id, in_ms, &[COMMUNE]).await?;
    }
    let operator = Principal::operator();
    for node in &nodes {
        let receipts = until(&format!("{node}: two receipts"), Duration::from_secs(90), async || {
            Ok(Some(station.receipts(node).await?).filter(|receipts| receipts.len() == 2))
        })
        .await?;
        ensure!(receipts.iter().all(|receipt| receipt.outcome == "played"), "{receipts:?}");
        let mut tx = station.services().store().read().await?;
        ensure!(
            reporters::have_signed(&mut tx, &[node]).await?.contains(node),
            "{node} signs nothing that can be checked"
        );
        // One without a signature, after one with it, would be doubted; and so would a hole.
        let doubts = station.services().nodes.doubts(&operator, node).await?;
        ensure!(doubts.is_empty(), "{node}: {doubts:?}");
    }
    stop.cancel();
    let report = fleet.await??;
    ensure!(report.at_stop.failed == 0, "{report:?}");
    station.stop().await;
    Ok(())
}
