//! Dispatch on a real database.

mod answers;
mod ingest;
mod proof;
