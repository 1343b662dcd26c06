//! Ogg Opus (RFC 6716, RFC 7845): the one form in which audio leaves the controller.
//!
//! Same samples and settings, same bytes: the stream's serial number is derived from its packets, and no time,
//! no random number and no version of a tool goes in. Another build of libopus, or another processor's vector
//! instructions, may give other bytes for the same sound, which costs one needless transfer and nothing else.

mod coder;
mod decode;
mod encode;
mod mux;
mod segment;

pub(crate) use coder::{Coded, Coder, Loud};
pub use decode::decode;
pub use encode::{OpusSettings, encode};
pub(crate) use segment::{LEAD_SAMPLES, MAX_BITRATE_BPS, Place, Segment, assemble};

use crate::master::MasterError;
use crate::pcm::PcmError;

/// Opus counts time at this rate, whatever the sound's own.
pub(crate) const GRANULE_RATE_HZ: u32 = 48_000;

/// Written into every object as the encoder's name.
const VENDOR: &str = "loa-lang";

/// Why an object could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum OpusError {
    /// Opus takes 8, 12, 16, 24 or 48 kHz.
    #[error("Opus can't take {sample_rate_hz} Hz; it takes 8, 12, 16, 24 and 48 kHz")]
    SampleRate {
        /// The sound's rate.
        sample_rate_hz: u32,
    },
    /// Settings outside what Opus takes.
    #[error(
        "Opus settings out of range: {bitrate_bps} bit/s (6,000 to 128,000), complexity {complexity} (0 to 10)"
    )]
    Settings {
        /// Bits a second.
        bitrate_bps: u32,
        /// Effort.
        complexity: u8,
    },
    /// No sound to code.
    #[error("there is no sound to code")]
    Empty,
    /// libopus refused something.
    #[error("libopus failed while {action}: {reason}")]
    Codec {
        /// What was being done.
        action: &'static str,
        /// libopus's own words.
        reason: &'static str,
    },
    /// The Ogg pages could not be put together.
    #[error("the Ogg stream could not be written")]
    Mux(#[source] std::io::Error),
    /// Bytes that are no Ogg Opus object.
    #[error("these bytes are no readable Ogg Opus object: {action} failed")]
    Read {
        /// What was being done.
        action: &'static str,
        /// What the reader said.
        #[source]
        source: symphonia::core::errors::Error,
    },
    /// An object with another codec or without sound in it.
    #[error("these bytes hold no Opus sound")]
    NoTrack,
    /// What was decoded isn't usable sound.
    #[error("the decoded sound can't be used")]
    Pcm(#[source] PcmError),
    /// The decoded sound could not be measured.
    #[error("the decoded sound could not be measured")]
    Measure(#[source] Box<MasterError>),
    /// A coding thread ended without a word.
    #[error("a coding thread ended early")]
    WorkerEnded,
}

pub(crate) fn codec(action: &'static str) -> impl Fn(opusic_c::ErrorCode) -> OpusError {
    move |code| OpusError::Codec { action, reason: code.message() }
}
