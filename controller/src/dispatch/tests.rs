//! Dispatch on a real database.

mod answers;
mod away;
mod ingest;
mod offers;
mod proof;
