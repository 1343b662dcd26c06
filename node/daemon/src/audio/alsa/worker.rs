//! The speaker thread: commands and notes in, orders and events out.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rodio::cpal;
use tokio::sync::mpsc as events;

use super::closing::Closing;
use super::{LINGER_MS, PREPARED_MS, RING_MS, STOP_MS, TAIL_MS};
use crate::audio::device::{Device, DeviceSettings, Surroundings};
use crate::audio::feed::Feed;
use crate::audio::gain::db_to_factor;
use crate::audio::playhead::{Cue, Note, Order};
use crate::audio::speaker::{
    MAX_OUTSTANDING, PlayFailure, PlayRequest, SpeakerError, SpeakerEvent, SpeakerReady,
};

/// Longest time from a sample's way into the device until it is heard: a larger figure is a clock that was set.
const DEVICE_LATENCY_MAX: Duration = Duration::from_secs(5);

/// From the handle to the thread.
pub(super) enum Command {
    Prepare(SyncSender<Result<SpeakerReady, SpeakerError>>),
    Play(PlayRequest),
    Stop(u64),
    Release,
}

/// A sound between `play` and its end.
struct Sound {
    token: u64,
    feed: Feed,
    rate_hz: NonZero<u32>,
    /// It could not be opened and has been ordered to stop, which must be reported as a failure.
    is_failing: bool,
    /// It was ordered to stop, and must have ended by then.
    stop_by: Option<Instant>,
}

impl Sound {
    fn millis(&self, frames: u64) -> u64 {
        frames * 1000 / u64::from(self.rate_hz.get())
    }

    fn played_ms(&self) -> u64 {
        self.millis(self.feed.played_frames())
    }

    fn ended(&self, at_unix_ns: i64, gap_frames: u64, stopped: bool) -> SpeakerEvent {
        let (token, played_ms, at_unix_ms) = (self.token, self.played_ms(), to_ms(at_unix_ns));
        if stopped && !self.is_failing {
            return SpeakerEvent::Stopped { token, at_unix_ms, played_ms };
        }
        match self.feed.failure() {
            Some(reason) => SpeakerEvent::Failed { token, played_ms, reason },
            None => SpeakerEvent::Finished { token, at_unix_ms, played_ms, gap_ms: self.millis(gap_frames) },
        }
    }
}

/// The thread's state.
pub(super) struct Worker {
    settings: DeviceSettings,
    around: Surroundings,
    commands: Receiver<Command>,
    errors: Receiver<cpal::Error>,
    events: events::Sender<SpeakerEvent>,
    /// Tokens of the outstanding sounds, shared with the handle.
    tokens: Arc<Mutex<BTreeSet<u64>>>,
    device: Option<Device>,
    closing: Closing,
    sounds: Vec<Sound>,
    /// Ends that are known before they are heard, each with its instant. No wall clock: one that is set meanwhile would hold
    /// them back, or cut off what is in the device's buffer.
    due: Vec<(Instant, SpeakerEvent)>,
    /// Until when an idle device stays open.
    keep_until: Option<Instant>,
    /// When the last sound ended.
    ended_at: Option<Instant>,
}

/// The other side of a queue is gone: the thread ends.
struct Gone;

impl Worker {
    pub(super) fn new(
        settings: DeviceSettings,
        around: Surroundings,
        commands: Receiver<Command>,
        errors: Receiver<cpal::Error>,
        events: events::Sender<SpeakerEvent>,
        tokens: Arc<Mutex<BTreeSet<u64>>>,
    ) -> Self {
        Self {
            settings,
            around,
            commands,
            errors,
            events,
            tokens,
            device: None,
            closing: Closing::default(),
            sounds: Vec::with_capacity(MAX_OUTSTANDING),
            due: Vec::with_capacity(MAX_OUTSTANDING),
            keep_until: None,
            ended_at: None,
        }
    }

    /// Runs until the handle or the receiver of events is dropped.
    pub(super) fn run(mut self) {
        while let Ok(sleep) = self.turn() {
            match sleep {
                Some(sleep) => std::thread::park_timeout(sleep),
                None => std::thread::park(),
            }
        }
        self.shut_down();
        tracing::debug!("the speaker thread ends");
    }

