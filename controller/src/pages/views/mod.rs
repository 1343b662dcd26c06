//! What each page shows: plain structs that a handler fills from the services, each bound to its template.
//!
//! Ids are the domain's ids as text. Every [`Moment`](super::Moment) carries the zone of the area it is about.
//! Forms are given back as they were typed, with [`Errors`](super::form::Errors) by field.

mod account;
mod alerts;
mod areas;
mod audit;
mod bulletin;
mod bulletin_form;
mod bulletins;
mod calendars;
mod error;
mod heard;
mod live;
mod nodes;
mod orders;
mod parts;
mod preflight;
mod reading;
mod record;
mod schedules;
mod sign_in;
mod speech_data;
mod today;
mod users;
mod words;

pub use account::*;
pub use alerts::*;
pub use areas::*;
pub use audit::*;
pub use bulletin::*;
pub use bulletin_form::*;
pub use bulletins::*;
pub use calendars::*;
pub use error::*;
pub use heard::*;
pub use live::*;
pub use nodes::*;
pub use orders::*;
pub use parts::*;
pub use preflight::*;
pub use reading::*;
pub use record::*;
pub use schedules::*;
pub use sign_in::*;
pub use speech_data::*;
pub use today::*;
pub use users::*;
pub use words::*;
