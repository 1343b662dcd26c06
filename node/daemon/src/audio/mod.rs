//! Sound out: an Ogg Opus object of the cache becomes sound at a set instant.
//!
//! ```text
//!  caller ── Speaker (commands) ──> speaker thread ── orders ──> output callback ──> ALSA
//!     ^                                 │   ^                        ^    │
//!     └────── SpeakerEvent (bounded) ───┘   └──────── notes ─────────┼────┘
//!                                           decoder thread ── samples ┘   (one for each sound)
//! ```
//!
//! | Module | Idea | Touches |
//! |---|---|---|
//! | [`speaker`] | the seam: requests, events, errors | nothing |
//! | [`opus_file`] | one Ogg Opus file as a mono rodio [`Source`](rodio::Source) | the file |
//! | `feed` | decodes ahead into a bounded ring | a thread |
//! | `device_clock` | which wall-clock instant the next frame is heard at | nothing (pure) |
//! | `playhead` | what each frame of the output is | nothing (pure) |
//! | `device` | opens the card, runs the two above in its callback | ALSA |
//! | [`alsa`] | the thread that owns all of it | |
//! | [`null`] | a speaker without a card, for boards that are not there | tokio's timer |
//!
//! # Why cpal's callback and not rodio's mixer
//! rodio's mixer has no notion of time: a source starts at whichever buffer is filled next, which with its default
//! buffer is 50 to 100 ms away, and nothing tells when the samples reach the card. cpal, which rodio re-exports,
//! gives each callback the delay that ALSA reports for the buffer being filled. From it and the wall clock the
//! instant of every frame is known, so a sound starts at the right *frame* of a buffer rather than at its edge.
//! rodio keeps the rest: its `Source` trait, and its conversion to the card's sample rate.
//!
//! # Invariants
//! - The callback never blocks, allocates, frees or logs. What it takes over it hands back to the speaker thread.
//! - A file is never held in memory whole: a sound costs its ring ([`alsa::RING_MS`]) and its decoder.
//! - The card is open only while a sound is near; an idle node has no stream and wakes up for nothing.
//! - A damaged file, a lost card or a starved ring is an event or a figure in one, never silence without a word.

pub mod alsa;
mod device;
mod device_clock;
mod feed;
pub mod gain;
pub mod null;
pub mod opus_file;
mod playhead;
pub mod speaker;
#[cfg(test)]
mod test_opus;

pub use alsa::{AlsaSpeaker, AlsaSpeakerConfig};
pub use null::{NullSpeaker, Pace};
pub use speaker::{
    PlayFailure, PlayRequest, Source, Speaker, SpeakerError, SpeakerEvent, SpeakerReady, SystemClock,
    WallClock,
};
