//! Whole stories on real parts: the controller with its broker and database, nodes' programs, espeak-ng, and recorders in
//! place of sound cards.

pub mod api;
pub mod bare;
pub mod line;
pub mod mosquitto;
pub mod office;
pub mod program;
pub mod programme;
pub mod province;
pub mod station;
pub mod table;
pub mod tap;
pub mod tls;
pub mod village;
pub mod wait;

pub use api::Person;
pub use mosquitto::Mosquitto;
pub use office::Office;
pub use station::Station;
pub use tap::Tap;
pub use village::Village;
