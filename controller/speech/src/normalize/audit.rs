//! What nothing was known about, so that staff see it before it airs.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::class::Class;
use super::spoken::{Span, Spoken};
use super::syllable;
use super::tables;

/// Why a stretch of text should be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A number that no rule understood; it's said digit by digit.
    Digits,
    /// A sign that nothing is said for.
    Symbol,
    /// Capitals that aren't in a table; they're said letter by letter, or as they stand.
    Capitals,
    /// A word that is no Vietnamese syllable; the engine makes of it what it can.
    Word,
    /// A sentence in another language: it would be read as if it were Vietnamese.
    Language,
    /// A sentence in Vietnamese without its marks: nobody would understand it.
    NoMarks,
}

impl Reason {
    /// Its name in data and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Symbol => "symbol",
            Self::Capitals => "capitals",
            Self::Word => "word",
            Self::Language => "language",
            Self::NoMarks => "no-marks",
        }
    }
}

/// A stretch of text that should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// Its bytes in the text; whole characters.
    pub bytes: Range<usize>,
    /// Its characters in the text, from 0.
    pub chars: Range<usize>,
    /// What is said for it; empty where nothing is.
    pub spoken: String,
}

/// Fewest words of a sentence in which another language is looked for.
const SENTENCE_MIN_WORDS: usize = 4;
/// Fewest of them that are no Vietnamese.
const STRANGE_MIN: usize = 3;
/// Fewest words of a sentence that would hardly be without marks in Vietnamese.
const MARKS_MIN_WORDS: usize = 6;

pub(super) fn audit(text: &str, spoken: &Spoken) -> Vec<Finding> {
    let mut places = Places { text, byte: 0, char: 0 };
    let mut findings = Vec::new();
    for spans in spoken.spans().chunk_by(|a, b| !breaks(spoken.text(), a, b)) {
        let foreign = language(text, spans);
        let mut own = Vec::new();
        for span in spans {
            if let Some(reason) = reason(text, span) {
                own.push((reason, span.source.clone(), spoken.said(span)));
            }
        }
        if let Some((reason, source)) = foreign {
            // One finding for the sentence; its words would only hide it. Other things in it are still told.
            own.retain(|(inner, _, _)| *inner == Reason::Digits || *inner == Reason::Symbol);
            own.push((reason, source, ""));
            own.sort_by_key(|(_, source, _)| source.start);
        }
        for (reason, bytes, said) in own {
            let chars = places.chars(&bytes);
            findings.push(Finding { reason, bytes, chars, spoken: said.to_owned() });
        }
    }
    findings
}

/// Whether a sentence ends between two spans.
fn breaks(text: &str, before: &Span, after: &Span) -> bool {
    text.get(before.spoken.end..after.spoken.start)
        .is_some_and(|between| between.contains(['.', '!', '?', '\n']))
}

fn reason(text: &str, span: &Span) -> Option<Reason> {
    let source = text.get(span.source.clone()).unwrap_or_default();
    #[expect(clippy::wildcard_enum_match_arm, reason = "what a rule has read is understood")]
    match span.class {
        Class::Digits => Some(Reason::Digits),
        Class::Unspoken => Some(Reason::Symbol),
        Class::Letters if source.chars().count() > 1 && !source.contains('.') => Some(Reason::Capitals),
        Class::Word if is_known(source) => None,
        Class::Word => {
            let capitals = source.chars().filter(|c| c.is_uppercase()).count();
            Some(if capitals > 1 && capitals == source.chars().filter(|c| c.is_alphabetic()).count() {
                Reason::Capitals
            } else {
                Reason::Word
            })
        }
        _ => None,
    }
}

/// A syllable, a letter, a name of the people and places of the highlands, or a loan word that everybody knows.
fn is_known(word: &str) -> bool {
    // As it's typed a letter may be apart from its marks.
    let composed: String = word.nfc().collect();
    let word = composed.as_str();
    let lone = word.chars().count() == 1 && word.chars().all(|c| tables::letter(c).is_some());
    lone || syllable::is_syllable(word) || tables::name(&word.to_lowercase()) || is_name_with_apostrophe(word)
}

