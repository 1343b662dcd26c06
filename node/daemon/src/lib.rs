//! The daemon of a loudspeaker board: the shell round [`loa_node_core`].

pub mod audio;
pub mod board;
pub mod cache;
pub mod clock;
pub mod config;
pub mod device_key;
pub mod durable;
pub mod enrol;
pub mod identity;
pub mod run;
pub mod store;

pub use run::{ServeError, SoundOut, serve};
