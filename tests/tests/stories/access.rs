//! Who may connect: boards with a token, once, until they are revoked.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::domain::role::Principal;
use loa_protocol::ids::NodeId;
use loa_tests::wait::until;
use loa_tests::{Station, Village};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_node_is_cut_off_at_once_and_cannot_return() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let node = NodeId::new(village.node.as_str())?;
    station.applied(&mut village).await?;
    let broker = station.controller().broker().context("the broker is embedded")?;
    ensure!(broker.is_connected(&node), "it is connected");

    let operator = Principal::operator();
    station.services().nodes.revoke(&operator, &node, "Bo mạch bị mất").await?;
    until("the end of its session", SOON, async || Ok((!broker.is_connected(&node)).then_some(()))).await?;
    let before = broker.refusals().connects;
    // It tries again by itself, and after a restart.
    until("its next attempt", SOON, async || Ok((broker.refusals().connects > before).then_some(()))).await?;
    village.cut_power().await?;
    let before = broker.refusals().connects;
    village.start()?;
    until("the attempt after a restart", SOON, async || {
        ensure!(!broker.is_connected(&node), "a revoked node came back");
        Ok((broker.refusals().connects > before).then_some(()))
    })
    .await?;
    let (_, status) = station.services().nodes.get(&operator, &node).await?;
    ensure!(!status.online, "a revoked node counts as connected");

    // The place on the pole can be given a fresh board; the revoked one stays out.
    let again = Village::prepare(&folder.path().join("again"), node.as_str(), "Bo mạch khác", true)?;
    let token = station.controller().enrolments().issue(&operator, &node).await?;
    again.enrol(&token.text).await.context("a revoked node can be given a fresh board")?;
    village.program()?.check().context("the revoked board's program goes on trying")?;
    village.stop().await?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_once_and_for_one_board() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start(folder.path()).await?;
    let (node, token) = station.token("Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let mut village = Village::prepare(folder.path(), node.as_str(), "Nhà văn hóa Bon Đưng", true)?;
    village.enrol(&token).await?;

    let thief = Village::prepare(&folder.path().join("thief"), node.as_str(), "Bo mạch lạ", true)?;
    let refused = format!("{:#}", thief.enrol(&token).await.err().context("a used token was taken")?);
    ensure!(refused.contains("409") && refused.contains("đã được một thiết bị khác dùng"), "{refused}");
    ensure!(!thief.identity_file().exists(), "something was kept of a refused enrolment");

    // The first board is not disturbed.
    village.start()?;
    station.applied(&mut village).await?;
    village.stop().await?;
    station.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_expired_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let station = Station::start_with(folder.path(), |config| config.limits.enrolment_token_h = 0).await?;
    let (node, token) = station.token("Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let village = Village::prepare(folder.path(), node.as_str(), "Nhà văn hóa Bon Đưng", true)?;
    let refused = format!("{:#}", village.enrol(&token).await.err().context("an expired token was taken")?);
    ensure!(refused.contains("410") && refused.contains("đã hết hạn"), "{refused}");
    station.stop().await;
    Ok(())
}