    /// Fades out what sounds, and lets the device play what it was given.
    fn shut_down(&mut self) {
        for token in self.sounds.iter().map(|sound| sound.token).collect::<Vec<u64>>() {
            self.stop(token);
        }
        let deadline = Instant::now() + Duration::from_millis(2 * TAIL_MS);
        while !self.sounds.is_empty() && Instant::now() < deadline {
            std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
            // Nobody hears of it any more, but it tells when the sounds have ended.
            while let Some(note) = self.device.as_mut().and_then(|device| device.notes.pop().ok()) {
                if let Note::Ended { cue, .. } = note {
                    self.sounds.retain(|sound| sound.token != cue.token);
                    self.ended_at = Some(Instant::now());
                }
            }
        }
        if let Some(left) = self.tail_left() {
            std::thread::sleep(left);
        }
        self.close();
        self.closing.settle();
    }

    fn close(&mut self) {
        self.keep_until = None;
        if let Some(device) = self.device.take() {
            self.closing.close(device);
            // What it still told before it was silenced is not about the next.
            while self.errors.try_recv().is_ok() {}
        }
    }

    /// What is left of the silence after the last sound.
    fn tail_left(&self) -> Option<Duration> {
        let tail_end = self.ended_at? + Duration::from_millis(TAIL_MS);
        self.device.as_ref()?;
        tail_end.checked_duration_since(Instant::now())
    }

    /// Does all there is to do; returns how long there is nothing more (`None`: until woken).
    fn turn(&mut self) -> Result<Option<Duration>, Gone> {
        self.take_commands()?;
        self.take_notes()?;
        self.take_errors();
        self.drop_unreadable();
        let until_overdue = self.abandon_if_hanging();
        let until_event = self.send_due()?;
        let until_close = self.close_if_idle();
        Ok([until_overdue, until_event, until_close].into_iter().flatten().min())
    }

