//! Dispatch on a real database.

mod ingest;
