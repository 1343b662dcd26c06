//! Dispatch on a real database.

mod access;
mod answers;
mod away;
mod ingest;
mod offers;
mod proof;
