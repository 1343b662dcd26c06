//! A loudspeaker and a microphone that are not there.
//!
//! ALSA's `file` plugin pipes what a program plays into `loa-firmware-sim record`, which takes it as slowly as a
//! sound card would and writes what a microphone before the horn would have heard:
//!
//! ```text
//!  loa-node ── ALSA plug ── ALSA file ──pipe──> record ──> heard-0001.wav       one for each time the card is opened
//!              (48 kHz, n channels)                        heard-0001.timeline  which frame was heard when
//! ```
//!
//! | Module | Idea |
//! |---|---|
//! | [`alsa_config`] | the ALSA configuration that puts the recorder in the place of the card |
//! | `pace` | when each frame is heard (pure) |
//! | [`mod@capture`] | standard input to the two files |
//! | `pipe` | the pipe from the player, made as small as can be |
//! | `timeline` | the file that maps frames to instants |
//! | [`recording`] | what was heard: when it began, how loud, and whether it is what was sent |
//! | `correlate` | normalised cross-correlation by FFT |
//!
//! # Why so many channels
//! A pipe cannot be smaller than one page (4,096 bytes): 43 ms of mono, which ALSA does not report as delay, so a
//! program would seem to start that much late. With [`alsa_config::CHANNELS`] channels carrying the same sound, a
//! page is 2.7 ms. Only the first channel is kept.

pub mod alsa_config;
pub mod capture;
mod correlate;
mod pace;
mod pipe;
pub mod recording;
mod timeline;

pub use alsa_config::{AlsaConfigError, RecorderCommand, write_alsa_config};
pub use capture::{CaptureError, CaptureOptions, Captured, capture};
pub use correlate::{Match, MatchError};
pub use recording::{Recording, RecordingError, Segment};

/// Frames per second of everything that is recorded.
pub const RATE_HZ: u32 = 48_000;
