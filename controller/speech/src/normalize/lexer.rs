//! Text to tokens, each a slice of the text.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, with apostrophes between them (K'Ho).
    Word,
    /// ASCII digits.
    Digits,
    /// Blanks.
    Space,
    /// One line end.
    Newline,
    /// Any other character, alone.
    Mark(char),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

/// One look for characters that look alike. Nothing here changes a length that anybody keeps.
pub(super) fn fold(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            // Icelandic eth, which old fonts used for Đ.
            '\u{d0}' => 'Đ',
            '\u{f0}' => 'đ',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '`' | '\u{b4}' => '\'',
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => '"',
            '\u{ba}' => '°',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' '),
            c => c,
        })
        .collect()
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (kind, length) = if is_letter(c) {
            (Kind::Word, word_length(rest))
        } else if c.is_ascii_digit() {
            (Kind::Digits, rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))
        } else if c == '\n' {
            (Kind::Newline, 1)
        } else if c.is_whitespace() {
            (Kind::Space, rest.find(|c: char| !c.is_whitespace() || c == '\n').unwrap_or(rest.len()))
        } else {
            (Kind::Mark(c), c.len_utf8())
        };
        let (text, behind) = rest.split_at(length);
        tokens.push(Token { kind, text });
        rest = behind;
    }
    tokens
}

/// Letters that can be spoken; Roman numerals as single characters (Ⅳ) are not.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_numeric()
}

fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = c == '\'' && at > 0 && chars.peek().is_some_and(|&(_, next)| is_letter(next));
        if !is_letter(c) && !joins {
            return at;
        }
    }
    text.len()
}
