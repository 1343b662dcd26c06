//! Whole stories on real parts: the controller's program with its broker and database, nodes' programs, espeak-ng, and
//! recorders in place of sound cards.
//!
//! The demo (`scripts/demo.sh`) and the stories in `tests/tests/` use the same [`Station`] and [`Village`], so what is
//! shown is what is tested.

pub mod api;
pub mod program;
pub mod station;
pub mod table;
pub mod village;
pub mod wait;

pub use api::Person;
pub use station::Station;
pub use village::Village;
