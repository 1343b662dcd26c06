//! A node with a broker and a controller: mosquitto, mutual TLS, signed documents, blocks, receipts.

use std::collections::BTreeSet;
use std::sync::Arc;

use loa_node::audio::null::Pace;
use loa_node::clock::{NodeClock, build_time};
use loa_node::store::Store;
use loa_node_core::Slot;
use loa_protocol::alert::{AlertAnswer, Verdict};
use loa_protocol::ids::AreaId;
use loa_protocol::receipt::{Outcome, ReceiptAck, ReceiptBatch};
use loa_protocol::report::{Health, Presence, State};
use loa_protocol::topic::TopicKind;
use loa_protocol::transfer::Want;
use loa_protocol::wire::Wire as _;
use loa_test_broker::{Mosquitto, Pki};
use tokio_util::sync::CancellationToken;

use crate::controller::Controller;
use crate::offline::{self, rot, with_cached_plan_of};
use crate::parts::{
    VILLAGE, alarm, identity, manifest, node, node_document, now, plan, settings, sound, until,
};
use crate::speaker::{RecordingBoard, Switched, recording};

const SOUND_MS: u32 = 4_000;

#[tokio::test]
async fn a_bulletin_is_fetched_played_reported_and_acknowledged() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = tempfile::tempdir().unwrap();
    identity(&pki, broker.port).save(folder.path()).unwrap();
    let sound = sound(70_000);
    let manifest = manifest(&sound, SOUND_MS);
    controller.publish_documents(plan(&sound, SOUND_MS));

    let clock = NodeClock::new(build_time());
    let (speaker, heard) = recording(Pace::Instant, u64::from(SOUND_MS), &clock);
    let switched = Switched::default();
    let board = Box::new(RecordingBoard(Arc::clone(&switched)));
    let stop = CancellationToken::new();
    let task = tokio::spawn(loa_node::serve(settings(folder.path()), clock, speaker, board, stop.clone()));

    let online = controller.hear::<Presence>(&TopicKind::Presence(node()), |p| p.online).await;
    let mut served = Vec::new();
    while served.len() < manifest.blocks.len() {
        let want = controller.hear::<Want>(&TopicKind::Want(node()), |w| w.object == manifest.object).await;
        served.extend(controller.serve(&want, &manifest, &sound, usize::MAX));
        served.sort_unstable();
        served.dedup();
    }
    let batch = controller.hear::<ReceiptBatch>(&TopicKind::Receipt(node()), |_| true).await;
    assert_eq!(*heard.lock().unwrap(), [sound]);
    assert_eq!(batch.receipts.len(), 1);
    assert_eq!(batch.receipts[0].outcome, Outcome::Played);
    assert_eq!(batch.receipts[0].sound.unwrap().played_ms, SOUND_MS);
    let ack = ReceiptAck { numbers: vec![batch.receipts[0].number] };
    controller.publish(TopicKind::Ack(node()), ack.to_cbor(), false);

    let state = controller
        .hear::<State>(&TopicKind::State(node()), |s| s.desired.is_some() && s.objects_ready == 1)
        .await;
    assert_eq!(state.firmware, env!("CARGO_PKG_VERSION"));
    assert_eq!(state.desired.unwrap().sequence, 1);
    let health = controller.hear::<Health>(&TopicKind::Health(node()), |h| h.receipts_waiting == 0).await;
    assert_eq!(health.temperature_decidegrees, Some(415));
    assert!(health.memory_bytes.is_some_and(|b| b > 0) && health.disk_free_bytes.is_some_and(|b| b > 0));
    assert_eq!(health.speaker_works, Some(true));

    stop.cancel();
    let offline = controller.hear::<Presence>(&TopicKind::Presence(node()), |p| !p.online).await;
    assert_eq!((offline.boot, offline.connection), (online.boot, online.connection));
    task.await.unwrap().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.unacknowledged, restored.documents.len(), restored.ledger.len()), (vec![], 3, 1));
}

