//! A look at the tokens around a place, never further than a few: that keeps the whole linear.

use super::lexer::{Kind, Shape, Token};

/// The tokens of a text; a rule is asked at one of their indices.
#[derive(Clone, Copy)]
pub(super) struct View<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
}

impl<'t> View<'t> {
    pub(super) fn kind(self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The letters of a token; nothing behind the end.
    pub(super) fn token(self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| &self.text[token.range()])
    }

    /// The text of the tokens from one place to another.
    pub(super) fn slice(self, from: usize, to: usize) -> &'t str {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => &self.text[first.range().start..last.range().end],
            _ => "",
        }
    }

    pub(super) fn word(self, at: usize) -> Option<&'t str> {
        matches!(self.kind(at), Some(Kind::Word(_))).then(|| self.token(at))
    }

    pub(super) fn shape(self, at: usize) -> Option<Shape> {
        match self.kind(at) {
            Some(Kind::Word(shape)) => Some(shape),
            Some(Kind::Digits | Kind::Space | Kind::Newline | Kind::Mark(_)) | None => None,
        }
    }

    pub(super) fn digits(self, at: usize) -> Option<&'t str> {
        (self.kind(at) == Some(Kind::Digits)).then(|| self.token(at))
    }

    /// The value of at most `longest` digits.
    pub(super) fn value(self, at: usize, longest: usize) -> Option<u64> {
        self.digits(at).filter(|digits| digits.len() <= longest)?.parse().ok()
    }

    /// The value of a number of exactly `length` digits.
    pub(super) fn exactly(self, at: usize, length: usize) -> Option<u64> {
        self.digits(at).filter(|digits| digits.len() == length)?.parse().ok()
    }

    pub(super) fn is_mark(self, at: usize, mark: char) -> bool {
        self.kind(at) == Some(Kind::Mark(mark))
    }

    pub(super) fn mark(self, at: usize) -> Option<char> {
        match self.kind(at) {
            Some(Kind::Mark(mark)) => Some(mark),
            Some(Kind::Word(_) | Kind::Digits | Kind::Space | Kind::Newline) | None => None,
        }
    }

    pub(super) fn is_space(self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Space)
    }

    /// Nothing, a blank or a line end stands here.
    pub(super) fn is_gap(self, at: usize) -> bool {
        matches!(self.kind(at), None | Some(Kind::Space | Kind::Newline))
    }

    /// Whether a word stands here that is one of `words` (lower case), however it is capitalised.
    pub(super) fn is_word(self, at: usize, words: &[&str]) -> bool {
        self.word(at).is_some_and(|word| is_one_of(word, words))
    }

    /// The place behind one blank, if there is one.
    pub(super) fn skip_space(self, at: usize) -> usize {
        if self.is_space(at) { at + 1 } else { at }
    }

    /// The place behind a dash with or without blanks on both sides.
    pub(super) fn skip_dash(self, at: usize) -> Option<usize> {
        let dash = self.skip_space(at);
        self.is_mark(dash, '-').then(|| self.skip_space(dash + 1))
    }

    /// The place in front of `at`, over at most one blank.
    pub(super) fn before(self, at: usize) -> Option<usize> {
        let last = at.checked_sub(1)?;
        if self.is_space(last) { last.checked_sub(1) } else { Some(last) }
    }

    /// Whether the word in front is one of `words` (lower case).
    pub(super) fn follows(self, at: usize, words: &[&str]) -> bool {
        self.before(at).is_some_and(|before| self.is_word(before, words))
    }

    /// Whether the word behind `next`, over at most one blank, is one of `words` (lower case).
    pub(super) fn precedes(self, next: usize, words: &[&str]) -> bool {
        self.is_word(self.skip_space(next), words)
    }

    pub(super) fn at_line_start(self, at: usize) -> bool {
        match self.before(at) {
            None => true,
            Some(before) => self.kind(before) == Some(Kind::Newline),
        }
    }

    /// Whether nothing but this stands on its line: what begins at `at` and ends in front of `next`.
    pub(super) fn is_alone(self, at: usize, next: usize) -> bool {
        let behind = self.skip_space(next);
        self.at_line_start(at)
            && match self.kind(behind) {
                None | Some(Kind::Newline) => true,
                Some(Kind::Mark('.')) => self.is_gap(behind + 1),
                Some(Kind::Word(_) | Kind::Digits | Kind::Space | Kind::Mark(_)) => false,
            }
    }

    /// Whether one of `cues` (lower case) stands among the `words` words in front, on the same line and in the same
    /// sentence. Numbers and marks between them don't count, yet no more than four tokens a word are looked at.
    pub(super) fn has_cue(self, at: usize, words: usize, cues: &[&str]) -> bool {
        let mut left = words;
        for index in (0..at).rev().take(words * 4) {
            match self.tokens[index].kind {
                Kind::Word(_) => {
                    if is_one_of(self.token(index), cues) {
                        return true;
                    }
                    left -= 1;
                    if left == 0 {
                        return false;
                    }
                }
                Kind::Newline | Kind::Mark('!' | '?' | ';') => return false,
                // A full stop ends the sentence only in front of a blank.
                Kind::Mark('.') if self.is_gap(index + 1) => return false,
                Kind::Digits | Kind::Space | Kind::Mark(_) => {}
            }
        }
        false
    }
}

/// Whether a word is one of `words`, which are in lower case.
pub(super) fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| is_same(word, known))
}

/// Whether a word is `lower` but for its capitals.
pub(super) fn is_same(word: &str, lower: &str) -> bool {
    word == lower
        || (word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().flat_map(char::to_lowercase).eq(lower.chars()))
}
