//! What a loudspeaker decides.
//!
//! A [`Core`] is a pure state machine: inputs are `handle_*` with the instant at which they happened, outputs are
//! [`Core::poll_action`], and [`Core::poll_timeout`] says when it wants to be woken although nothing happened.
//!
//! ```text
//!  broker ── handle_message, handle_link ──>┌──────┐── poll_action ──> store, cache, links, speaker
//!  speaker, cache, clock, board ──────────> │ Core │
//!  timer ──────────── handle_timeout ──────>└──────┘── poll_timeout ─> timer
//! ```
//!
//! The shell's loop: give one input, then take actions until there are none and carry them out in order, then wait for
//! the next input or for the deadline.
//!
//! **Invariants.** No clock, network, file, environment or randomness in here. The same inputs give the same actions:
//! nothing iterates over an unordered collection. Every collection is bounded by what signed documents may hold or by a
//! constant beside it. At most one sound at a time, and at most one receipt for each item and nominal start.

mod action;
mod agenda;
mod answers;
mod backlog;
mod cache;
mod core;
mod deadline;
mod documents;
mod fetch;
mod input;
mod ledger;
mod orders;
mod player;
mod receipts;
mod reports;
mod timekeeping;
mod topics;

pub use crate::action::{Action, Ending, InlineSound, Qos};
pub use crate::backlog::Backlog;
pub use crate::core::Core;
pub use crate::fetch::Came;
pub use crate::input::{
    Identity, Intent, LedgerEntry, Link, LinkEvent, Measurements, Now, PartialObject, Progress, Restored,
    Settings, Slot, SpeakerEvent, SpeakerFailure, Standing, StoreEvent, StoredDocument, TimeSecret, Token,
    WholeObject,
};

/// Most ended occurrences that are remembered. Beyond it the earliest nominal starts are forgotten, and no
/// occurrence at or before them is ever considered again.
pub const LEDGER_MAX: usize = 8_192;
