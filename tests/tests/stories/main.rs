//! Whole stories on real parts: controller with broker and database, nodes' programs, espeak-ng, ALSA recorders.

mod access;
mod alerts;
mod another_broker;
mod bad_input;
mod bad_line;
mod download;
mod figures;
mod full_disk;
mod languages;
mod main_job;
mod moved;
mod no_clock;
mod offline;
mod orders;
mod preflight;
mod preflight_command;
mod recordings;
mod refused;
mod simulated;
mod start_up;
mod told_time;
mod waves;
