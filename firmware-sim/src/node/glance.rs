//! A node at one moment, for whoever watches it.

use std::collections::BTreeSet;

use loa_node_core::{Intent, Slot, StoredDocument};
use loa_protocol::ids::ObjectHash;
use loa_protocol::report::ClockTrust;
use loa_protocol::time::UnixMs;

use super::happening::Progress;
use crate::board_sim::cache::Disk;

/// What a node is and holds.
#[derive(Clone, Debug)]
pub struct Glance {
    /// When this was so, on the node's clock.
    pub at: UnixMs,
    /// By how much the node's clock is ahead of the true time, in milliseconds: what only a simulator knows.
    pub clock_ahead_ms: i64,
    /// How far the node trusts its clock.
    pub trust: ClockTrust,
    /// The documents in force.
    pub documents: Vec<(Slot, StoredDocument)>,
    /// Objects that are whole.
    pub whole: BTreeSet<ObjectHash>,
    /// Objects that are being fetched.
    pub partial: Vec<Progress>,
    /// What all of them take, in bytes.
    pub used_bytes: u64,
    /// What they may take at most, in bytes.
    pub quota_bytes: u64,
    /// How the disk is.
    pub disk: Disk,
    /// The sound that is ordered, or sounds.
    pub sound: Option<SoundGlance>,
    /// The occurrence of which it is.
    pub occurrence: Option<Intent>,
    /// Receipts that the controller has not acknowledged.
    pub receipts_waiting: usize,
    /// Whether the amplifier is on.
    pub amplifier_is_on: bool,
    /// Whether the sound device can be opened.
    pub speaker_works: bool,
    /// What the temperature sensor shows, in tenths of a degree Celsius.
    pub temperature_decidegrees: i32,
    /// What the supply shows, in millivolts.
    pub supply_mv: u32,
}

/// A sound at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundGlance {
    /// Its object.
    pub object: ObjectHash,
    /// When it is to begin, on the node's clock.
    pub start_at: UnixMs,
    /// When it began, on the node's clock, if it did.
    pub started: Option<UnixMs>,
    /// Its length in milliseconds, once it was loaded.
    pub length_ms: Option<u32>,
}
