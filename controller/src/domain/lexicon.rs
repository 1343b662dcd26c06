//! The words of an area: how its own names and words are said.

use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;
use loa_speech::normalize::{Entry, SPOKEN_MAX_CHARS, WRITTEN_MAX_TOKENS};

use super::bulletin::text::line;
use super::ids::WordId;
use super::message::{FieldErrors, Message};

/// Most words of one area: its names, and what its people say otherwise than it is written.
pub const WORDS_MAX: usize = 2_000;
/// Longest writing, in characters.
const WRITTEN_MAX_CHARS: usize = 200;

/// A word of one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its id.
    pub id: WordId,
    /// The area that says it so.
    pub area: AreaId,
    /// What tells it from the area's other words: [`Entry::key`].
    pub key: String,
    /// As it stands in texts. A capital matches a capital alone, a small letter either.
    pub written: String,
    /// As it is said.
    pub spoken: String,
    /// Who edited it last: a user's id, or `operator`.
    pub edited_by: String,
    /// When.
    pub edited: UnixMs,
}

/// A word as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordDraft {
    /// As it stands in texts.
    pub written: String,
    /// As it is said.
    pub spoken: String,
}

/// A word's own values, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordValues {
    /// [`Entry::key`] of `written`.
    pub key: String,
    /// As it stands in texts: one line, NFC.
    pub written: String,
    /// As it is said: one line, NFC, with something to say.
    pub spoken: String,
}

impl WordDraft {
    /// Checks both fields.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self) -> Result<WordValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        let written = errors.keep("written", check_written(&self.written));
        let spoken = errors.keep("spoken", check_spoken(&self.spoken));
        let values = written.zip(spoken).map(|((key, written), spoken)| WordValues { key, written, spoken });
        errors.finish(values)
    }
}

fn check_written(written: &str) -> Result<(String, String), Message> {
    let written = printable(written)?;
    if written.is_empty() {
        return Err(Message::fixed(
            "word.written_empty",
            "Hãy nhập từ như viết trong bản tin.",
            "Enter the word as it is written in bulletins.",
        ));
    }
    let key = Entry::key(&written).filter(|_| written.chars().count() <= WRITTEN_MAX_CHARS);
    let Some(key) = key else {
        return Err(Message::written(
            "word.written_too_long",
            format!("Cách viết quá dài: tối đa {WRITTEN_MAX_TOKENS} từ và dấu, {WRITTEN_MAX_CHARS} ký tự."),
            format!(
                "Too long: at most {WRITTEN_MAX_TOKENS} words and signs, {WRITTEN_MAX_CHARS} characters."
            ),
        ));
    };
    Ok((key, written))
}

fn check_spoken(spoken: &str) -> Result<String, Message> {
    let spoken = printable(spoken)?;
    if !spoken.chars().any(char::is_alphanumeric) {
        return Err(Message::fixed(
            "word.spoken_empty",
            "Hãy nhập cách đọc, có ít nhất một chữ cái hoặc chữ số.",
            "Enter how it is said, with at least one letter or digit.",
        ));
    }
    if spoken.chars().count() > SPOKEN_MAX_CHARS {
        return Err(Message::written(
            "word.spoken_too_long",
            format!("Cách đọc dài quá {SPOKEN_MAX_CHARS} ký tự."),
            format!("What is said is longer than {SPOKEN_MAX_CHARS} characters."),
        ));
    }
    Ok(spoken)
}

fn printable(text: &str) -> Result<String, Message> {
    let text = line(text);
    if text.chars().any(char::is_control) {
        return Err(Message::fixed(
            "word.control_character",
            "Có ký tự xuống dòng hoặc ký tự điều khiển. Hãy xóa và gõ lại trên một dòng.",
            "There is a line break or control character. Type it again on one line.",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, spoken: &str) -> Result<WordValues, String> {
        let draft = WordDraft { written: written.to_owned(), spoken: spoken.to_owned() };
        draft.check().map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_word_is_one_line_with_something_to_match_and_something_to_say() {
        let word = check("  K'Ho\u{a0} Srê ", "Cơ ho  Srê").unwrap();
        assert_eq!((word.written.as_str(), word.spoken.as_str()), ("K'Ho Srê", "Cơ ho Srê"));
        assert_eq!(word.key, check("K'Ho Srê", "x").unwrap().key);
        assert_ne!(word.key, check("k'ho srê", "x").unwrap().key, "a small letter matches more");
        for (written, spoken, told) in [
            ("", " ", "written: word.written_empty, spoken: word.spoken_empty"),
            ("UBND", "…", "spoken: word.spoken_empty"),
            ("a\nb", "a\u{7}", "written: word.control_character, spoken: word.control_character"),
        ] {
            assert_eq!(check(written, spoken).unwrap_err(), told);
        }
        assert_eq!(check(&"a ".repeat(13), "a").unwrap_err(), "written: word.written_too_long");
        assert_eq!(check(&"a".repeat(201), "a").unwrap_err(), "written: word.written_too_long");
        assert_eq!(check("a", &"b".repeat(501)).unwrap_err(), "spoken: word.spoken_too_long");
    }
}
