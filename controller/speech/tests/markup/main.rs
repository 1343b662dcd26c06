//! What staff mark in a text: how it is read, and how it sounds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any_input;
mod reading;
mod sounding;
