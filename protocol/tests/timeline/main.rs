//! The rules of the timeline, by their letters in `loa_protocol::timeline`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guards;
mod office;
mod order;
mod sessions;
mod starts;
mod walls;
mod wire;
