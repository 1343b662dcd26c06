//! The normaliser as its callers see it: cases as data, any input at all, the operator's lexicon, the audit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any_input;
mod audit;
mod cases;
mod handed_out;
mod lexicon;
mod spans;
