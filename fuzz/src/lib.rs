//! What must hold for any bytes, whoever sent them.
//!
//! Each module is one target: a function `hold(bytes)` that panics where something does not hold. `scripts/fuzz.sh`
//! runs them under libFuzzer, which looks for bytes that reach new code; the tests of this crate run each over
//! its seeds and over changed seeds, so that a target can neither rot nor be forgotten.
//!
//! | Target | Reads | Holds |
//! |---|---|---|
//! | [`messages`] | every message of the protocol, topics, enrolment tokens | what decodes encodes to the same message |
//! | [`documents`] | signed envelopes, those with a right signature too | nothing opens but what its key may sign |
//! | [`timeline`] | repeating patterns, zones, windows | starts ascend, lie in the window, do not depend on where one asks from |
//! | [`text`] | what officers type | no digit is left, time and length grow with the text |
//! | [`recording`] | uploaded recordings (WAV, MP3, FLAC, Ogg, M4A) | what is accepted is finite and within the limits |
//! | [`node_sound`] | the Ogg Opus file that a node plays | it ends, and no longer than its packets allow |
//! | [`mqtt`] | what a broker sends | the link tells its owner and ends in order |
//!
//! Nowhere may anything panic, hang or take memory beyond what the limits allow; libFuzzer watches time and memory.

pub mod documents;
pub mod messages;
pub mod mqtt;
pub mod node_sound;
pub mod recording;
pub mod seeds;
pub mod text;
pub mod timeline;

mod keys;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also the name of its program.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub hold: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "messages", hold: messages::hold },
    Target { name: "documents", hold: documents::hold },
    Target { name: "timeline", hold: timeline::hold },
    Target { name: "text", hold: text::hold },
    Target { name: "recording", hold: recording::hold },
    Target { name: "node_sound", hold: node_sound::hold },
    Target { name: "mqtt", hold: mqtt::hold },
];
