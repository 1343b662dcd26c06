//! What controller and node agree on.
//!
//! Pure: no I/O, no clock, no randomness; time and keys are arguments. Wire types live here alone, and each has a
//! golden file in `protocol/golden/`. The protocol is described for other makers' boards in `docs/protocol.md`.

pub mod alert;
pub mod area;
pub mod bulletin;
pub mod clock;
pub mod command;
pub mod enrolment;
pub mod envelope;
pub mod ids;
pub mod keys;
pub mod plan;
pub mod receipt;
pub mod report;
pub mod time;
pub mod timeline;
pub mod topic;
pub mod transfer;
pub mod wire;
