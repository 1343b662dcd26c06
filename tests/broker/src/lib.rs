//! A broker that is not ours, to hold our own against: Debian's `mosquitto`, with the certificates that it asks for.
//!
//! For tests alone: what goes wrong here panics, with what to do about it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod mosquitto;
mod pki;

pub use mosquitto::{Mosquitto, free_port};
pub use pki::Pki;
