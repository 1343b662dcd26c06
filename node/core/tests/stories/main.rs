//! Stories of one node: the real core and real signatures, on a board, a clock and a controller that are not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod any_input;
mod catching_up;
mod exchange;
mod fetching;
mod foreseen;
mod full_disk;
mod guards;
mod hanging;
mod interrupted;
mod lasting;
mod late_looks;
mod main_job;
mod office;
mod orders;
mod playing;
mod refused;
mod rig;
mod same_item;
mod store;
mod waves;
