//! Boards that are not there: the real node core on simulated boards, and a recorder in place of their sound cards.
//!
//! | Module | Idea |
//! |---|---|
//! | [`device`] | one simulated board, with scripted faults and what it plays as WAV files |
//! | [`fleet`] | thousands of simulated boards in one process, against a real broker |
//! | [`node`] | what drives the core of one board; both use it |
//! | [`board_sim`] | the board: clock, network, disk, database, amplifier |
//! | [`storm`] | many nodes through days of trouble in virtual time, by seed, and what must hold all the while |
//! | [`recorder`] | takes the place of a sound card under a real `loa-node` |
//! | `rng` | chance, by seed |
//! | [`play`] | the node's own speaker, driven by hand |

pub mod board_sim;
pub mod device;
pub mod fleet;
pub mod node;
pub mod play;
pub mod recorder;
mod rng;
pub mod storm;
