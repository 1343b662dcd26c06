//! The words of a place: how its own names and words are said.
//!
//! Entries come from the operator, area by area. A later entry of an area replaces an earlier one with the same writing, an
//! area's own entry that of the area above; what was replaced is told. What is said for an entry is itself read (so it may
//! hold numbers and other entries); an entry that leads back to itself is taken word for word.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::cycles::on_cycle;
use super::fold::Folded;
use super::lexer::{self, Kind, Token};

/// Most characters of what is said for one entry; a longer one is refused.
pub const SPOKEN_MAX_CHARS: usize = 500;
/// Most words and signs of what is written for one entry.
pub const WRITTEN_MAX_TOKENS: usize = 24;

/// One word of an area: how it's written and how it's said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// As it stands in texts. A capital matches a capital alone, a small letter either.
    pub written: String,
    /// As it's said.
    pub spoken: String,
}

impl Entry {
    /// What tells entries of one area apart: two writings with the same key match the same texts. `None` where nothing is
    /// written, or more than [`WRITTEN_MAX_TOKENS`] words and signs.
    #[must_use]
    pub fn key(written: &str) -> Option<String> {
        let words = words(written);
        (1..=WRITTEN_MAX_TOKENS).contains(&words.len()).then(|| key(&words))
    }
}

/// What the operator has to be told about an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LexiconNote {
    /// A later edit of the same area says it otherwise; the later one holds.
    Replaced {
        /// The writing.
        written: String,
        /// What was said before.
        before: String,
        /// What is said.
        after: String,
    },
    /// What is said leads back to the entry itself; it's taken word for word.
    Loop {
        /// The entry.
        written: String,
    },
    /// Nothing is written or nothing is said: the entry is left out.
    Empty {
        /// What there was of it.
        written: String,
    },
    /// Longer than [`SPOKEN_MAX_CHARS`] or [`WRITTEN_MAX_TOKENS`]: the entry is left out.
    TooLong {
        /// The entry.
        written: String,
    },
}

impl std::fmt::Display for LexiconNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replaced { written, before, after } => {
                write!(f, "{written:?} was said {before:?} and is said {after:?} since the last edit")
            }
            Self::Loop { written } => {
                write!(f, "{written:?} leads back to itself: it is said word for word")
            }
            Self::Empty { written } => {
                write!(f, "{written:?} has nothing to match or nothing to say: left out")
            }
            Self::TooLong { written } => write!(
                f,
                "{written:?} is longer than {WRITTEN_MAX_TOKENS} words or says more than {SPOKEN_MAX_CHARS} letters: \
                 left out"
            ),
        }
    }
}

/// The entries that hold somewhere.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    entries: Vec<Entry>,
    /// Entries by their first word in small letters; the longest first.
    by_first: HashMap<String, Vec<usize>>,
    /// What each entry is written as, word by word.
    written: Vec<Vec<String>>,
    /// Whether an entry leads back to itself.
    literal: Vec<bool>,
    order: Vec<usize>,
    notes: Vec<LexiconNote>,
}

impl Lexicon {
    /// Puts together the entries of an area and of those above it: `areas` from the topmost down, each in the order of
    /// its edits.
    #[must_use]
    pub fn of_areas<A, E>(areas: A) -> Self
    where
        A: IntoIterator<Item = E>,
        E: IntoIterator<Item = Entry>,
    {
        let mut lexicon = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for area in areas {
            let of_area_above = lexicon.entries.len();
            let mut own: HashMap<String, ()> = HashMap::new();
            for entry in area {
                lexicon.add(entry, of_area_above, &mut places, &mut own);
            }
        }
        for (index, words) in lexicon.written.iter().enumerate() {
            if let Some(first) = words.first() {
                lexicon.by_first.entry(first.to_lowercase()).or_default().push(index);
            }
        }
        for indices in lexicon.by_first.values_mut() {
            indices.sort_by_key(|&index| std::cmp::Reverse(lexicon.written[index].len()));
        }
        lexicon.find_order();
        lexicon
    }

    /// The entries of one area, in the order of its edits.
    #[must_use]
    pub fn of_area(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self::of_areas([entries])
    }

    /// What the operator has to be told, in the order of the entries.
    #[must_use]
    pub fn notes(&self) -> &[LexiconNote] {
        &self.notes
    }

