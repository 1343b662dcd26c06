//! The daemon's one loop: whatever happens becomes one `Input`, the core decides, the shell acts.
//!
//! ```text
//!  control link ─┐                                   ┌─> store (durable before the next action)
//!  bulk link ────┤                                   ├─> cache thread
//!  speaker ──────┼─> Input ─> Core ─> Action, in order ─> links (never waits)
//!  cache ────────┤                                   ├─> speaker, amplifier
//!  timers, stop ─┘                                   └─> board
//! ```
//!
//! # Invariants
//! - Nothing in the loop waits for the network: a node without one boots, and plays what it has.
//! - Actions are carried out in the order in which the core gives them; a persistent one is on the disk before the next
//!   begins. One that fails three times ends the program with an error, so that the service manager starts it anew; but on
//!   a full disk the node goes on, see `persist`.
//! - The loop waits for nothing without a bound, except for an input.

mod act;
mod boot;
mod health;
mod links;
mod looking;
mod notify;
mod persist;
mod reserve;
mod sound;
mod stop;

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loa_node_core::{Core, Link, Now, StoreEvent};
use loa_protocol::ids::ObjectHash;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::audio::{Speaker, SpeakerError, SpeakerEvent, SpeakerReady};
use crate::board::Board;
use crate::cache::worker::Jobs;
use crate::clock::trust::{Judge, Verdict};
use crate::clock::{Boot, NodeClock};
use crate::config::Settings;
use crate::device_key::{DeviceKey, DeviceKeyError};
use crate::durable::FileError;
use crate::identity::IdentityError;
use crate::store::{Store, StoreError};

use self::links::{Links, Up};
use self::notify::Watchdog;
use self::persist::Waiting;

/// How often the clock's standing is looked at, and whether a full disk has room again.
const CLOCK_LOOK: Duration = Duration::from_secs(10);

/// How often a trusted clock is kept in the store.
const CLOCK_KEEP: Duration = Duration::from_secs(300);

/// A speaker and what it tells.
pub struct SoundOut {
    /// Takes commands.
    pub speaker: Arc<dyn Speaker>,
    /// What came of them.
    pub events: mpsc::Receiver<SpeakerEvent>,
}

