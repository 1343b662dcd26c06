//! Parts of the board that fail: the relay, the card, the disk under the second track.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use loa_node::SoundOut;
use loa_node::audio::{
    PlayFailure, PlayRequest, Speaker, SpeakerError, SpeakerEvent, SpeakerReady, SystemClock,
};
use loa_node::board::{Board, RelayError};
use loa_node::clock::{NodeClock, build_time};
use loa_node::store::Store;
use loa_protocol::bulletin::Language;
use loa_protocol::receipt::{Outcome, Reason, Receipt};
use loa_test_broker::{Pki, free_port};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::offline::{receipts, with_cached};
use crate::parts::{PATIENCE, identity, kho, manifest, now, plan_of, settings, sound};

const SOUND_MS: u32 = 2_000;

/// What a card makes of the sound of this number, from 0.
type Script = dyn Fn(u32, &PlayRequest) -> Vec<SpeakerEvent> + Send + Sync;

/// A card that does what it is told to do.
struct Scripted {
    script: Box<Script>,
    asked: Arc<AtomicU32>,
    events: mpsc::Sender<SpeakerEvent>,
}

impl Speaker for Scripted {
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError> {
        Ok(SpeakerReady { sample_rate_hz: 48_000, channels: 1, period_frames: 480 })
    }

    fn play(&self, request: PlayRequest) -> Result<(), SpeakerError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        for event in (self.script)(number, &request) {
            self.events.try_send(event).unwrap();
        }
        Ok(())
    }

    fn stop(&self, _token: u64) -> Result<(), SpeakerError> {
        Ok(())
    }

    fn set_volume_db(&self, _volume_db: f32) {}

    fn release(&self) -> Result<(), SpeakerError> {
        Ok(())
    }
}

fn started(request: &PlayRequest) -> SpeakerEvent {
    SpeakerEvent::Started { token: request.token, at_unix_ms: request.start_at_unix_ms, error_ms: 0.0 }
}

fn finished(request: &PlayRequest, gap_ms: u64) -> SpeakerEvent {
    let played_ms = u64::from(SOUND_MS);
    SpeakerEvent::Finished { token: request.token, at_unix_ms: request.start_at_unix_ms, played_ms, gap_ms }
}

fn device_failed(request: &PlayRequest, played_ms: u64) -> SpeakerEvent {
    let reason = PlayFailure::Device("unplugged".to_owned());
    SpeakerEvent::Failed { token: request.token, played_ms, reason }
}

/// A relay that does what it is told to do, each time that it is to switch on.
struct ScriptedRelay(Box<dyn FnMut(u32) -> Result<(), RelayError> + Send>, u32);

impl Board for ScriptedRelay {
    fn set_amplifier(&mut self, on: bool) -> Result<(), RelayError> {
        if !on {
            return Ok(());
        }
        self.1 += 1;
        (self.0)(self.1 - 1)
    }

    fn temperature_decidegrees(&mut self) -> Option<i32> {
        None
    }

    fn supply_mv(&mut self) -> Option<u32> {
        None
    }
}

fn stuck() -> Result<(), RelayError> {
    let source = std::io::ErrorKind::PermissionDenied.into();
    Err(RelayError::Sysfs { path: PathBuf::from("/sys/class/gpio/gpio17/value"), source })
}

/// Runs a node on such parts until an occurrence has ended; returns its receipt, and how many sounds the card was given.
async fn run(
    folder: &TempDir,
    script: impl Fn(u32, &PlayRequest) -> Vec<SpeakerEvent> + Send + Sync + 'static,
    relay: impl FnMut(u32) -> Result<(), RelayError> + Send + 'static,
) -> (Receipt, u32) {
    run_with(0, folder, script, relay).await
}

/// The same, on a board whose amplifier takes so long to warm up.
async fn run_with(
    warm_up_ms: u32,
    folder: &TempDir,
    script: impl Fn(u32, &PlayRequest) -> Vec<SpeakerEvent> + Send + Sync + 'static,
    relay: impl FnMut(u32) -> Result<(), RelayError> + Send + 'static,
) -> (Receipt, u32) {
    let mut settings = settings(folder.path());
    settings.amplifier.warm_up_ms = warm_up_ms;
    let clock = NodeClock::over(Box::new(SystemClock), build_time());
    let (events, receiver) = mpsc::channel(16);
    let asked = Arc::new(AtomicU32::new(0));
    let speaker = Arc::new(Scripted { script: Box::new(script), asked: Arc::clone(&asked), events });
    let sound = SoundOut { speaker, events: receiver };
    let board = Box::new(ScriptedRelay(Box::new(relay), 0));
    let stop = CancellationToken::new();
    let node = tokio::spawn(loa_node::serve(settings, clock, sound, board, stop.clone()));
    let give_up = Instant::now() + PATIENCE;
    while !has_receipt(folder).await {
        assert!(Instant::now() < give_up, "no occurrence has ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    node.await.unwrap().unwrap();
    let mut written = receipts(folder).await;
    assert_eq!(written.len(), 1, "{written:?}");
    (written.remove(0), asked.load(Ordering::SeqCst))
}

/// A card that may not be opened any more in this process.
struct Hanging;

impl Speaker for Hanging {
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError> {
        Err(SpeakerError::Hanging)
    }

    fn play(&self, _request: PlayRequest) -> Result<(), SpeakerError> {
        Err(SpeakerError::Busy)
    }

    fn stop(&self, _token: u64) -> Result<(), SpeakerError> {
        Ok(())
    }

    fn set_volume_db(&self, _volume_db: f32) {}

    fn release(&self) -> Result<(), SpeakerError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_card_that_hangs_for_good_ends_the_daemon_so_that_it_is_started_anew() {
    let folder = due(60_000).await;
    let clock = NodeClock::over(Box::new(SystemClock), build_time());
    let (_events, receiver) = mpsc::channel(1);
    let sound = SoundOut { speaker: Arc::new(Hanging), events: receiver };
    let board = Box::new(ScriptedRelay(Box::new(|_| Ok(())), 0));
    let node = loa_node::serve(settings(folder.path()), clock, sound, board, CancellationToken::new());
    let ended = tokio::time::timeout(PATIENCE, node).await.expect("it ends by itself").unwrap_err();
    assert!(matches!(ended, loa_node::ServeError::SpeakerHangs), "{ended:?}");
}

/// Looks into a store that a node uses. While the node opens it, it may not be there, or not be read.
async fn has_receipt(folder: &TempDir) -> bool {
    let Ok(mut store) = Store::open_to_read(folder.path()).await else { return false };
    store.overview().await.is_ok_and(|about| about.receipts_waiting > 0)
}

/// A node with a bulletin that is due, in Vietnamese, and at most so late.
async fn due(start_within_ms: u32) -> TempDir {
    let sound = sound(20_000);
    let plan = plan_of(now(), start_within_ms, &[(Language::vietnamese(), &sound)], SOUND_MS);
    with_cached(&identity(&Pki::new(), free_port()), plan, &[&sound], SOUND_MS).await
}

#[tokio::test]
async fn a_broken_relay_lets_nothing_sound_unheard_and_is_tried_again() {
    let card = |_, request: &PlayRequest| vec![started(request), finished(request, 0)];
    let (receipt, sounds) = run(&due(1_000).await, card, |_| stuck()).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Missed(Reason::SpeakerFailed), 0));

    // It sticks when it is first switched, and when the sound is to begin; the next time it works.
    let relay = |time| if time < 2 { stuck() } else { Ok(()) };
    let (receipt, sounds) = run(&due(60_000).await, card, relay).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Played, 1));
}

