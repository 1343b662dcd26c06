//! What a node takes for the time, and how it asks the controller for it: a specification, and the pure functions that hold it.
//! K1 and K2, what an unknown clock forbids, are in the [timeline](crate::timeline).
//!
//! # Words
//! A **source** of time is the system's clock, or the exchange with the controller. The **bound** is by how much a source may be
//! wrong. The **boot clock** counts the time since the board started, is never set, and drifts by at most [`DRIFT_PPM`]
//! of what it counts.
//!
//! # K. Clock
//! - **K3** Nothing here sets the system's clock. What the exchange found is an instant beside one of the boot clock
//!   ([`Estimate`]), so a system's clock that jumps moves nothing while the node goes by the exchange.
//! - **K4** A bound grows by the drift of the boot clock since. A source is *trusted* while a time service keeps the system's clock,
//!   or while the exchange's bound is at most [`TRUSTED_MAX_MS`]; *held over* while its bound is at most [`HELD_MAX_MS`]; and of no
//!   use after.
//! - **K5** A node goes by the system's clock while a time service keeps it; else by the exchange while that is trusted; else by
//!   whichever of the two is held over with the smaller bound; else its clock is unknown.
//! - **K6** The floor (what the node knows to be past, because somebody signed it then) stands above all: no source that is
//!   more than ten minutes before it is used.
//! - **K7** Where the system's clock and the exchange differ by more than both bounds, one of them is wrong, and the node cannot know
//!   which. It goes on by the system's clock, whose bound is then the difference as well: up to [`HELD_MAX_MS`] held over, above that
//!   unknown. It says so in its health, and asks again within the hour.
//!
//! # E. Exchange
//! - **E1** The node sends a [`TimeRequest`] at `t0` of its boot clock; the controller notes `t1` when it comes and `t2` when it
//!   answers, both by its own clock; the [`TimeAnswer`] is there at `t3` of the boot clock. The offset is
//!   `((t1-t0) + (t2-t3)) / 2`, and the round trip `(t3-t0) - (t2-t1)` (RFC 5905, section 8). However unequal the two ways
//!   are, the offset is wrong by at most half the round trip ([`Sample`]).
//! - **E2** A round is [`ROUND_REQUESTS`] requests, [`REQUEST_GAP_MS`] apart on average; the answer with the smallest bound counts.
//!   On a thin line most requests wait behind other bytes, and one that does not is enough. The bound is half its round
//!   trip, the responder's own bound, the drift since, and the rounding to milliseconds. So a round trip of
//!   twice [`TRUSTED_MAX_MS`] can never be trusted.
//! - **E3** An answer is believed if a key with the purpose *time*, whose area covers the node, signed it for this node; if it
//!   echoes sequence and nonce of a request that waits; once; and within [`ANSWER_WITHIN_MS`]. Nonces come from a secret of
//!   the boot that never leaves the board, so nobody can have an answer made before its request: whoever keeps answers back only makes the
//!   round trip longer, and the bound with it.
//! - **E4** The node cannot judge by its clock whether the signing key is valid, so it judges at the instant that the answer
//!   names: with a key that has expired one can name past instants alone, and the floor (K6) ends those.
//! - **E5** A controller whose own clock nobody keeps says so (it names no bound of its own). From such an answer nothing follows: the node
//!   stays what it was, held over or unknown. A wrong clock of one controller would else be a wrong clock in every village.
//! - **E6** A node asks when the control link comes up and the exchange is not trusted; before the exchange stops being trusted; and where nothing
//!   came of a round, again after 1 min doubling to 1 h. Where a time service keeps its clock, it asks once a day, for K7. Each of these
//!   is drawn from an interval, so that a fleet does not ask at once. It never asks while no key with the purpose *time* is in its key set:
//!   an earlier controller hears nothing of it.
//! - **E7** An answer is worth nothing later: requests and answers are QoS 0, never retained, never sent again. A responder that has
//!   too much to do drops requests.
//!
//! # Why a key of its own signs
//! Who sets a village's clock decides when it wakes: quiet hours are hours of that clock. The plan key directs what sounds, and quiet
//! hours are what stands against a plan that comes at the wrong hour; if it also told the time, it could talk its way past them. The *time*
//! key tells the time and nothing else, so neither key alone makes a village sound at night.

mod estimate;
mod message;

pub use self::estimate::{Estimate, Sample, drift_ms};
pub use self::message::{ClockSource, Nonce, TimeAnswer, TimeRequest, VALID_MAX_S};

/// How far an uncompensated crystal on a pole drifts, in parts per million.
pub const DRIFT_PPM: u64 = 100;

/// The largest bound of the exchange with which a clock is trusted, in milliseconds. With [`DRIFT_PPM`] it is reached five hours after
/// a perfect answer.
pub const TRUSTED_MAX_MS: u64 = 2_000;

/// The most by which a clock may be wrong and still count, in milliseconds: a start some minutes off is better than none, one that is an
/// hour off is worse. With [`DRIFT_PPM`] that is 34 days.
pub const HELD_MAX_MS: u64 = 300_000;

/// How many times a node asks in a round.
pub const ROUND_REQUESTS: u32 = 6;

/// How far apart the requests of a round are on average, in milliseconds.
pub const REQUEST_GAP_MS: u64 = 1_000;

/// How long a request waits for its answer, in milliseconds.
pub const ANSWER_WITHIN_MS: u64 = 30_000;
