//! Texts from keyboards, files and other programs.

use unicode_normalization::UnicodeNormalization as _;

use super::super::message::Message;

/// A text of one line: NFC, trimmed, inner runs of blanks as one blank.
///
/// NFC everywhere: a decomposed syllable breaks the synthesiser, and two spellings of one name would differ.
pub fn line(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed
        .split([' ', '\t', '\u{a0}'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

/// A text of many lines: NFC, line ends as `\n`, no blanks at the ends, no byte-order mark.
pub fn body(text: &str) -> String {
    let composed: String = text.trim_start_matches('\u{feff}').nfc().collect();
    composed.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
}

/// Whether a body can be spoken: something to say, not too long, nothing that no keyboard types.
///
/// # Errors
/// What is wrong, with the place.
pub fn check_body(body: &str, max_chars: usize) -> Result<(), Message> {
    let length = body.chars().count();
    if length > max_chars {
        return Err(Message::written(
            "text.too_long",
            format!("Văn bản dài {length} ký tự, tối đa {max_chars}. Hãy chia thành nhiều bản tin."),
            format!(
                "The text has {length} characters, at most {max_chars}. Split it into several bulletins."
            ),
        ));
    }
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    for (number, line) in body.split('\n').enumerate() {
        if let Some(place) = line.chars().position(control) {
            let (line, place) = (number + 1, place + 1);
            return Err(Message::written(
                "text.control_character",
                format!(
                    "Dòng {line}, ký tự thứ {place} là ký tự điều khiển không đọc được. Hãy xóa và gõ lại."
                ),
                format!("Line {line}, character {place} is a control character. Delete it and type again."),
            ));
        }
    }
    if !body.chars().any(char::is_alphanumeric) {
        return Err(Message::fixed(
            "text.empty",
            "Văn bản chưa có chữ nào để đọc.",
            "The text has no word to speak.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_text_is_composed() {
        assert_eq!(line("  Xa\u{303} \t Đạ\u{a0} Đờn "), "Xã Đạ Đờn");
        assert_eq!(body("\u{feff}a\r\nb\rc \n"), "a\nb\nc");
    }

    #[test]
    fn what_cannot_be_spoken_is_named() {
        for (text, code) in [
            ("", "text.empty"),
            ("😀 … !", "text.empty"),
            ("một\nhai\0ba", "text.control_character"),
            ("abcdefghijk", "text.too_long"),
        ] {
            assert_eq!(check_body(text, 10).unwrap_err().code, code, "{text:?}");
        }
        let message = check_body("một\nhai\0", 100).unwrap_err();
        assert!(message.vi.starts_with("Dòng 2, ký tự thứ 4"), "{}", message.vi);
        assert_eq!(check_body("Mất điện 😀 [[ 8h\n", 100), Ok(()));
    }
}
