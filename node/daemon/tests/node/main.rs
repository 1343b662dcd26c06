//! The daemon on real parts: files, SQLite, mosquitto with mutual TLS, a controller's answers, the binary itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod binary;
mod controller;
mod enrolment;
mod full_disk;
mod offline;
mod online;
mod parts;
mod speaker;
#[path = "../../src/audio/test_opus.rs"]
mod test_opus;
mod trouble;
mod web;
