//! A node that no broker answers.

use std::path::PathBuf;
use std::sync::Arc;

use loa_node::audio::null::Pace;
use loa_node::cache::Cache;
use loa_node::clock::{NodeClock, build_time};
use loa_node::identity::Identity;
use loa_node::store::Store;
use loa_node_core::{Slot, StoredDocument};
use loa_protocol::area::AreaPath;
use loa_protocol::envelope::Applied;
use loa_protocol::ids::{AreaId, Digest};
use loa_protocol::receipt::{Outcome, Reason};
use loa_protocol::time::UnixMs;
use loa_test_broker::{Pki, free_port};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::parts::{VILLAGE, identity, manifest, node_document, now, plan_at, settings, sound, until};
use crate::speaker::{Heard, RecordingBoard, Switched, recording};

pub(crate) const SOUND_MS: u32 = 60_000;

/// A node that was online once: it has its documents and the sound that they name, and the power has gone since.
async fn with_cached_plan() -> TempDir {
    with_cached_plan_of(&identity(&Pki::new(), free_port()), now() - 1_000).await
}

pub(crate) async fn with_cached_plan_of(identity: &Identity, start: UnixMs) -> TempDir {
    with_cached_sound(identity, start, &sound(20_000), SOUND_MS).await
}

pub(crate) async fn with_cached_sound(
    identity: &Identity,
    start: UnixMs,
    sound: &[u8],
    duration_ms: u32,
) -> TempDir {
    with_cached(identity, plan_at(start, sound, duration_ms), &[sound], duration_ms).await
}

/// A node that holds a plan of its village, and these sounds.
pub(crate) async fn with_cached(
    identity: &Identity,
    plan: Vec<u8>,
    sounds: &[&[u8]],
    duration_ms: u32,
) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    identity.save(folder.path()).unwrap();
    let areas = ["lam-dong", "xa-lac-duong", VILLAGE].map(|a| AreaId::new(a).unwrap());
    let path = AreaPath::new(areas.to_vec()).unwrap();
    let mut store = Store::open(folder.path()).await.unwrap();
    store.claim(identity).await.unwrap();
    let village = Slot::Plan(AreaId::new(VILLAGE).unwrap());
    for (slot, envelope) in [(Slot::Node, node_document()), (village, plan)] {
        let applied = Applied { sequence: 1, digest: Digest::of(&envelope) };
        let document = StoredDocument {
            envelope: envelope.into(),
            applied,
            applied_at: now(),
            path: path.clone(),
            issued_at: UnixMs(0),
        };
        store.save_document(&slot, &document).await.unwrap();
    }
    store.close().await.unwrap();
    let (mut cache, _) = Cache::open(folder.path(), 0).unwrap();
    for sound in sounds {
        let manifest = manifest(sound, duration_ms);
        cache.begin(&manifest).unwrap();
        for index in 0..manifest.block_count() {
            let (offset, length) = manifest.block_range(index).unwrap();
            let block = &sound[offset as usize..][..length as usize];
            cache.store_block(&manifest.object, offset, block).unwrap();
        }
        assert!(cache.finish(&manifest.object).unwrap());
    }
    folder
}

pub(crate) struct Running {
    pub(crate) heard: Heard,
    switched: Switched,
    stop: CancellationToken,
    task: JoinHandle<Result<(), loa_node::ServeError>>,
}

