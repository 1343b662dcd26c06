//! Boards that are not there: the real node core on simulated boards, and a recorder in place of their sound cards.

pub mod play;
pub mod recorder;
