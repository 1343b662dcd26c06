//! The normaliser as its callers see it: cases as data, any input at all, the operator's lexicon, the audit.

mod any_input;
mod audit;
mod cases;
mod handed_out;
mod languages;
mod lexicon;
mod spans;