pub(crate) fn start(folder: &TempDir, pace: Pace) -> Running {
    let clock = NodeClock::new(build_time());
    let (sound, heard) = recording(pace, u64::from(SOUND_MS), &clock);
    let switched = Switched::default();
    let board = Box::new(RecordingBoard(Arc::clone(&switched)));
    let stop = CancellationToken::new();
    let task = tokio::spawn(loa_node::serve(settings(folder.path()), clock, sound, board, stop.clone()));
    Running { heard, switched, stop, task }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    pub(crate) fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

/// Flips one bit of the cached sound, and returns its file.
pub(crate) fn rot(folder: &TempDir) -> PathBuf {
    let object = manifest(&sound(20_000), SOUND_MS).object;
    let path = folder.path().join("objects").join(object.to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[12_345] ^= 0x40;
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The receipts that wait, in a store that nobody uses.
pub(crate) async fn receipts(folder: &TempDir) -> Vec<loa_protocol::receipt::Receipt> {
    let mut store = Store::open(folder.path()).await.unwrap();
    let numbers = store.restore().await.unwrap().unacknowledged;
    let receipts = store.read_receipts(&numbers).await.unwrap();
    store.close().await.unwrap();
    receipts
}

#[tokio::test]
async fn it_boots_and_plays_from_its_cache_once() {
    let folder = with_cached_plan().await;
    let node = start(&folder, Pace::Instant);
    until("the bulletin sounds and the amplifier is off again", || {
        node.heard() == 1 && node.switched.lock().unwrap().last() == Some(&false)
    })
    .await;
    assert_eq!(node.heard.lock().unwrap()[0], sound(20_000));
    assert_eq!(node.switched.lock().unwrap().first(), Some(&true));
    node.stop().await;
    let written = receipts(&folder).await;
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0].outcome, Outcome::Played);
    assert_eq!(written[0].sound.unwrap().played_ms, SOUND_MS);

    // After a reboot the bulletin has had its turn; the receipt still waits for a controller.
    let node = start(&folder, Pace::Instant);
    until("the node has booted", || folder.path().join("node.db-wal").exists()).await;
    node.stop().await;
    assert_eq!(receipts(&folder).await, written);
}

#[tokio::test]
async fn what_sounds_when_it_is_stopped_gets_its_receipt() {
    let folder = with_cached_plan().await;
    let node = start(&folder, Pace::RealTime);
    until("the bulletin sounds", || node.heard() == 1).await;
    let switched = Arc::clone(&node.switched);
    node.stop().await;
    assert_eq!(switched.lock().unwrap().last(), Some(&false), "the amplifier is off in the end");
    let written = receipts(&folder).await;
    assert_eq!(written.len(), 1, "{written:?}");
    assert!(
        matches!(
            written[0].outcome,
            Outcome::Partial(Reason::Interrupted) | Outcome::Missed(Reason::Interrupted)
        ),
        "{written:?}"
    );
}

#[tokio::test]
async fn a_sound_that_was_cut_by_the_power_gets_its_receipt_at_the_next_boot() {
    let folder = with_cached_plan().await;
    let node = start(&folder, Pace::RealTime);
    until("the bulletin sounds", || node.heard() == 1).await;
    // No farewell: the task is dropped where it stands.
    node.task.abort();
    assert!(node.task.await.unwrap_err().is_cancelled());
    let node = start(&folder, Pace::Instant);
    node.stop().await;
    let written = receipts(&folder).await;
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0].outcome.reason(), Some(Reason::Interrupted), "{written:?}");
}

#[tokio::test]
async fn a_sound_that_rotted_on_the_disk_does_not_play() {
    let folder = with_cached_plan().await;
    let path = rot(&folder);
    let node = start(&folder, Pace::Instant);
    until("the damaged file is gone", || !path.exists()).await;
    assert_eq!(node.heard(), 0);
    node.stop().await;
    assert_eq!(receipts(&folder).await, []);
}

#[tokio::test]
async fn two_daemons_on_one_folder_are_refused() {
    let folder = with_cached_plan().await;
    let first = start(&folder, Pace::Instant);
    until("the first has booted", || first.heard() == 1).await;
    let second = start(&folder, Pace::Instant);
    let error = second.task.await.unwrap().unwrap_err();
    assert!(matches!(error, loa_node::ServeError::InUse { .. }), "{error}");
    first.stop().await;
}

/// How many files of this process are open on a path.
fn opened(path: &std::path::Path) -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    files.filter(|file| std::fs::read_link(file.as_ref().unwrap().path()).is_ok_and(|to| to == path)).count()
}

#[tokio::test]
async fn a_lock_that_somebody_holds_for_an_instant_does_not_keep_a_node_from_booting() {
    let folder = with_cached_plan().await;
    let path = folder.path().join("lock");
    // As a child that a killed daemon left between fork and exec.
    let held = std::fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let node = start(&folder, Pace::Instant);
    until("the node tries to take the lock", || opened(&path) == 2).await;
    drop(held);
    until("it has booted", || node.heard() == 1).await;
    node.stop().await;
}
