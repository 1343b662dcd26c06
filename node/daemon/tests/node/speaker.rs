//! A speaker that remembers what it was given, and a board that remembers how the amplifier was switched.

use std::sync::{Arc, Mutex};

use loa_node::SoundOut;
use loa_node::audio::null::{NullSpeaker, Pace};
use loa_node::audio::{PlayRequest, Source, Speaker, SpeakerError, SpeakerReady, WallClock};
use loa_node::board::{Board, RelayError};
use loa_node::clock::NodeClock;

/// What was played: the bytes of each file at the moment at which it was to be played.
pub(crate) type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

struct RecordingSpeaker {
    inner: NullSpeaker,
    heard: Heard,
}

impl Speaker for RecordingSpeaker {
    fn prepare(&self) -> Result<SpeakerReady, SpeakerError> {
        self.inner.prepare()
    }

    fn play(&self, request: PlayRequest) -> Result<(), SpeakerError> {
        self.heard.lock().unwrap().push(match &request.source {
            Source::File(path) => std::fs::read(path).unwrap(),
            Source::Memory(bytes) => bytes.to_vec(),
        });
        self.inner.play(request)
    }

    fn stop(&self, token: u64) -> Result<(), SpeakerError> {
        self.inner.stop(token)
    }

    fn set_volume_db(&self, volume_db: f32) {
        self.inner.set_volume_db(volume_db);
    }

    fn release(&self) -> Result<(), SpeakerError> {
        self.inner.release()
    }
}

/// A speaker whose every sound lasts so long, at this pace.
pub(crate) fn recording(pace: Pace, duration_ms: u64, clock: &Arc<NodeClock>) -> (SoundOut, Heard) {
    let heard = Heard::default();
    let clock = Arc::clone(clock) as Arc<dyn WallClock>;
    let (inner, events) = NullSpeaker::new(pace, clock, Arc::new(move |_: &Source| Ok(duration_ms)));
    let speaker = RecordingSpeaker { inner, heard: Arc::clone(&heard) };
    (SoundOut { speaker: Arc::new(speaker), events }, heard)
}

/// How the amplifier was switched, in order.
pub(crate) type Switched = Arc<Mutex<Vec<bool>>>;

pub(crate) struct RecordingBoard(pub(crate) Switched);

impl Board for RecordingBoard {
    fn set_amplifier(&mut self, on: bool) -> Result<(), RelayError> {
        self.0.lock().unwrap().push(on);
        Ok(())
    }

    fn temperature_decidegrees(&mut self) -> Option<i32> {
        Some(415)
    }

    fn supply_mv(&mut self) -> Option<u32> {
        None
    }
}
