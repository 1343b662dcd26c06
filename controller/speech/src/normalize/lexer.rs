//! Text to tokens with their places.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, with apostrophes between them (K'Ho).
    Word(Shape),
    /// ASCII digits.
    Digits,
    /// Blanks.
    Space,
    /// One line end.
    Newline,
    /// Any other character, alone.
    Mark(char),
}

/// What a word looks like, so that most words are passed on with one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Letters, at most 255.
    pub(super) letters: u8,
    /// Capitals, at most 255.
    pub(super) capitals: u8,
    /// The first letter is a capital.
    pub(super) capitalised: bool,
    /// All letters are of I, V, X, L, C, D, M, in one case.
    pub(super) roman: bool,
    /// No letter is a vowel.
    pub(super) vowelless: bool,
}

impl Shape {
    /// No small letter.
    pub(super) const fn is_upper(self) -> bool {
        self.capitals == self.letters
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    start: u32,
    end: u32,
}

impl Token {
    /// Its bytes in the folded text.
    pub(super) const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The tokens of a text of less than 4 GiB; what lies behind that is left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 3 + 8);
    let mut start = 0;
    while let Some(c) = text[start..].chars().next() {
        let rest = &text[start..];
        let (kind, length) = if is_letter(c) {
            let (shape, length) = word(rest);
            (Kind::Word(shape), length)
        } else if c.is_ascii_digit() {
            (Kind::Digits, rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))
        } else if c == '\n' {
            (Kind::Newline, 1)
        } else if c.is_whitespace() {
            (Kind::Space, rest.find(|c: char| !c.is_whitespace() || c == '\n').unwrap_or(rest.len()))
        } else {
            (Kind::Mark(c), c.len_utf8())
        };
        let end = start + length;
        let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end)) else { break };
        tokens.push(Token { kind, start: from, end: to });
        start = end;
    }
    tokens
}

/// Letters that can be spoken; a numeral in one character is none.
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic() && !c.is_numeric())
}

fn word(text: &str) -> (Shape, usize) {
    let mut shape = Shape { roman: true, vowelless: true, ..Shape::default() };
    let mut chars = text.char_indices().peekable();
    let mut length = text.len();
    while let Some((at, c)) = chars.next() {
        if is_letter(c) {
            let capital = c.is_uppercase();
            shape.capitalised |= at == 0 && capital;
            shape.letters = shape.letters.saturating_add(1);
            shape.capitals = shape.capitals.saturating_add(u8::from(capital));
            shape.roman &= matches!(c.to_ascii_uppercase(), 'I' | 'V' | 'X' | 'L' | 'C' | 'D' | 'M');
            shape.vowelless &= c.is_ascii()
                && !matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
                || matches!(c, 'đ' | 'Đ');
        } else if c == '\'' && at > 0 && chars.peek().is_some_and(|&(_, next)| is_letter(next)) {
            shape.roman = false;
        } else {
            length = at;
            break;
        }
    }
    shape.roman &= shape.capitals == 0 || shape.is_upper();
    (shape, length)
}
