//! A look at tokens around a place, never further than a few: that keeps the whole linear.

use super::lexer::{Kind, Token};

/// What a rule made of some tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Spoken words, which may hold commas.
    pub(super) words: String,
    /// The token behind the last one that was read.
    pub(super) next: usize,
}

#[derive(Clone, Copy)]
pub(super) struct View<'a>(pub(super) &'a [Token<'a>]);

impl<'a> View<'a> {
    pub(super) fn kind(self, at: usize) -> Option<Kind> {
        self.0.get(at).map(|token| token.kind)
    }

    pub(super) fn word(self, at: usize) -> Option<&'a str> {
        self.0.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text)
    }

    pub(super) fn digits(self, at: usize) -> Option<&'a str> {
        self.0.get(at).filter(|token| token.kind == Kind::Digits).map(|token| token.text)
    }

    /// Digits of at most `longest` places and their value.
    pub(super) fn value(self, at: usize, longest: usize) -> Option<u64> {
        self.digits(at).filter(|digits| digits.len() <= longest)?.parse().ok()
    }

    pub(super) fn is_mark(self, at: usize, mark: char) -> bool {
        self.kind(at) == Some(Kind::Mark(mark))
    }

    pub(super) fn is_space(self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Space)
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

    pub(super) fn at_line_start(self, at: usize) -> bool {
        let before = if at > 0 && self.is_space(at - 1) { at - 1 } else { at };
        before == 0 || self.kind(before - 1) == Some(Kind::Newline)
    }

    /// The word in front, over at most one blank, in lower case.
    pub(super) fn word_before(self, at: usize) -> Option<String> {
        let behind = if at > 0 && self.is_space(at - 1) { at - 1 } else { at };
        self.word(behind.checked_sub(1)?).map(str::to_lowercase)
    }

    /// Whether one of `cues` (lower case) stands among the `words` words in front, on the same line and in the same
    /// sentence. Numbers and marks between them don't count, yet no more than four tokens a word are looked at.
    pub(super) fn has_cue(self, at: usize, words: usize, cues: &[&str]) -> bool {
        let mut left = words;
        for index in (0..at).rev().take(words * 4) {
            match self.0[index].kind {
                Kind::Word => {
                    let word = self.0[index].text.to_lowercase();
                    if cues.contains(&word.as_str()) {
                        return true;
                    }
                    left -= 1;
                    if left == 0 {
                        return false;
                    }
                }
                Kind::Newline | Kind::Mark('.' | '!' | '?' | ';') => return false,
                Kind::Digits | Kind::Space | Kind::Mark(_) => {}
            }
        }
        false
    }
}
