//! What each frame of the output is: silence, or a sample of the sound whose instant has come.
//!
//! ```text
//!            start reached, ring filled          ring empty and feed ended, or fade done
//!  Waiting ───────────────────────────> Sounding ───────────────────────────────────────> handed back
//!     └───────────────────────── stopped ────────────────────────────────────────────────────┘
//! ```
//!
//! # Invariants
//! - Runs in the output callback: no allocation, no freeing, no waiting. A [`Cue`] that is over is handed back whole.
//! - One sound at a time, in the order of their instants.
//! - Every accepted cue is handed back exactly once, and its feed counts what was played.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rtrb::Consumer;

use super::device_clock::DeviceClock;
use super::feed::FeedState;
use super::speaker::MAX_OUTSTANDING;

/// Length of the fade that ends a stopped sound, so that it does not click.
const FADE_MS: u32 = 5;

/// A sound begins only when so much of it is decoded (or all of it), lest it stumble at once.
const PREFILL_MS: u32 = 100;

/// One sound on its way through the callback.
#[derive(Debug)]
pub(super) struct Cue {
    pub(super) token: u64,
    pub(super) start_unix_ns: i64,
    pub(super) factor: f32,
    pub(super) samples: Consumer<f32>,
    pub(super) feed: Arc<FeedState>,
}

/// To the callback.
#[derive(Debug)]
pub(super) enum Order {
    Play(Cue),
    Stop(u64),
}

/// From the callback.
#[derive(Debug)]
pub(super) enum Note {
    Started { token: u64, at_unix_ns: i64, error_ns: i64 },
    Ended { cue: Cue, gap_frames: u64, at_unix_ns: i64, stopped: bool },
}

/// Most notes that can wait: a start and an end for each outstanding sound.
pub(super) const MAX_NOTES: usize = 2 * MAX_OUTSTANDING;

/// Where the callback leaves its notes.
pub(super) trait Notes {
    fn note(&mut self, note: Note);
}

struct Sounding {
    cue: Cue,
    gap_frames: u64,
    fade_left: Option<u32>,
}

/// The state of one open stream's output.
pub(super) struct Playhead {
    rate_hz: u32,
    waiting: Vec<Cue>,
    sounding: Option<Sounding>,
    volume: Arc<AtomicU32>,
    volume_now: f32,
}

impl Playhead {
    /// `volume` holds the bits of a factor, read once for each buffer.
    pub(super) fn new(rate_hz: u32, volume: Arc<AtomicU32>) -> Self {
        let volume_now = f32::from_bits(volume.load(Ordering::Relaxed));
        Self { rate_hz, waiting: Vec::with_capacity(MAX_OUTSTANDING), sounding: None, volume, volume_now }
    }

    /// Takes over one order.
    pub(super) fn obey(&mut self, order: Order, now_unix_ns: i64, notes: &mut impl Notes) {
        match order {
            // Beyond the capacity would allocate; the speaker thread counts, so this only guards the invariant.
            Order::Play(cue) if self.waiting.len() == MAX_OUTSTANDING => {
                notes.note(end(cue, 0, now_unix_ns, true));
            }
            Order::Play(cue) => self.waiting.push(cue),
            Order::Stop(token) => {
                if let Some(index) = self.waiting.iter().position(|cue| cue.token == token) {
                    notes.note(end(self.waiting.swap_remove(index), 0, now_unix_ns, true));
                }
                if let Some(sounding) = &mut self.sounding
                    && sounding.cue.token == token
                {
                    sounding.fade_left.get_or_insert(fade_frames(self.rate_hz));
                }
            }
        }
    }

