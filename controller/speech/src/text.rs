//! What an officer typed, checked before any work is done.
//!
//! [`CleanText`] comes from [`check`] alone. Invariants: NFC; at most the limit; no control characters but `\n`;
//! no emoji, no invisible characters; something in it can be said. What was changed on the way is told as
//! [`Warning`]s, so that staff see it before it airs.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Largest text in bytes of UTF-8: about two hours of speech.
pub const DEFAULT_MAX_BYTES: usize = 64 * 1_024;

/// Text that can be spoken; see the module for its invariants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CleanText(String);

impl CleanText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in the text as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Offset in bytes of UTF-8.
    pub offset_bytes: usize,
    /// Line, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, character {}", self.line, self.column)
    }
}

/// Why a text can't be spoken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or blanks alone.
    #[error("the text is empty: type what shall be said")]
    Empty,
    /// Over the limit.
    #[error("the text has {bytes} bytes and the limit is {max_bytes}: cut it into several bulletins")]
    TooLong {
        /// Size of the text.
        bytes: usize,
        /// Size that is allowed.
        max_bytes: usize,
    },
    /// NUL, escape and the like, which only come from a broken file or an attack.
    #[error("the text holds the control character U+{codepoint:04X} at {position}: remove it")]
    ControlCharacter {
        /// The character's code point.
        codepoint: u32,
        /// Where it stands.
        position: Position,
    },
    /// U+FFFD: a letter was lost when the text was copied or converted.
    #[error("a letter was lost at {position} when the text was copied: type that word again")]
    Garbled {
        /// Where it stands.
        position: Position,
    },
    /// No letter and no digit.
    #[error("the text has no letter and no digit: nothing in it can be said")]
    NothingToSay,
}

/// What was changed, or will be left out, without refusing the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// `[[`, or `]]` that doesn't close two commands: speech engines take it for phonemes, so the brackets are never given
    /// to one.
    PhonemeBrackets {
        /// The first of them.
        position: Position,
    },
    /// Emoji and private symbols can't be spoken and were dropped.
    SymbolsDropped {
        /// The first of them.
        position: Position,
        /// How many characters were dropped.
        count: usize,
    },
    /// Zero-width and direction marks were dropped.
    InvisibleDropped {
        /// How many were dropped.
        count: usize,
    },
    /// Letters were typed in decomposed form (NFD) and were composed.
    Composed,
}

/// A text and what was changed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The text to speak.
    pub text: CleanText,
    /// In the order in which they were found; one of a kind.
    pub warnings: Vec<Warning>,
}

/// Checks a text of at most `max_bytes` bytes ([`DEFAULT_MAX_BYTES`] unless the operator sets another limit).
///
/// # Errors
/// The first reason found, cheapest first; see [`TextError`].
pub fn check(raw: &str, max_bytes: usize) -> Result<Checked, TextError> {
    if raw.len() > max_bytes {
        return Err(TextError::TooLong { bytes: raw.len(), max_bytes });
    }
    let mut kept = String::with_capacity(raw.len());
    let mut symbols: Option<(Position, usize)> = None;
    let mut invisible = 0;
    let mut brackets = None;
    // Single brackets that are open on the line.
    let mut open = 0_usize;
    let (mut line, mut column) = (1, 0);
    let mut previous = None;
    for (offset_bytes, c) in raw.char_indices() {
        column += 1;
        let position = Position { offset_bytes, line, column };
        match classify(c) {
            Class::Refused => return Err(TextError::ControlCharacter { codepoint: u32::from(c), position }),
            Class::Lost => return Err(TextError::Garbled { position }),
            Class::CarriageReturn if raw[offset_bytes + 1..].starts_with('\n') => {}
            Class::CarriageReturn | Class::LineEnd => {
                kept.push('\n');
                (line, column) = (line + 1, 0);
                open = 0;
            }
            Class::Blank => kept.push(' '),
            Class::Symbol => {
                let first = symbols.map_or(position, |(first, _)| first);
                symbols = Some((first, symbols.map_or(1, |(_, count)| count + 1)));
                kept.push(' ');
            }
            Class::Invisible => invisible += 1,
            Class::Plain => {
                let is_doubled = previous == Some(c) && (c == '[' || open == 0);
                if matches!(c, '[' | ']') && is_doubled {
                    brackets.get_or_insert(position);
                }
                match c {
                    '[' => open = if is_doubled { 0 } else { open + 1 },
                    ']' => open = open.saturating_sub(1),
                    _ => {}
                }
                kept.push(c);
            }
        }
        previous = Some(c);
    }
    let mut warnings = Vec::new();
    if let Some(position) = brackets {
        warnings.push(Warning::PhonemeBrackets { position });
    }
    if let Some((position, count)) = symbols {
        warnings.push(Warning::SymbolsDropped { position, count });
    }
    if invisible > 0 {
        warnings.push(Warning::InvisibleDropped { count: invisible });
    }
    if !is_nfc(&kept) {
        warnings.push(Warning::Composed);
        kept = kept.nfc().collect();
    }
    let text = kept.trim();
    if text.is_empty() {
        return Err(if symbols.is_some() { TextError::NothingToSay } else { TextError::Empty });
    }
    if !text.chars().any(can_be_said) {
        return Err(TextError::NothingToSay);
    }
    Ok(Checked { text: CleanText(text.to_owned()), warnings })
}

