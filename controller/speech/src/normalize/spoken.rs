//! What comes out: spans, sentences and the pauses between them.

use std::ops::Range;

use super::class::Class;

/// What follows a sentence; the caller puts silence there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The sentence was too long for an engine and was cut.
    Clause,
    /// Another sentence.
    Sentence,
    /// Another paragraph.
    Paragraph,
    /// Nothing.
    End,
}

/// One sentence as it's said.
///
/// Invariants: NFC; one line; no digit, no bracket; at least one letter; at most [`Sentence::MAX_CHARS`]
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sentence {
    text: String,
    pause_after: Pause,
}

impl Sentence {
    /// Longest sentence in characters; longer ones are cut at a comma, a blank, or wherever they must.
    pub const MAX_CHARS: usize = 600;

    pub(super) const fn new(text: String, pause_after: Pause) -> Self {
        Self { text, pause_after }
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What follows it.
    #[must_use]
    pub const fn pause_after(&self) -> Pause {
        self.pause_after
    }
}

/// A stretch of the text and what is said for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// What it was recognised as.
    pub class: Class,
    /// Its bytes in the text as it was typed; whole characters.
    pub source: Range<usize>,
    /// Its bytes in [`Spoken::text`]; empty where nothing is said.
    pub spoken: Range<usize>,
}

/// A text as it's said; made by [`Normalizer::normalize`](super::Normalizer::normalize) alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spoken {
    pub(super) text: String,
    pub(super) spans: Vec<Span>,
    pub(super) sentences: Vec<Sentence>,
}

impl Spoken {
    /// All words: a blank between sentences, a line end between lines, an empty line between paragraphs.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every word, number and sign in the order of the text; neither `source` nor `spoken` ranges overlap.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The sentences in order, each closed by a mark for the engine. A text of signs alone has none.
    #[must_use]
    pub fn sentences(&self) -> &[Sentence] {
        &self.sentences
    }

    /// What is said for a span.
    #[must_use]
    pub fn said(&self, span: &Span) -> &str {
        self.text.get(span.spoken.clone()).unwrap_or_default()
    }
}

impl std::fmt::Display for Spoken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
