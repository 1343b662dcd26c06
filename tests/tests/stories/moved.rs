//! A node that is moved to another village: its board is not touched, and from then on it is a loudspeaker of that village.

use std::time::Duration;

use anyhow::Result;
use loa_controller::domain::node::NodeDraft;
use loa_controller::domain::role::Principal;
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::report::State;
use loa_tests::Station;

fn obeys(state: &State, area: &str) -> bool {
    state.plans.iter().any(|plan| plan.area.as_str() == area)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_node_plays_what_its_new_village_hears_and_nothing_of_its_old_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Cụm loa lưu động", "bon-dung").await?;
    let node = NodeId::new(village.node.as_str())?;
    station.applied(&mut village).await?;
    let before = station.approved("Họp thôn Bon Đưng", "Mời bà con thôn Bon Đưng đi họp.").await?;
    let after = station.approved("Họp thôn Đăng Gia", "Mời bà con thôn Đăng Gia đi họp.").await?;
    let (old, planned) = station.once(&before.bulletin.id, 25_000, &["bon-dung"]).await?;
    let (new, _) = station.once(&after.bulletin.id, 26_000, &["dang-gia"]).await?;
    station.state(&mut village, "the old village's plan", |state| obeys(state, "bon-dung")).await?;

    let moved = NodeDraft {
        name: village.name.clone(),
        area: AreaId::new("dang-gia")?,
        serial: String::new(),
        volume_percent: Some(100),
        line: Default::default(),
    };
    station.services().nodes.update(&Principal::operator(), &node, &moved).await?;
    station
        .state(&mut village, "the new village's plan alone", |state| {
            obeys(state, "dang-gia") && !obeys(state, "bon-dung") && state.objects_ready == 1
        })
        .await?;
    let receipt = station.receipt(&mut village, &new, Duration::from_secs(90)).await?;
    assert_eq!(receipt.outcome, "played", "{receipt:?}");
    assert!(receipt.nominal > planned, "the old village's start was due before");
    let told = station.receipts(&node).await?;
    assert!(told.iter().all(|receipt| receipt.item != old), "{told:?}");
    village.stop().await?;
    station.stop().await;
    Ok(())
}
