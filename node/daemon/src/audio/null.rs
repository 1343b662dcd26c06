//! A speaker without a card, for boards that are not there.
//!
//! It reads no file: how long a sound lasts is told by `duration_of`, usually from the manifest. One small tokio
//! task for each outstanding sound, no thread, so that a fleet of thousands fits into one process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::speaker::{
    MAX_OUTSTANDING, PlayFailure, PlayRequest, Source, Speaker, SpeakerError, SpeakerEvent, SpeakerReady,
    WallClock,
};

/// How fast virtual sound passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Starts at its instant and lasts as long as it would.
    RealTime,
    /// Starts and ends at once, and is reported as if it had started on time and lasted as long as it would.
    Instant,
}

/// How long a sound plays, in milliseconds; an error makes it fail.
pub type DurationOf = dyn Fn(&Source) -> Result<u64, PlayFailure> + Send + Sync;

/// See the module. Must be used within a tokio runtime.
pub struct NullSpeaker {
    pace: Pace,
    clock: Arc<dyn WallClock>,
    duration_of: Arc<DurationOf>,
    outstanding: Outstanding,
    events: mpsc::Sender<SpeakerEvent>,
}

type Outstanding = Arc<Mutex<BTreeMap<u64, CancellationToken>>>;

impl std::fmt::Debug for NullSpeaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NullSpeaker").field("pace", &self.pace).finish_non_exhaustive()
    }
}

impl NullSpeaker {
    /// A speaker and its events (as many wait as sounds can cause; then sounds wait to end).
    #[must_use]
    pub fn new(
        pace: Pace,
        clock: Arc<dyn WallClock>,
        duration_of: Arc<DurationOf>,
    ) -> (Self, mpsc::Receiver<SpeakerEvent>) {
        let (events, receiver) = mpsc::channel(2 * MAX_OUTSTANDING);
        (Self { pace, clock, duration_of, outstanding: Outstanding::default(), events }, receiver)
    }

    fn outstanding(&self) -> MutexGuard<'_, BTreeMap<u64, CancellationToken>> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaker for NullSpeaker {
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError> {
        Ok(SpeakerReady { sample_rate_hz: 48_000, channels: 1, period_frames: 480 })
    }

    fn play(&self, request: PlayRequest) -> Result<(), SpeakerError> {
        let token = request.token;
        let stop = CancellationToken::new();
        {
            let mut outstanding = self.outstanding();
            if outstanding.len() >= MAX_OUTSTANDING {
                return Err(SpeakerError::Full);
            }
            if outstanding.contains_key(&token) {
                return Err(SpeakerError::DuplicateToken(token));
            }
            outstanding.insert(token, stop.clone());
        }
        let sound = VirtualSound { request, stop, pace: self.pace, clock: Arc::clone(&self.clock) };
        let (duration_of, events) = (Arc::clone(&self.duration_of), self.events.clone());
        let outstanding = Arc::clone(&self.outstanding);
        tokio::spawn(async move {
            let end = sound.run(&*duration_of, &events).await;
            outstanding.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
            if events.send(end).await.is_err() {
                tracing::debug!(token, "nobody listens any more to this virtual speaker");
            }
        });
        Ok(())
    }

    fn stop(&self, token: u64) -> Result<(), SpeakerError> {
        if let Some(stop) = self.outstanding().get(&token) {
            stop.cancel();
        }
        Ok(())
    }

    fn set_volume_db(&self, _volume_db: f32) {}

    fn release(&self) -> Result<(), SpeakerError> {
        Ok(())
    }
}

impl Drop for NullSpeaker {
    fn drop(&mut self) {
        for stop in self.outstanding().values() {
            stop.cancel();
        }
    }
}

struct VirtualSound {
    request: PlayRequest,
    stop: CancellationToken,
    pace: Pace,
    clock: Arc<dyn WallClock>,
}

impl VirtualSound {
    /// Sends the start and returns the end.
    async fn run(self, duration_of: &DurationOf, events: &mpsc::Sender<SpeakerEvent>) -> SpeakerEvent {
        let token = self.request.token;
        let length_ms = match duration_of(&self.request.source) {
            Ok(length_ms) => length_ms.saturating_sub(self.request.from_ms),
            Err(reason) => return SpeakerEvent::Failed { token, played_ms: 0, reason },
        };
        let planned_ms = self.request.start_at_unix_ms;
        if self.interrupted(planned_ms).await {
            return SpeakerEvent::Stopped { token, at_unix_ms: self.now_ms(), played_ms: 0 };
        }
        let started_ms = match self.pace {
            Pace::RealTime => self.now_ms().max(planned_ms),
            Pace::Instant => planned_ms,
        };
        let error_ms = (started_ms - planned_ms) as f32;
        let started = SpeakerEvent::Started { token, at_unix_ms: started_ms, error_ms };
        if events.send(started).await.is_err() {
            tracing::debug!(token, "nobody listens any more to this virtual speaker");
        }
        let end_ms = started_ms.saturating_add_unsigned(length_ms);
        if self.interrupted(end_ms).await {
            let played_ms = self.now_ms().abs_diff(started_ms).min(length_ms);
            return SpeakerEvent::Stopped { token, at_unix_ms: self.now_ms(), played_ms };
        }
        SpeakerEvent::Finished { token, at_unix_ms: end_ms, played_ms: length_ms, gap_ms: 0 }
    }

    /// Waits until `unix_ms` (not at all at [`Pace::Instant`]); true if stopped before.
    async fn interrupted(&self, unix_ms: i64) -> bool {
        let wait_ms = u64::try_from(unix_ms.saturating_sub(self.now_ms())).unwrap_or(0);
        let wait = match self.pace {
            Pace::RealTime => Duration::from_millis(wait_ms),
            Pace::Instant => return self.stop.is_cancelled(),
        };
        tokio::select! {
            () = self.stop.cancelled() => true,
            () = tokio::time::sleep(wait) => false,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_unix_ns().div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests;
