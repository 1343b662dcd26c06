//! With Mosquitto in place of the embedded broker, set up by the files in `deploy/`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_controller::broker::Incoming;
use loa_controller::dispatch::{acks, ingest, outlet};
use loa_controller::domain::role::Principal;
use loa_controller::live::Changes;
use loa_controller::services::Clock;
use loa_link::{Link, LinkEvent, LinkOptions, Publication, Qos};
use loa_protocol::ids::{BulletinId, ItemId, NodeId, OccurrenceId};
use loa_protocol::receipt::{Outcome, Receipt, ReceiptAck, ReceiptBatch};
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire as _;
use loa_tests::station::COMMUNE;
use loa_tests::wait::until;
use loa_tests::{Mosquitto, Station};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(60);
const TEXT: &str = "Ủy ban nhân dân xã Lạc Dương thông báo lịch khám sức khỏe cho người cao tuổi.";

#[tokio::test(flavor = "multi_thread")]
async fn a_bulletin_goes_through_mosquitto_and_a_revoked_board_is_shut_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut mosquitto = Mosquitto::prepare(folder.path())?;
    let station = Station::start_with(folder.path(), |config| mosquitto.configure(config)).await?;
    mosquitto.start().await?;
    let mut village = station.village(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let node = NodeId::new(village.node.as_str())?;
    station.applied(&mut village).await?;

    let bulletin = station.approved("Khám sức khỏe", TEXT).await?;
    let (item, planned) = station.once(&bulletin.bulletin.id, 20_000, &[COMMUNE]).await?;
    station.state(&mut village, "audio ready", |state| state.objects_ready == 1).await?;
    // The broker dies with everything that it had kept; plans and blocks are the controller's to give again.
    mosquitto.restart().await?;
    let receipt = station.receipt(&mut village, &item, Duration::from_secs(120)).await?;
    assert_eq!((receipt.outcome.as_str(), receipt.nominal), ("played", planned), "{receipt:?}");

    // Revoked: the session that stands is heard no more, at once.
    let operator = Principal::operator();
    let online =
        async || Ok::<_, anyhow::Error>(station.services().nodes.get(&operator, &node).await?.1.online);
    ensure!(online().await?, "the board is connected");
    let list = std::fs::read(mosquitto.revoked_file())?;
    station.services().nodes.revoke(&operator, &node, "Bo mạch bị mất").await?;
    // It still gets the plan of its area, and says so.
    station.once(&bulletin.bulletin.id, 3_600_000, &[COMMUNE]).await?;
    until("a report that is not believed", SOON, async || {
        Ok((station.controller().refused_reports() > 0).then_some(()))
    })
    .await?;
    // The list is written, and a broker that has read it lets the board in no more.
    until("the list of revoked certificates", SOON, async || {
        Ok((std::fs::read(mosquitto.revoked_file())? != list).then_some(()))
    })
    .await?;
    mosquitto.restart().await?;
    village.says(&["no connection", "CertificateRevoked"], SOON).await?;
    ensure!(!online().await?, "a revoked board counts as connected");
    village.stop().await?;
    station.stop().await;
    Ok(())
}

/// Reports come over the connection on which acknowledgements go. With every queue between them of length one, a flood
/// from a node must neither stop the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_receipts_locks_nothing() -> Result<()> {
    const BATCHES: u64 = 300;
    let folder = tempfile::tempdir()?;
    let mut mosquitto = Mosquitto::prepare(folder.path())?;
    let station = Station::start_with(folder.path(), |config| mosquitto.configure(config)).await?;
    mosquitto.start().await?;
    let village = station.board(folder.path(), "Nhà văn hóa Bon Đưng", "bon-dung").await?;
    let node = NodeId::new(village.node.as_str())?;
    let tenant = loa_tests::station::tenant()?;
    let narrow = |name: &str| LinkOptions {
        credentials: mosquitto.login(),
        ..LinkOptions::new(name, "127.0.0.1", mosquitto.controller_port())
    };

    let (link, events) = Link::spawn(LinkOptions {
        queue_messages: 1,
        inflight: 1,
        event_capacity: 1,
        subscriptions: [(format!("loa/1/{tenant}/u/+/receipt"), Qos::AtLeastOnce)].into(),
        ..narrow("narrow")
    })?;
    let stop = CancellationToken::new();
    let (incoming, reports) = mpsc::channel::<Incoming>(1);
    let (connected, mut connection) = watch::channel(0);
    tokio::spawn(outlet::pump(events, connected, incoming, Clock::machine(), Default::default()));
    let (acknowledge, acknowledged) = mpsc::channel(acks::CAPACITY);
    tokio::spawn(acks::run(tenant.clone(), link, acknowledged, stop.clone()));
    let settings = ingest::Settings {
        store: station.services().store().clone(),
        incoming: reports,
        acks: acknowledge,
        asked: mpsc::channel(1).0,
        reported: mpsc::channel(1).0,
        alerts_reported: mpsc::channel(1).0,
        changes: Changes::default(),
        refused: Arc::new(AtomicU64::new(0)),
        metrics: Default::default(),
    };
    tokio::spawn(ingest::run(settings, stop.clone()));
    connection.changed().await?;

    // The node: it sends all that it has, and hears what the controller has stored.
    let (board, mut heard) = Link::spawn(LinkOptions {
        queue_messages: 1024,
        subscriptions: [(format!("loa/1/{tenant}/d/{node}/ack"), Qos::AtLeastOnce)].into(),
        ..narrow("board")
    })?;
    until("the board's connection", SOON, async || Ok(board.is_connected().then_some(()))).await?;
    for number in 1..=BATCHES {
        let batch = ReceiptBatch { receipts: vec![receipt(number)?], seal: None };
        let topic = format!("loa/1/{tenant}/u/{node}/receipt");
        board.publish_when_room(Publication::new(topic, batch.to_cbor(), number)).await?;
    }
    let mut acked = std::collections::BTreeSet::new();
    tokio::time::timeout(SOON, async {
        while acked.len() < usize::try_from(BATCHES)? {
            if let LinkEvent::Message(message) = heard.recv().await.context("the board's link ended")? {
                acked.extend(ReceiptAck::from_cbor(&message.payload)?.numbers);
            }
        }
        anyhow::Ok(())
    })
    .await
    .with_context(|| format!("only {} of {BATCHES} were acknowledged", acked.len()))??;
    assert_eq!(station.receipts(&node).await?.len(), usize::try_from(BATCHES)?);
    stop.cancel();
    station.stop().await;
    Ok(())
}

fn receipt(number: u64) -> Result<Receipt> {
    let mut occurrence = [0; 16];
    occurrence[..8].copy_from_slice(&number.to_be_bytes());
    Ok(Receipt {
        number,
        occurrence: OccurrenceId(occurrence),
        item: ItemId::new("i")?,
        revision: 1,
        bulletin: BulletinId::new("b")?,
        nominal: UnixMs(1_795_309_200_000),
        outcome: Outcome::Played,
        sound: None,
        clock: ClockTrust::Trusted,
        written: UnixMs(1_795_309_200_000),
        winner: None,
        previous: None,
    })
}