    /// The entries that hold.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Names the entries: equal digests, same words. Hexadecimal SHA-256; empty where there are no entries.
    #[must_use]
    pub fn digest(&self) -> String {
        if self.entries.is_empty() {
            return String::new();
        }
        let mut hash = Sha256::new();
        for Entry { written, spoken } in &self.entries {
            for text in [written, spoken] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn add(
        &mut self,
        entry: Entry,
        of_area_above: usize,
        places: &mut HashMap<String, usize>,
        own: &mut HashMap<String, ()>,
    ) {
        let words = words(&entry.written);
        let written = entry.written.trim().to_owned();
        if words.is_empty() || !entry.spoken.chars().any(char::is_alphanumeric) {
            self.notes.push(LexiconNote::Empty { written });
            return;
        }
        if words.len() > WRITTEN_MAX_TOKENS || entry.spoken.chars().count() > SPOKEN_MAX_CHARS {
            self.notes.push(LexiconNote::TooLong { written });
            return;
        }
        let key = key(&words);
        if let Some(&index) = places.get(&key) {
            let before = std::mem::replace(&mut self.entries[index].spoken, entry.spoken);
            let after = self.entries[index].spoken.clone();
            // Another area may say it otherwise; that is what areas are for.
            let same_area = index >= of_area_above || own.contains_key(&key);
            if same_area && before != after {
                self.notes.push(LexiconNote::Replaced { written, before, after });
            }
        } else {
            places.insert(key.clone(), self.entries.len());
            self.entries.push(Entry { written, spoken: entry.spoken });
            self.written.push(words);
        }
        own.insert(key, ());
    }

    /// Finds what stands in what, so that inner entries are read before those that hold them.
    fn find_order(&mut self) {
        let inside: Vec<Vec<usize>> = self.entries.iter().map(|entry| self.inside(&entry.spoken)).collect();
        let count = self.entries.len();
        self.literal = on_cycle(&inside);
        for index in 0..count {
            if self.literal[index] {
                self.notes.push(LexiconNote::Loop { written: self.entries[index].written.clone() });
            }
        }
        // Each entry behind those inside it; one that is taken word for word waits for none.
        let mut waits: Vec<usize> =
            (0..count).map(|index| if self.literal[index] { 0 } else { inside[index].len() }).collect();
        let mut holders = vec![Vec::new(); count];
        for (index, inner) in inside.iter().enumerate().filter(|(index, _)| !self.literal[*index]) {
            inner.iter().for_each(|&inner| holders[inner].push(index));
        }
        let mut ready: Vec<usize> = (0..count).filter(|&index| waits[index] == 0).collect();
        while let Some(index) = ready.pop() {
            self.order.push(index);
            for &holder in &holders[index] {
                waits[holder] -= 1;
                if waits[holder] == 0 {
                    ready.push(holder);
                }
            }
        }
    }

    /// The entries that stand in a text, each as often as it does.
    fn inside(&self, text: &str) -> Vec<usize> {
        let folded = Folded::new(text);
        let tokens = lexer::tokens(folded.text());
        let mut inside = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match self.find(folded.text(), &tokens, at) {
                Some((entry, next)) => {
                    inside.push(entry);
                    at = next.max(at + 1);
                }
                None => at += 1,
            }
        }
        inside
    }

    /// Entries in the order in which they can be read, each behind those that stand in it.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// What is said for an entry, and whether it's taken word for word.
    pub(super) fn spoken(&self, entry: usize) -> (&str, bool) {
        (&self.entries[entry].spoken, self.literal[entry])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The longest entry at a token: its index and the token behind it.
    pub(super) fn find(&self, text: &str, tokens: &[Token], at: usize) -> Option<(usize, usize)> {
        let first = &text[tokens.get(at)?.range()];
        let candidates = self.by_first.get(first).or_else(|| self.by_first.get(&first.to_lowercase()))?;
        candidates.iter().find_map(|&entry| self.matches(entry, text, tokens, at).map(|next| (entry, next)))
    }

    fn matches(&self, entry: usize, text: &str, tokens: &[Token], at: usize) -> Option<usize> {
        let mut next = at;
        for word in &self.written[entry] {
            let token = tokens.get(next)?;
            let is = &text[token.range()];
            let fits = match token.kind {
                Kind::Space => word == " ",
                Kind::Word(_) | Kind::Digits | Kind::Mark(_) => is_written(is, word),
                Kind::Newline => false,
            };
            if !fits {
                return None;
            }
            next += 1;
        }
        Some(next)
    }
}

/// A capital of the entry matches a capital alone, a small letter either.
fn is_written(text: &str, entry: &str) -> bool {
    let mut letters = text.chars();
    for wanted in entry.chars() {
        let Some(c) = letters.next() else { return false };
        let fits = c == wanted || (wanted.is_lowercase() && c.to_lowercase().eq([wanted]));
        if !fits {
            return false;
        }
    }
    letters.next().is_none()
}

/// Words and signs stay apart in it.
fn key(words: &[String]) -> String {
    words.join(" ")
}

/// An entry's writing as tokens; blanks as one blank.
fn words(written: &str) -> Vec<String> {
    let folded = Folded::new(written.trim());
    let text = folded.text();
    lexer::tokens(text)
        .iter()
        .map(|token| match token.kind {
            Kind::Space | Kind::Newline => " ".to_owned(),
            Kind::Word(_) | Kind::Digits | Kind::Mark(_) => text[token.range()].to_owned(),
        })
        .collect()
}
