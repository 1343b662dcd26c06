//! The speaker on a real card (or on an ALSA plugin): one thread owns the device and the sounds.
//!
//! ```text
//!            prepare, play                    nothing outstanding and LINGER_MS passed, or release
//!  Closed ─────────────────> Open (silence, sounds) ────────────────────────────────────────────> Closed
//!     ^                        │ device lost, or does not obey a stop within STOP_MS: each outstanding sound fails
//!     └────────────────────────┘
//! ```
//!
//! # Invariants
//! - Queues are bounded: [`COMMANDS`] commands (full: [`SpeakerError::Busy`]), [`EVENTS`] events (full: the speaker
//!   thread waits, sounds go on), [`MAX_OUTSTANDING`] sounds (full: [`SpeakerError::Full`]).
//! - Every accepted sound ends in exactly one of `Finished`, `Stopped`, `Failed`.
//! - A device that hangs is given up, never waited for: it is silenced and closed elsewhere, and the next sound opens it anew.
//! - `Finished` is sent when the last sample has been heard, not when it was handed to the card.

mod closing;
mod worker;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc as events;

use self::worker::{Command, Worker};
use super::device::{DeviceSettings, Surroundings};
use super::gain::db_to_factor;
use super::speaker::{
    MAX_OUTSTANDING, PlayRequest, Speaker, SpeakerError, SpeakerEvent, SpeakerReady, SystemClock, WallClock,
};

/// Sound that is decoded ahead, in milliseconds: what a slow memory card may stall.
pub const RING_MS: usize = 2_000;

/// A device that nobody uses is closed after so long.
pub const LINGER_MS: u64 = 3_000;

/// A prepared device waits so long for a sound.
pub const PREPARED_MS: u64 = 30_000;

/// Silence that follows a sound before the device is closed, whoever asks: what is in its buffer would be cut off.
pub const TAIL_MS: u64 = 250;

/// A sound that is stopped has ended after so long, or the device hangs and is given up.
pub const STOP_MS: u64 = 1_000;

/// Commands that can wait.
pub const COMMANDS: usize = 32;

/// Events that can wait.
pub const EVENTS: usize = 64;

/// How the speaker is set up.
#[derive(Clone)]
pub struct AlsaSpeakerConfig {
    /// An ALSA PCM as `aplay -L` lists it; `None` is ALSA's `default`.
    pub device: Option<String>,
    /// Length of one ALSA period; the card's buffer is two. Short starts an emergency sooner, long forgives a busy
    /// board more; the precision of planned starts does not depend on it. 20 ms is the default.
    pub period_ms: u32,
    /// What the equipment behind ALSA adds and does not report (a digital amplifier, an encoder), in milliseconds:
    /// sounds are handed over that much earlier.
    pub device_delay_ms: f32,
    /// The clock that start instants are meant in.
    pub clock: Arc<dyn WallClock>,
}

impl Default for AlsaSpeakerConfig {
    fn default() -> Self {
        Self { device: None, period_ms: 20, device_delay_ms: 0.0, clock: Arc::new(SystemClock) }
    }
}

/// Handle of the speaker thread. Dropping it fades out whatever sounds, closes the device and waits for that, at most two
/// seconds.
#[derive(Debug)]
pub struct AlsaSpeaker {
    /// `None` only while it is dropped.
    commands: Option<SyncSender<Command>>,
    /// As above.
    thread: Option<JoinHandle<()>>,
    tokens: Arc<Mutex<BTreeSet<u64>>>,
    volume: Arc<AtomicU32>,
}

impl AlsaSpeaker {
    /// Starts the speaker thread; no device is opened yet.
    ///
    /// # Errors
    /// [`SpeakerError::Thread`] where the system gives no thread.
    pub fn start(config: AlsaSpeakerConfig) -> Result<(Self, events::Receiver<SpeakerEvent>), SpeakerError> {
        let (commands, incoming) = mpsc::sync_channel(COMMANDS);
        let (outgoing, events) = events::channel(EVENTS);
        let tokens = Arc::new(Mutex::new(BTreeSet::new()));
        let volume = Arc::new(AtomicU32::new(1.0f32.to_bits()));
        let (errors_in, errors) = mpsc::sync_channel(8);
        let worker = {
            let (tokens, volume) = (Arc::clone(&tokens), Arc::clone(&volume));
            move || {
                let settings = DeviceSettings {
                    name: config.device,
                    period_ms: config.period_ms.clamp(2, 200),
                    extra_delay_ns: (f64::from(config.device_delay_ms) * 1e6) as i64,
                };
                let listener = std::thread::current();
                let around = Surroundings { clock: config.clock, volume, listener, errors: errors_in };
                Worker::new(settings, around, incoming, errors, outgoing, tokens).run();
            }
        };
        let thread = std::thread::Builder::new()
            .name("audio-speaker".into())
            .spawn(worker)
            .map_err(SpeakerError::Thread)?;
        Ok((Self { commands: Some(commands), thread: Some(thread), tokens, volume }, events))
    }

    fn send(&self, command: Command) -> Result<(), SpeakerError> {
        let commands = self.commands.as_ref().ok_or(SpeakerError::Gone)?;
        commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => SpeakerError::Busy,
            TrySendError::Disconnected(_) => SpeakerError::Gone,
        })?;
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaker for AlsaSpeaker {
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError> {
        let (answer, opened) = mpsc::sync_channel(1);
        self.send(Command::Prepare(answer))?;
        opened.recv().map_err(|_| SpeakerError::Gone)?
    }

    fn play(&self, request: PlayRequest) -> Result<(), SpeakerError> {
        let token = request.token;
        {
            let mut tokens = self.tokens();
            if tokens.len() >= MAX_OUTSTANDING {
                return Err(SpeakerError::Full);
            }
            if !tokens.insert(token) {
                return Err(SpeakerError::DuplicateToken(token));
            }
        }
        self.send(Command::Play(request)).inspect_err(|_| {
            self.tokens().remove(&token);
        })
    }

    fn stop(&self, token: u64) -> Result<(), SpeakerError> {
        self.send(Command::Stop(token))
    }

    fn set_volume_db(&self, volume_db: f32) {
        self.volume.store(db_to_factor(volume_db).to_bits(), Ordering::Relaxed);
    }

    fn release(&self) -> Result<(), SpeakerError> {
        self.send(Command::Release)
    }
}

impl Drop for AlsaSpeaker {
    fn drop(&mut self) {
        // The thread takes the closed queue for its end.
        self.commands = None;
        self.wake();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the speaker thread had panicked");
        }
    }
}
