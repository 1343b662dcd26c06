//! Written Vietnamese to spoken Vietnamese.
//!
//! ```text
//! text ─ markup ─ fold ─ lexer ─> tokens ─┬─ lexicon: the operator's words, the longest ─┬─> spans ─ builder ─> sentences, pauses
//!           │                             └─ rules: candidates compete at each place ────┤
//!           └─ commands of the writer: cues that fall due at their places ───────────────┘
//! ```
//!
//! Every span knows its class and the bytes that it was written in, so that a page can mark it; [`audit`](Normalizer::audit)
//! tells what nothing was known about. What one engine needs said otherwise than Vietnamese is written is no matter of this
//! module but of that engine's adapter. What staff may write to have it read otherwise is in [`markup`].
//!
//! Invariants: pure and deterministic; any string is read without a panic, in time linear in its length; no digit of any
//! script is left in what comes out of a Vietnamese text; spans are in order, don't overlap, and lie at the borders of characters.

mod as_written;
mod audit;
mod builder;
mod class;
mod cycles;
mod fold;
mod lexer;
mod lexicon;
pub mod markup;
mod options;
mod perform;
mod punctuation;
mod reader;
mod rules;
mod saying;
mod spoken;
mod syllable;
mod tables;
mod view;

pub use audit::{Finding, Reason};
pub use class::Class;
pub use lexicon::{Entry, Lexicon, LexiconNote, SPOKEN_MAX_CHARS, WRITTEN_MAX_TOKENS};
pub use options::{Four, HouseStroke, MissingTen, Options, Region, Thousand, UnknownRegion, YearStyle};
pub use spoken::{Pause, Sentence, Span, Spoken, Style};

pub use markup::{MarkupFinding, Problem};

use markup::Script;
use reader::Words;

/// Changes whenever the same text, options and lexicon are said otherwise: it's part of what names an object.
pub const NORMALIZER_VERSION: &str = "7";

/// Most characters that an entry of the lexicon may come to with the entries inside it.
const SAID_MAX_CHARS: usize = 4 * SPOKEN_MAX_CHARS;

/// Reads texts for listeners of one area. Cheap to share; making one costs a reading of the lexicon.
#[derive(Clone, Debug, Default)]
pub struct Normalizer {
    options: Options,
    lexicon: Lexicon,
    /// What is said for each entry, in words.
    said: Vec<Option<String>>,
    /// For texts in other languages: sentences are cut, and nothing is read.
    is_as_written: bool,
}

impl Normalizer {
    /// With the habits of a region and the words of an area.
    #[must_use]
    pub fn new(options: Options, lexicon: &Lexicon) -> Self {
        let nothing = Lexicon::default();
        let plain = Words { lexicon: &nothing, said: &[] };
        let mut said = vec![None; lexicon.entries().len()];
        for &entry in lexicon.order() {
            let (spoken, word_for_word) = lexicon.spoken(entry);
            let words = if word_for_word { plain } else { Words { lexicon, said: &said } };
            let mut words = line(reader::read(spoken, &options, words).finish().text());
            if words.chars().count() > SAID_MAX_CHARS {
                words = line(reader::read(spoken, &options, plain).finish().text());
            }
            said[entry] = Some(words).filter(|words| !words.is_empty());
        }
        Self { options, lexicon: lexicon.clone(), said, is_as_written: false }
    }

    /// For a text that is not Vietnamese: its numbers and signs are for the engine that speaks the language.
    #[must_use]
    pub fn as_written() -> Self {
        Self { is_as_written: true, ..Self::default() }
    }

    /// How a text is said. A text of signs alone has no sentences.
    #[must_use]
    pub fn normalize(&self, text: &str) -> Spoken {
        let mut script = Script::of(text);
        let words = Words { lexicon: &self.lexicon, said: &self.said };
        let read = if self.is_as_written {
            as_written::read(&script, &self.options)
        } else {
            reader::read_script(&script, &self.options, words)
        };
        let mut spoken = read.finish();
        spoken.markup.append(&mut script.findings);
        spoken.markup.sort_by_key(|finding| finding.bytes.start);
        spoken
    }

    /// What in a text no rule understood, in order.
    #[must_use]
    pub fn audit(&self, text: &str) -> Vec<Finding> {
        audit::audit(text, &self.normalize(text))
    }

    /// As [`Self::audit`], for a text that was read already with [`Self::normalize`].
    #[must_use]
    pub fn audit_spoken(text: &str, spoken: &Spoken) -> Vec<Finding> {
        audit::audit(text, spoken)
    }

    /// Names everything that decides how a text is said: equal names, same words.
    #[must_use]
    pub fn identity(&self) -> String {
        if self.is_as_written {
            return format!("{NORMALIZER_VERSION} as written");
        }
        format!("{NORMALIZER_VERSION} {:?} {}", self.options, self.lexicon.digest())
    }
}

/// An entry's words stand inside a sentence: on one line, without the end of one.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', ',', ';', ':', '!', '?']).to_owned()
}
