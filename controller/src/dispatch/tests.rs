//! Dispatch on a real database.

mod ingest;
mod proof;
