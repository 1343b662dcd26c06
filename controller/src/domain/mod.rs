//! The rules of the house, free of database, network and clock: what is allowed, what is valid, what follows.
//!
//! Everything here is a function of its arguments. Services load what a rule needs, ask the rule, and store its
//! answer in one transaction.

pub mod alert;
pub mod area;
pub mod area_rules;
pub mod bulletin;
pub mod calendar;
pub mod doubt;
pub mod ids;
pub mod language;
pub mod lexicon;
pub mod live_order;
pub mod message;
pub mod node;
pub mod refused;
pub mod role;
pub mod schedule;
pub mod schedule_rules;
pub mod slug;
pub mod user;
