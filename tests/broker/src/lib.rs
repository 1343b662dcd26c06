//! A broker that is not ours, to hold our own against: Debian's `mosquitto`, with the certificates that it asks for; and a
//! client that shows what a broker says.
//!
//! For tests alone: what goes wrong here panics, with what to do about it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod client;
mod mosquitto;
mod pki;
mod tls;

pub use client::{BOUND, Client, Hello, NotConnected, Stream};
pub use mosquitto::{Mosquitto, free_port};
pub use pki::Pki;
pub use tls::{Identity, identity, narrow_tls_stream, tls_stream};