    /// Fills `out` (mono), whose first frame is heard at `first_ns`.
    pub(super) fn render(
        &mut self,
        out: &mut [f32],
        first_ns: i64,
        clock: &DeviceClock,
        notes: &mut impl Notes,
    ) {
        let mut at = 0;
        while at < out.len() {
            if self.sounding.is_none() {
                let wait = self.start_next(first_ns + clock.duration_ns(at), out.len() - at, clock, notes);
                out[at..at + wait].fill(0.0);
                at += wait;
                if self.sounding.is_none() {
                    continue;
                }
            }
            if let Some(mut sounding) = self.sounding.take() {
                let played = sounding.play(&mut out[at..], self.rate_hz);
                at += played;
                if sounding.is_over() {
                    let Sounding { cue, gap_frames, fade_left } = sounding;
                    let end_ns = first_ns + clock.duration_ns(at);
                    notes.note(end(cue, gap_frames, end_ns, fade_left.is_some()));
                } else {
                    // Not over and the buffer not full: the decoder is late, and silence takes its place.
                    let gap = out.len() - at;
                    out[at..].fill(0.0);
                    sounding.gap_frames += gap as u64;
                    at = out.len();
                    self.sounding = Some(sounding);
                }
            }
        }
        self.apply_volume(out);
    }

    /// Makes the next sound current if it begins within `room` frames of `at_ns`; returns the frames of silence
    /// before it, or `room`.
    fn start_next(&mut self, at_ns: i64, room: usize, clock: &DeviceClock, notes: &mut impl Notes) -> usize {
        let Some((index, start_ns)) = self
            .waiting
            .iter()
            .enumerate()
            .map(|(index, cue)| (index, cue.start_unix_ns))
            .min_by_key(|&(_, start_ns)| start_ns)
        else {
            return room;
        };
        let wait = clock.frames_within(start_ns.saturating_sub(at_ns));
        let prefill = (self.rate_hz * PREFILL_MS / 1000) as usize;
        let cue = &self.waiting[index];
        let is_filled = cue.feed.has_ended() || cue.samples.slots() >= prefill;
        if wait >= room || !is_filled {
            return room;
        }
        let cue = self.waiting.swap_remove(index);
        let at_unix_ns = at_ns + clock.duration_ns(wait);
        if !(cue.feed.has_ended() && cue.samples.is_empty()) {
            notes.note(Note::Started { token: cue.token, at_unix_ns, error_ns: at_unix_ns - start_ns });
        }
        self.sounding = Some(Sounding { cue, gap_frames: 0, fade_left: None });
        wait
    }

    /// Goes to a changed volume over the length of the buffer, so that it does not click.
    fn apply_volume(&mut self, out: &mut [f32]) {
        let target = f32::from_bits(self.volume.load(Ordering::Relaxed));
        let step = (target - self.volume_now) / out.len().max(1) as f32;
        if step == 0.0 {
            if target != 1.0 {
                out.iter_mut().for_each(|sample| *sample *= target);
            }
            return;
        }
        for sample in out {
            self.volume_now += step;
            *sample *= self.volume_now;
        }
        self.volume_now = target;
    }
}

impl Sounding {
    /// Puts what there is at the head of `out`; returns the frames.
    fn play(&mut self, out: &mut [f32], rate_hz: u32) -> usize {
        let room = match self.fade_left {
            Some(left) => out.len().min(left as usize),
            None => out.len(),
        };
        let count = room.min(self.cue.samples.slots());
        let (filled, _) = self.cue.samples.pop_partial_slice(&mut out[..count]);
        let count = filled.len();
        if self.cue.factor != 1.0 {
            filled.iter_mut().for_each(|sample| *sample *= self.cue.factor);
        }
        if let Some(left) = &mut self.fade_left {
            let length = fade_frames(rate_hz) as f32;
            for slot in &mut out[..count] {
                *slot *= *left as f32 / length;
                *left -= 1;
            }
        }
        self.cue.feed.count_played(count);
        count
    }

    fn is_over(&self) -> bool {
        // The order matters: a feed that has ended adds nothing, so an empty ring then stays empty.
        self.fade_left == Some(0)
            || (self.fade_left.is_some() && self.cue.samples.is_empty())
            || (self.cue.feed.has_ended() && self.cue.samples.is_empty())
    }
}

fn end(cue: Cue, gap_frames: u64, at_unix_ns: i64, stopped: bool) -> Note {
    Note::Ended { cue, gap_frames, at_unix_ns, stopped }
}

fn fade_frames(rate_hz: u32) -> u32 {
    rate_hz * FADE_MS / 1000
}

#[cfg(test)]
mod tests;