/// Whether a character alone makes a text worth speaking.
pub(crate) fn can_be_said(c: char) -> bool {
    (c.is_alphabetic() && !c.is_numeric()) || c.is_ascii_digit()
}

enum Class {
    Plain,
    Blank,
    LineEnd,
    CarriageReturn,
    Symbol,
    Invisible,
    Refused,
    Lost,
}

fn classify(c: char) -> Class {
    match c {
        '\r' => Class::CarriageReturn,
        // Word processors paste VT, FF, NEL and the Unicode separators as line ends.
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineEnd,
        '\t' => Class::Blank,
        '\u{fffd}' => Class::Lost,
        c if c.is_control() => Class::Refused,
        c if c.is_whitespace() => Class::Blank,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => {
            Class::Invisible
        }
        '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}' => {
            Class::Invisible
        }
        c if is_pictogram(c) => Class::Symbol,
        _ => Class::Plain,
    }
}

/// Emoji, pictograms, dingbats and private symbols (the bullets of symbol fonts). Keycaps (1️⃣) lose their
/// frame and stay digits.
fn is_pictogram(c: char) -> bool {
    matches!(u32::from(c),
        0x20e3 | 0x2300..=0x23ff | 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x3030 | 0x303d | 0x3297 | 0x3299
        | 0xe000..=0xf8ff | 0x1f000..=0x1faff | 0xf0000..=0x10ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(raw: &str) -> Checked {
        check(raw, DEFAULT_MAX_BYTES).unwrap()
    }

    #[test]
    fn an_empty_text_is_refused() {
        for raw in ["", "   ", "\n\t \r\n", "\u{a0}", "\u{200b}"] {
            assert_eq!(check(raw, 100), Err(TextError::Empty), "{raw:?}");
        }
        assert_eq!(check("... !!!", 100), Err(TextError::NothingToSay));
        assert_eq!(check("🎉🎉", 100), Err(TextError::NothingToSay));
    }

    #[test]
    fn the_limit_counts_bytes() {
        assert!(check(&"a".repeat(10), 10).is_ok());
        assert_eq!(check(&"a".repeat(11), 10), Err(TextError::TooLong { bytes: 11, max_bytes: 10 }));
        let megabyte = "Xin chào. ".repeat(100_000);
        assert!(matches!(check(&megabyte, DEFAULT_MAX_BYTES), Err(TextError::TooLong { .. })));
    }

    #[test]
    fn control_characters_are_refused_with_their_place() {
        let error = check("Kính thưa\nbà\0con", 100).unwrap_err();
        let position = Position { offset_bytes: 15, line: 2, column: 3 };
        assert_eq!(error, TextError::ControlCharacter { codepoint: 0, position });
        assert_eq!(
            error.to_string(),
            "the text holds the control character U+0000 at line 2, character 3: remove it"
        );
        assert!(matches!(check("\u{1b}[2J thông báo", 100), Err(TextError::ControlCharacter { .. })));
        assert!(matches!(check("th\u{fffd}ng báo", 100), Err(TextError::Garbled { .. })));
    }

    #[test]
    fn phoneme_brackets_are_flagged() {
        let checked = clean("Họp [[h@l'oU]] tại xã");
        let position = Position { offset_bytes: 7, line: 1, column: 6 };
        assert_eq!(checked.warnings, vec![Warning::PhonemeBrackets { position }]);
        for text in ["[xã] họp", "[nhấn: gọi [từng số: 115]] nhé"] {
            assert_eq!(clean(text).warnings, vec![], "{text}");
        }
        for text in ["a]]", "[a\n]]", "[[a]]", "[a]]]", "[[ [a]] ]"] {
            assert_eq!(clean(text).warnings.len(), 1, "{text}");
        }
    }

    #[test]
    fn emoji_are_dropped_and_told() {
        let checked = clean("Chúc mừng 🎉🎉 năm mới ❤️");
        assert_eq!(checked.text.as_str(), "Chúc mừng    năm mới");
        assert!(matches!(
            checked.warnings[..],
            [
                Warning::SymbolsDropped { position: Position { column: 11, .. }, count: 3 },
                Warning::InvisibleDropped { count: 1 }
            ]
        ));
    }

    #[test]
    fn decomposed_letters_are_composed() {
        let composed = "Đề nghị bà con phòng chống lũ quét";
        let decomposed: String = composed.nfd().collect();
        let checked = clean(&decomposed);
        assert_eq!(checked.text.as_str(), composed);
        assert_eq!(checked.warnings, vec![Warning::Composed]);
        assert_eq!(clean(composed).warnings, vec![]);
    }

    #[test]
    fn line_ends_and_blanks_become_plain() {
        assert_eq!(clean("một\r\nhai\rba\u{b}bốn\u{a0}năm").text.as_str(), "một\nhai\nba\nbốn năm");
    }

    proptest! {
        #[test]
        fn the_invariants_hold_for_any_string(raw in any::<String>()) {
            if let Ok(checked) = check(&raw, DEFAULT_MAX_BYTES) {
                let text = checked.text.as_str();
                prop_assert!(is_nfc(text));
                prop_assert!(text.chars().any(can_be_said));
                prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
                prop_assert!(!text.chars().any(is_pictogram));
            }
        }
    }
}