    fn take_commands(&mut self) -> Result<(), Gone> {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Prepare(answer)) => {
                    let opened = self.open().map(|device| device.ready);
                    if opened.is_ok() {
                        self.keep_open(PREPARED_MS);
                    }
                    if answer.send(opened).is_err() {
                        tracing::debug!("nobody waits any more for the speaker to be prepared");
                    }
                }
                Ok(Command::Play(request)) => self.begin(&request),
                Ok(Command::Stop(token)) => self.stop(token),
                Ok(Command::Release) => self.keep_until = None,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Gone),
            }
        }
    }

    fn open(&mut self) -> Result<&mut Device, SpeakerError> {
        match self.device {
            Some(ref mut device) => Ok(device),
            None if self.closing.settle() => {
                Ok(self.device.insert(Device::open(&self.settings, &self.around)?))
            }
            None => Err(SpeakerError::Hanging),
        }
    }

    fn begin(&mut self, request: &PlayRequest) {
        let token = request.token;
        // From here on the sound itself keeps the device open.
        self.keep_until = None;
        let rate_hz = match self.open() {
            Ok(device) => device.rate_hz,
            Err(error) => return self.fail(token, PlayFailure::Device(error.to_string())),
        };
        let ring_frames = rate_hz.get() as usize * RING_MS / 1000;
        match Feed::start(request, rate_hz, ring_frames, self.around.listener.clone()) {
            Ok((feed, samples, state)) => {
                self.sounds.push(Sound { token, feed, rate_hz, is_failing: false, stop_by: None });
                let start_unix_ns = request.start_at_unix_ms.saturating_mul(1_000_000);
                let factor = db_to_factor(request.gain_db);
                self.order(Order::Play(Cue { token, start_unix_ns, factor, samples, feed: state }));
            }
            Err(error) => {
                let reason = format!("the system gives no thread to decode in: {error}");
                self.fail(token, PlayFailure::Unreadable(reason));
            }
        }
    }

    fn fail(&mut self, token: u64, reason: PlayFailure) {
        self.due.push((Instant::now(), SpeakerEvent::Failed { token, played_ms: 0, reason }));
    }

    fn stop(&mut self, token: u64) {
        if let Some(sound) = self.sounds.iter_mut().find(|sound| sound.token == token) {
            sound.stop_by.get_or_insert(Instant::now() + Duration::from_millis(STOP_MS));
        }
        self.order(Order::Stop(token));
    }

    /// Gives a device up that does not obey: whatever was to sound on it must not. Returns how long the next has to obey.
    fn abandon_if_hanging(&mut self) -> Option<Duration> {
        let stop_by = self.sounds.iter().filter_map(|sound| sound.stop_by).min()?;
        let left = stop_by.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        if left.is_none() {
            self.lose_device("it does not obey an order to stop");
        }
        left
    }

    fn order(&mut self, order: Order) {
        let Some(device) = &mut self.device else { return };
        if device.orders.push(order).is_err() {
            // The callback has not run for a whole queue of orders.
            self.lose_device("it has stopped taking samples");
        }
    }

    fn take_notes(&mut self) -> Result<(), Gone> {
        while let Some(note) = self.device.as_mut().and_then(|device| device.notes.pop().ok()) {
            self.take_note(note)?;
        }
        Ok(())
    }

    fn take_note(&mut self, note: Note) -> Result<(), Gone> {
        match note {
            Note::Started { token, at_unix_ns, error_ns } => self.send(SpeakerEvent::Started {
                token,
                at_unix_ms: to_ms(at_unix_ns),
                error_ms: error_ns as f32 / 1e6,
            }),
            Note::Ended { cue, gap_frames, at_unix_ns, stopped } => {
                if let Some(index) = self.sounds.iter().position(|sound| sound.token == cue.token) {
                    let sound = self.sounds.swap_remove(index);
                    let left_ns = at_unix_ns.saturating_sub(self.around.clock.now_unix_ns());
                    let left = Duration::from_nanos(u64::try_from(left_ns).unwrap_or(0));
                    let heard_at = Instant::now() + left.min(DEVICE_LATENCY_MAX);
                    self.due.push((heard_at, sound.ended(at_unix_ns, gap_frames, stopped)));
                }
                Ok(())
            }
        }
    }

    fn take_errors(&mut self) {
        while let Ok(error) = self.errors.try_recv() {
            use cpal::ErrorKind::{DeviceChanged, RealtimeDenied, Xrun};
            if matches!(error.kind(), Xrun | DeviceChanged | RealtimeDenied) {
                tracing::warn!(%error, "the sound device reports trouble that it survives");
            } else {
                // After any other the stream may be dead, and only opening it anew tells.
                self.lose_device(&error.to_string());
            }
        }
    }

    /// Closes the device and fails what was to sound on it.
    fn lose_device(&mut self, why: &str) {
        tracing::error!(why, "the sound device is lost");
        self.close();
        for sound in std::mem::take(&mut self.sounds) {
            let (token, played_ms) = (sound.token, sound.played_ms());
            let reason = PlayFailure::Device(why.to_owned());
            self.due.push((Instant::now(), SpeakerEvent::Failed { token, played_ms, reason }));
        }
    }

    /// A file that cannot be opened need not wait for its instant to be reported.
    fn drop_unreadable(&mut self) {
        let unreadable: Vec<u64> = self
            .sounds
            .iter_mut()
            .filter(|sound| !sound.is_failing)
            .filter(|sound| matches!(sound.feed.failure(), Some(PlayFailure::Unreadable(_))))
            .filter(|sound| sound.feed.played_frames() == 0)
            .map(|sound| {
                sound.is_failing = true;
                sound.token
            })
            .collect();
        for token in unreadable {
            self.stop(token);
        }
    }

    /// Sends the ends whose instant has come; returns how long until the next.
    fn send_due(&mut self) -> Result<Option<Duration>, Gone> {
        let now = Instant::now();
        while let Some(index) = self.due.iter().position(|&(at, _)| at <= now) {
            let (_, event) = self.due.remove(index);
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&event.token());
            self.keep_open(LINGER_MS);
            self.ended_at = Some(now);
            self.send(event)?;
        }
        Ok(self.due.iter().map(|&(at, _)| at.saturating_duration_since(now)).min())
    }

    fn send(&self, event: SpeakerEvent) -> Result<(), Gone> {
        self.events.blocking_send(event).map_err(|_| Gone)
    }

    fn keep_open(&mut self, ms: u64) {
        let until = Instant::now() + Duration::from_millis(ms);
        self.keep_until = self.keep_until.max(Some(until));
    }

    /// Closes a device that nobody uses; returns how long one that is about to be unused stays open.
    fn close_if_idle(&mut self) -> Option<Duration> {
        if self.device.is_none() || !self.sounds.is_empty() || !self.due.is_empty() {
            return None;
        }
        let kept = self.keep_until.and_then(|until| until.checked_duration_since(Instant::now()));
        let left = kept.max(self.tail_left());
        if left.is_none() {
            self.close();
            tracing::debug!("the sound device is closed");
        }
        left
    }
}

fn to_ms(unix_ns: i64) -> i64 {
    // To the nearest, so that a frame at the millisecond is not reported as the one before.
    (unix_ns + 500_000).div_euclid(1_000_000)
}
