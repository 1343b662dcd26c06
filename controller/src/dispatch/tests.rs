//! Dispatch on a real database.

mod answers;
mod ingest;
mod offers;
mod proof;