/// From power-on until the amplifier of this board sounds.
const WARM_UP_MS: u32 = 400;

#[tokio::test]
async fn what_is_to_sound_when_the_relay_works_at_last_waits_until_the_amplifier_is_warm() {
    let (switched, begins) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let relay = {
        let switched = Arc::clone(&switched);
        move |time| {
            switched.store(now().0, Ordering::SeqCst);
            // It sticks when the amplifier is to warm up, and works when the sound is to begin.
            if time == 0 { stuck() } else { Ok(()) }
        }
    };
    let card = {
        let begins = Arc::clone(&begins);
        move |_, request: &PlayRequest| {
            begins.store(request.start_at_unix_ms, Ordering::SeqCst);
            vec![started(request), finished(request, 0)]
        }
    };
    let (receipt, sounds) = run_with(WARM_UP_MS, &due(60_000).await, card, relay).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Played, 1));
    let warming_ms = begins.load(Ordering::SeqCst) - switched.load(Ordering::SeqCst);
    assert!(warming_ms >= i64::from(WARM_UP_MS), "{warming_ms} ms");
}

#[tokio::test]
async fn a_card_that_does_not_open_is_reported() {
    let card = |_, request: &PlayRequest| vec![device_failed(request, 0)];
    let (receipt, _) = run(&due(1_000).await, card, |_| Ok(())).await;
    assert_eq!((receipt.outcome, receipt.sound), (Outcome::Missed(Reason::SpeakerFailed), None));
}

#[tokio::test]
async fn a_card_that_is_unplugged_under_a_sound_ends_it_and_it_does_not_begin_anew() {
    let card = |_, request: &PlayRequest| vec![started(request), device_failed(request, 700)];
    let (receipt, sounds) = run(&due(60_000).await, card, |_| Ok(())).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Partial(Reason::SpeakerFailed), 1));
    assert_eq!(receipt.sound.unwrap().played_ms, 700);
}

#[tokio::test]
async fn gaps_in_a_sound_do_not_make_it_unheard() {
    let card = |_, request: &PlayRequest| vec![started(request), finished(request, 300)];
    let (receipt, _) = run(&due(60_000).await, card, |_| Ok(())).await;
    assert_eq!(receipt.outcome, Outcome::Played);
    assert_eq!(receipt.sound.unwrap().played_ms, SOUND_MS);
}

#[tokio::test]
async fn a_second_track_that_cannot_be_read_costs_its_language_alone() {
    let (first, second) = (sound(20_000), sound(30_000));
    let tracks: [(Language, &[u8]); 2] = [(Language::vietnamese(), &first), (kho(), &second)];
    let plan = plan_of(now(), 60_000, &tracks, SOUND_MS);
    let node = identity(&Pki::new(), free_port());
    let folder = with_cached(&node, plan, &[&first, &second], SOUND_MS).await;
    let object = manifest(&second, SOUND_MS).object.to_string();
    let file = folder.path().join("objects").join(object);
    // The card rots while the first sounds.
    let card = move |_, request: &PlayRequest| {
        std::fs::remove_file(&file).unwrap();
        vec![started(request), finished(request, 0)]
    };
    let (receipt, sounds) = run(&folder, card, |_| Ok(())).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Partial(Reason::AudioBroken), 1));
}

#[tokio::test]
async fn a_sound_that_the_board_made_ready_too_late_is_refused() {
    let card = |_, request: &PlayRequest| vec![started(request), finished(request, 0)];
    // It sticks at first; the second time it takes longer than the start may be late.
    let relay = |time| match time {
        0 => stuck(),
        _ => {
            std::thread::sleep(Duration::from_secs(6));
            Ok(())
        }
    };
    let (receipt, sounds) = run(&due(5_000).await, card, relay).await;
    assert_eq!((receipt.outcome, sounds), (Outcome::Missed(Reason::TooLate), 0));
}
