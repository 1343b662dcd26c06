//! Decodes one sound ahead of the playhead, into a bounded ring, on its own thread.
//!
//! # Invariants
//! - The ring is full at most; the thread then sleeps until a quarter of it may have been played.
//! - Whoever drops [`Feed`] ends the thread: nothing decodes for a sound that is over.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use rodio::source::UniformSourceIterator;
use rtrb::{Consumer, Producer, RingBuffer};

use super::opus_file::{OPUS_RATE, OpusFile};
use super::speaker::{PlayFailure, PlayRequest, Source};

/// Samples that are converted at a time, where the device does not run at Opus's own rate.
const CONVERTED_BLOCK: usize = 960;

/// What the output callback may see of a feed: whether more samples will come.
#[derive(Debug, Default)]
pub(super) struct FeedState {
    ended: AtomicBool,
    cancelled: AtomicBool,
    played_frames: AtomicU64,
    failure: Mutex<Option<PlayFailure>>,
}

impl FeedState {
    /// Whether the last sample is in the ring. Ask *before* finding the ring empty.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Counts frames that went to the device.
    pub(super) fn count_played(&self, frames: usize) {
        self.played_frames.fetch_add(frames as u64, Ordering::Relaxed);
    }

    fn end(&self, failure: Option<PlayFailure>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        self.ended.store(true, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn end_for_test(&self) {
        self.end(None);
    }

    #[cfg(test)]
    pub(super) fn played_frames_for_test(&self) -> u64 {
        self.played_frames.load(Ordering::Relaxed)
    }
}

/// The decoding side of one sound, owned by the speaker thread.
#[derive(Debug)]
pub(super) struct Feed {
    state: Arc<FeedState>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    /// Starts decoding `request` at `rate_hz` into a ring of `ring_frames`; `listener` is woken when decoding ends.
    pub(super) fn start(
        request: &PlayRequest,
        rate_hz: NonZero<u32>,
        ring_frames: usize,
        listener: Thread,
    ) -> std::io::Result<(Self, Consumer<f32>, Arc<FeedState>)> {
        let (ring, samples) = RingBuffer::new(ring_frames);
        let state = Arc::new(FeedState::default());
        let nap = Duration::from_millis(ring_frames as u64 * 1000 / u64::from(rate_hz.get()) / 4);
        let worker = Worker { ring, state: Arc::clone(&state), nap, rate_hz };
        let (source, from_ms) = (request.source.clone(), request.from_ms);
        let thread = std::thread::Builder::new().name("audio-decode".into()).spawn(move || {
            let state = Arc::clone(&worker.state);
            state.end(worker.run(&source, from_ms).err());
            listener.unpark();
        })?;
        Ok((Self { state: Arc::clone(&state), thread: Some(thread) }, samples, state))
    }

    /// Frames that went to the device so far.
    pub(super) fn played_frames(&self) -> u64 {
        self.state.played_frames.load(Ordering::Relaxed)
    }

    /// Why decoding ended badly; `None` while it goes on, and where it ended well.
    pub(super) fn failure(&self) -> Option<PlayFailure> {
        if !self.state.has_ended() {
            return None;
        }
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.state.cancelled.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
        }
    }
}

struct Worker {
    ring: Producer<f32>,
    state: Arc<FeedState>,
    nap: Duration,
    rate_hz: NonZero<u32>,
}

impl Worker {
    fn run(mut self, source: &Source, from_ms: u64) -> Result<(), PlayFailure> {
        let mut file = OpusFile::open_source(source, from_ms)?;
        let is_whole = if self.rate_hz.get() == OPUS_RATE {
            self.push_blocks(&mut file)
        } else {
            self.push_converted(&mut file)
        };
        // A sound that was stopped has nothing to say about the rest of its file.
        if is_whole { file.outcome() } else { Ok(()) }
    }

    fn push_blocks(&mut self, file: &mut OpusFile) -> bool {
        while let Some(block) = file.next_block() {
            if !self.push(block) {
                return false;
            }
        }
        true
    }

    fn push_converted(&mut self, file: &mut OpusFile) -> bool {
        let mut samples = UniformSourceIterator::new(file, NonZero::<u16>::MIN, self.rate_hz);
        let mut block = Vec::with_capacity(CONVERTED_BLOCK);
        loop {
            block.clear();
            block.extend(samples.by_ref().take(CONVERTED_BLOCK));
            if block.is_empty() {
                return true;
            }
            if !self.push(&block) {
                return false;
            }
        }
    }

    /// Waits for room; false when the sound is over before its file is.
    fn push(&mut self, mut block: &[f32]) -> bool {
        loop {
            (_, block) = self.ring.push_partial_slice(block);
            if block.is_empty() {
                return true;
            }
            if self.state.cancelled.load(Ordering::Acquire) || self.ring.is_abandoned() {
                return false;
            }
            std::thread::park_timeout(self.nap);
        }
    }
}
