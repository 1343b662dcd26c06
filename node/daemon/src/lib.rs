//! The daemon of a loudspeaker board.

pub mod audio;