/// "K'Brêm", "M'Nông": a consonant in front of a name of one syllable.
fn is_name_with_apostrophe(word: &str) -> bool {
    let mut parts = word.split(['\'', '’']);
    let (Some(first), Some(rest), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let consonants = first.chars().count() <= 2 && first.chars().all(|c| tables::letter(c).is_some());
    consonants && (syllable::is_syllable(rest) || tables::name(&rest.to_lowercase()) || is_one_beat(rest))
}

/// "Brôl", "Drăk": a capital, and one run of vowels with at most three consonants in front of it and two behind.
fn is_one_beat(name: &str) -> bool {
    const VOWELS: &str = "aeiouyăâêôơư";
    let is_vowel = |c: char| {
        c.nfd().next().is_some_and(|base| VOWELS.contains(base.to_ascii_lowercase())) || VOWELS.contains(c)
    };
    let front = name.chars().take_while(|c| !is_vowel(*c)).count();
    let vowels = name.chars().skip(front).take_while(|c| is_vowel(*c)).count();
    let back = name.chars().skip(front + vowels);
    name.chars().next().is_some_and(char::is_uppercase)
        && front <= 3
        && (1..=3).contains(&vowels)
        && back.clone().count() <= 2
        && name.chars().all(char::is_alphabetic)
        && !back.clone().any(is_vowel)
}

/// Whether a sentence as a whole isn't Vietnamese, or lacks its marks; with the bytes from its first to its last word.
fn language(text: &str, spans: &[Span]) -> Option<(Reason, Range<usize>)> {
    let words: Vec<&Span> = spans.iter().filter(|span| span.class == Class::Word).collect();
    let (first, last) = (words.first()?, words.last()?);
    if words.len() < SENTENCE_MIN_WORDS {
        return None;
    }
    let source = |span: &Span| text.get(span.source.clone()).unwrap_or_default();
    let marked = words.iter().filter(|span| source(span).chars().any(is_vietnamese)).count();
    let range = first.source.start..last.source.end;
    // Languages of the highlands are written with the marks of Vietnamese, so these tell nothing. What is strange in another
    // language is its small words; in Vietnamese ("Phun Confidor, Anvil, Ridomil") it's names.
    let shouted = !words[1..].iter().any(|span| is_small(source(span)));
    let strange = words
        .iter()
        .enumerate()
        .filter(|(index, span)| (*index == 0 || shouted || is_small(source(span))) && !is_known(source(span)))
        .count();
    if strange >= STRANGE_MIN && strange * 5 >= words.len() * 2 {
        return Some((Reason::Language, range));
    }
    (marked == 0 && words.len() >= MARKS_MIN_WORDS).then_some((Reason::NoMarks, range))
}

fn is_small(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_lowercase)
}

fn is_vietnamese(c: char) -> bool {
    // Marks that were typed apart from their letters count as well.
    syllable::is_marked(c)
        || matches!(c, '\u{300}'..='\u{303}' | '\u{309}' | '\u{323}' | '\u{306}' | '\u{31b}')
}

/// Counts characters up to byte offsets that grow.
struct Places<'t> {
    text: &'t str,
    byte: usize,
    char: usize,
}

impl Places<'_> {
    fn at(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.char) = (0, 0);
        }
        self.char += self.text.get(self.byte..byte).map_or(0, |between| between.chars().count());
        self.byte = byte;
        self.char
    }

    fn chars(&mut self, bytes: &Range<usize>) -> Range<usize> {
        let start = self.at(bytes.start);
        // Later findings may lie inside this one, so that only its start is remembered.
        let length = self.text.get(bytes.clone()).map_or(0, |text| text.chars().count());
        start..start + length
    }
}