#[tokio::test]
async fn an_alarm_sounds_from_its_document_and_is_answered_and_kept() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = tempfile::tempdir().unwrap();
    identity(&pki, broker.port).save(folder.path()).unwrap();
    let clock = NodeClock::new(build_time());
    let (speaker, heard) = recording(Pace::Instant, u64::from(SOUND_MS), &clock);
    let stop = CancellationToken::new();
    let board = Box::new(RecordingBoard(Switched::default()));
    let task = tokio::spawn(loa_node::serve(settings(folder.path()), clock, speaker, board, stop.clone()));
    controller.publish(TopicKind::Desired(node()), node_document(), true);
    controller.hear::<State>(&TopicKind::State(node()), |s| s.desired.is_some()).await;

    let sound = sound(90_000);
    let village = AreaId::new(VILLAGE).unwrap();
    controller.publish(TopicKind::Alert(village.clone()), alarm(now(), &sound, SOUND_MS), true);
    let answers = TopicKind::Answer(node());
    let verified =
        controller.hear::<AlertAnswer>(&answers, |a| matches!(a.verdict, Verdict::Verified(_))).await;
    let sounding =
        controller.hear::<AlertAnswer>(&answers, |a| matches!(a.verdict, Verdict::Sounding { .. })).await;
    assert_eq!((verified.epoch, sounding.epoch, sounding.area), (1, 1, village.clone()));
    let batch = controller.hear::<ReceiptBatch>(&TopicKind::Receipt(node()), |_| true).await;
    assert_eq!(batch.receipts[0].outcome, Outcome::Played);
    assert_eq!(*heard.lock().unwrap(), [sound], "no want was answered: the bytes are the document's");
    controller.hear::<State>(&TopicKind::State(node()), |s| s.alerts.len() == 1).await;

    stop.cancel();
    task.await.unwrap().unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    let restored = store.restore().await.unwrap();
    assert!(restored.documents.iter().any(|(slot, _)| *slot == Slot::Alert(village.clone())));
    assert_eq!(std::fs::read_dir(folder.path().join("objects")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_sound_that_rotted_on_the_disk_is_fetched_anew() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = with_cached_plan_of(&identity(&pki, broker.port), now() + 1_800_000).await;
    let path = rot(&folder);
    let sound = sound(20_000);
    let manifest = manifest(&sound, offline::SOUND_MS);
    let first = offline::start(&folder, Pace::Instant);
    until("the damaged file is gone", || !path.exists()).await;
    assert_eq!(first.heard(), 0);
    // The core lets some time pass before it fetches a damaged object again; a reboot does not wait.
    first.stop().await;
    controller.forget();

    let running = offline::start(&folder, Pace::Instant);
    let mut served = BTreeSet::new();
    while served.len() < manifest.blocks.len() {
        let want = controller.hear::<Want>(&TopicKind::Want(node()), |w| w.object == manifest.object).await;
        served.extend(controller.serve(&want, &manifest, &sound, usize::MAX));
    }
    let state = TopicKind::State(node());
    controller.hear::<State>(&state, |s| s.objects_ready == 1).await;
    assert_eq!(std::fs::read(path).unwrap(), sound);
    assert_eq!(running.heard(), 0, "it is due in half an hour");
    running.stop().await;
}

#[tokio::test]
async fn a_document_that_the_controller_did_not_sign_changes_nothing() {
    let pki = Pki::new();
    let broker = Mosquitto::with_mutual_tls(&pki);
    let mut controller = Controller::connect(&pki, &broker).await;
    let folder = tempfile::tempdir().unwrap();
    identity(&pki, broker.port).save(folder.path()).unwrap();
    let mut forged = node_document();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    controller.publish(TopicKind::Desired(node()), forged, true);
    let clock = NodeClock::new(build_time());
    let (speaker, heard) = recording(Pace::Instant, 1, &clock);
    let stop = CancellationToken::new();
    let board = Box::new(RecordingBoard(Switched::default()));
    let task = tokio::spawn(loa_node::serve(settings(folder.path()), clock, speaker, board, stop.clone()));
    let event = controller.hear::<loa_protocol::report::Event>(&TopicKind::Event(node()), |_| true).await;
    assert!(
        matches!(
            &event.kind,
            loa_protocol::report::EventKind::DocumentRefused {
                refusal: loa_protocol::envelope::Refusal::BadSignature,
                ..
            }
        ),
        "{event:?}"
    );
    // The true one is taken nevertheless, after it.
    controller.publish(TopicKind::Desired(node()), node_document(), true);
    controller.hear::<State>(&TopicKind::State(node()), |s| s.desired.is_some()).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(heard.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_node_that_starts_before_its_broker_finds_it_later() {
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    // The broker's port is known, the broker itself is not up yet.
    let mut broker = Mosquitto::with_mutual_tls(&pki);
    broker.kill();
    identity(&pki, broker.port).save(folder.path()).unwrap();
    let clock = NodeClock::new(build_time());
    let (speaker, _heard) = recording(Pace::Instant, 1, &clock);
    let stop = CancellationToken::new();
    let board = Box::new(RecordingBoard(Switched::default()));
    let task = tokio::spawn(loa_node::serve(settings(folder.path()), clock, speaker, board, stop.clone()));
    until("the node has booted", || folder.path().join("node.db-wal").exists()).await;
    broker.restart();
    let mut controller = Controller::connect(&pki, &broker).await;
    controller.hear::<Presence>(&TopicKind::Presence(node()), |p| p.online).await;
    assert!(!task.is_finished());
    stop.cancel();
    task.await.unwrap().unwrap();
}
