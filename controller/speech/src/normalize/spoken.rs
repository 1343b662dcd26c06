//! What comes out: spans, sentences and the pauses between them.

use std::ops::Range;

use super::class::Class;
use super::markup::MarkupFinding;

/// What follows a sentence; the caller puts silence there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The sentence was too long for an engine and was cut.
    Clause,
    /// Another sentence.
    Sentence,
    /// Another paragraph.
    Paragraph,
    /// The same sentence goes on, behind the silence that the writer put there and no other.
    Marked,
    /// Nothing.
    End,
}

/// How a sentence is spoken otherwise than the track around it: what its writer marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Slower.
    pub emphasis: bool,
    /// BCP 47 tag of the language whose voice says it; `None`: the track's.
    pub language: Option<&'static str>,
}

/// One sentence as it's said, or a part of one where mark-up changes the voice, the pace, or puts a silence.
///
/// Invariants: NFC; one line; no bracket; at most [`Sentence::MAX_CHARS`] characters; at least one letter and no digit, or,
/// in a language other than the track's, at least one letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sentence {
    text: String,
    pause_after: Pause,
    pub(super) style: Style,
    pub(super) silence_before_ms: u32,
    pub(super) silence_after_ms: u32,
}

impl Sentence {
    /// Longest sentence in characters; longer ones are cut at a comma, a blank, or wherever they must.
    pub const MAX_CHARS: usize = 600;

    pub(super) const fn new(text: String, pause_after: Pause) -> Self {
        let style = Style { emphasis: false, language: None };
        Self { text, pause_after, style, silence_before_ms: 0, silence_after_ms: 0 }
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

    /// How it is spoken.
    #[must_use]
    pub const fn style(&self) -> Style {
        self.style
    }

    /// Silence in front of it that the writer asked for, in milliseconds; only a text's first sentence has any.
    #[must_use]
    pub const fn silence_before_ms(&self) -> u32 {
        self.silence_before_ms
    }

    /// Silence that the writer asked for on top of what [`pause_after`](Self::pause_after) is, in milliseconds.
    #[must_use]
    pub const fn silence_after_ms(&self) -> u32 {
        self.silence_after_ms
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
    pub(super) markup: Vec<MarkupFinding>,
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

    /// What is wrong with the mark-up, in the order of the text.
    #[must_use]
    pub fn markup_findings(&self) -> &[MarkupFinding] {
        &self.markup
    }

    /// All silence that the writer asked for, in milliseconds.
    #[must_use]
    pub fn silence_ms(&self) -> u32 {
        self.sentences.iter().map(|sentence| sentence.silence_before_ms + sentence.silence_after_ms).sum()
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
