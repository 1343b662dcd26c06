//! Written Vietnamese to spoken Vietnamese: numbers, dates, times, money, units, telephones, document numbers and
//! abbreviations in words, cut into sentences.
//!
//! Invariants: pure and deterministic; any string is read without a panic and in time linear in its length; no digit
//! is left in what comes out. It's a first, plain normaliser: what no rule knows is passed on as it stands.

mod calendar;
mod documents;
mod lexer;
mod numbers;
mod quantities;
mod reader;
mod spoken;
mod tables;
mod view;

pub use spoken::{Pause, Sentence, SpokenText};

use crate::text::CleanText;

/// Turns a checked text into sentences of words. A text of signs alone gives none.
#[must_use]
pub fn normalize(text: &CleanText) -> SpokenText {
    let mut sentences = spoken::Builder::default();
    reader::read_text(&lexer::fold(text.as_str()), &mut sentences);
    sentences.finish()
}

#[cfg(test)]
mod tests;