/// Why the daemon ended, or could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The board is not enrolled, or its identity is damaged.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Another daemon uses the same data folder.
    #[error("another loa-node uses {}: stop it first", path.display())]
    InUse {
        /// The lock file.
        path: std::path::PathBuf,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data folder failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key of the identity cannot be used.
    #[error(transparent)]
    DeviceKey(#[from] DeviceKeyError),
    /// The certificates of the identity cannot be used.
    #[error("the certificates from the enrolment cannot be used; enrol the board again")]
    Tls(#[from] loa_link::TlsSetupError),
    /// The connection's settings are refused.
    #[error("the broker's address from the enrolment cannot be used; enrol the board again")]
    Link(#[from] loa_link::OptionsError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The system gives no thread.
    #[error("cannot start the thread for the audio cache")]
    Thread(#[source] std::io::Error),
    /// The sound devices that were given up hang, and no more may be opened in this process.
    #[error(
        "the sound device hangs and was given up several times; the service manager starts the node anew, but check the card and its cable"
    )]
    SpeakerHangs,
    /// A part of the daemon is gone, which is a defect.
    #[error("{0} has ended unexpectedly; the service manager starts the node anew")]
    Gone(&'static str),
}

/// Answer of [`Speaker::prepare`].
type Prepared = Result<SpeakerReady, SpeakerError>;

/// Whatever can happen.
enum Input {
    Link(Link, loa_link::LinkEvent),
    Speaker(SpeakerEvent),
    Prepared(Prepared),
    Stored(StoreEvent),
    Timeout(&'static str),
    LookAtClock,
    Watchdog,
    Stop,
    Gone(&'static str),
}

/// Runs the node of a data folder until `shutdown`, then ends it in good order: what sounds is stopped and gets its
/// receipt, and the broker hears that the node goes.
///
/// `clock` is the one that the speaker was made with; its floor is raised here to what the store knows.
///
/// # Errors
/// [`ServeError`]: before anything started, or when something failed that cannot be repaired in this process.
pub async fn serve(
    settings: Settings,
    clock: Arc<NodeClock>,
    sound: SoundOut,
    board: Box<dyn Board>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let mut shell = boot::boot(settings, clock, sound, board, shutdown).await?;
    notify::ready();
    loop {
        shell.act().await?;
        let input = shell.next().await;
        if shell.handle(input).await?.is_break() {
            break;
        }
    }
    shell.stop().await
}

/// Everything that the loop owns.
struct Shell {
    core: Core,
    store: Store,
    jobs: Jobs,
    stored: mpsc::Receiver<StoreEvent>,
    /// Cache events taken while waiting for the cache thread; bounded by the jobs that were under way.
    backlog: VecDeque<StoreEvent>,
    cache_thread: std::thread::JoinHandle<()>,
    links: Links,
    speaker: Arc<dyn Speaker>,
    speaker_events: mpsc::Receiver<SpeakerEvent>,
    /// Answers of [`Speaker::prepare`], which blocks and so runs elsewhere.
    prepared: (mpsc::Sender<Prepared>, mpsc::Receiver<Prepared>),
    /// Whether the sound device could be opened, and the amplifier switched on, when last tried.
    speaker_works: Option<bool>,
    /// The speaker may open no more devices in this process; the daemon ends as soon as nothing sounds.
    speaker_hangs: bool,
    /// Whether the amplifier could not be switched on when last tried.
    amplifier_fails: bool,
    /// The sounds that have not ended; the core orders one at a time.
    sounding: BTreeMap<u64, ObjectHash>,
    /// What is to be made durable once the disk has room.
    waiting: Waiting,
    board: Box<dyn Board>,
    device_key: DeviceKey,
    /// How long the amplifier needs from power-on to sound.
    warm_up_ms: i64,
    data_dir: std::path::PathBuf,
    clock: Arc<NodeClock>,
    started: Instant,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    is_stopping: bool,
    judge: Judge,
    /// The boot of the system.
    system: Boot,
    /// What the clock was worth at the last look.
    verdict: Verdict,
    clock_kept: Option<Instant>,
    look: tokio::time::Interval,
    watchdog: Watchdog,
    /// Held for as long as the daemon runs.
    _lock: std::fs::File,
}

impl Shell {
    fn now(&self) -> Now {
        let monotonic_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { wall: self.clock.now(), monotonic_ms }
    }

    async fn next(&mut self) -> Input {
        if let Some(event) = self.backlog.pop_front() {
            return Input::Stored(event);
        }
        let (wait, reason) = self.core.poll_timeout(self.now()).unwrap_or((CLOCK_LOOK, "nothing"));
        tokio::select! {
            () = &mut self.shutdown, if !self.is_stopping => Input::Stop,
            event = self.speaker_events.recv() => event.map_or(Input::Gone("the speaker"), Input::Speaker),
            event = self.stored.recv() => event.map_or(Input::Gone("the audio cache"), Input::Stored),
            (link, event) = self.links.next() => {
                event.map_or(Input::Gone("a link to the broker"), |event| Input::Link(link, event))
            }
            Some(answer) = self.prepared.1.recv() => Input::Prepared(answer),
            () = tokio::time::sleep(wait) => Input::Timeout(reason),
            _ = self.look.tick() => Input::LookAtClock,
            () = self.watchdog.due() => Input::Watchdog,
        }
    }

    /// Breaks when the node is to stop.
    async fn handle(&mut self, input: Input) -> Result<ControlFlow<()>, ServeError> {
        let now = self.now();
        match input {
            Input::Link(link, event) => self.handle_link(link, event, now),
            Input::Speaker(event) => self.handle_speaker(event, now).await,
            Input::Prepared(answer) => self.handle_prepared(answer),
            Input::Stored(event) => self.core.handle_stored(event, now),
            Input::Timeout(reason) => {
                tracing::trace!(reason, "time");
                self.core.handle_timeout(now);
            }
            Input::LookAtClock => {
                self.persist_waiting().await?;
                self.look_at_clock().await;
            }
            Input::Watchdog => notify::alive(),
            Input::Stop => return Ok(ControlFlow::Break(())),
            Input::Gone(part) => return Err(ServeError::Gone(part)),
        }
        if self.speaker_hangs && self.core.is_silent() {
            return Err(ServeError::SpeakerHangs);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn handle_link(&mut self, link: Link, event: loa_link::LinkEvent, now: Now) {
        match self.links.translate(link, event) {
            Some(Up::Event(event)) => self.core.handle_link(event, now),
            Some(Up::Message(message)) => self.core.handle_message(&message.topic, &message.payload, now),
            None => {}
        }
    }
}
