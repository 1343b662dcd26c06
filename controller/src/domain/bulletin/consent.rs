//! What is noted when a speaker lets a recording be used in the speech data set.
//!
//! As little as the data set needs: a name, from which an id is made that tells nothing, and where staff know it, the
//! village or dialect. Neither sex nor age are asked: in a village of three hundred, both together name a person, and no
//! file of the data set needs them.

use super::super::message::{FieldErrors, Message};
use super::{Stamp, text};

/// Longest name or place, in characters.
pub const SPEAKER_MAX_CHARS: usize = 80;

/// A consent as staff note it. That it is there means yes; nobody's consent is ever taken for granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentDraft {
    /// Name of the speaker.
    pub speaker: String,
    /// Their village or dialect; may be empty.
    pub place: String,
}

/// A consent as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Name of the speaker; empty once withdrawn.
    pub speaker: String,
    /// Their village or dialect; empty where nobody gave it, and once withdrawn.
    pub place: String,
    /// Who noted it, and when.
    pub noted: Stamp,
    /// Who noted that it was taken back, and when.
    pub withdrawn: Option<Stamp>,
}

impl Consent {
    /// Whether the recording may be used.
    pub fn stands(&self) -> bool {
        self.withdrawn.is_none()
    }
}

impl ConsentDraft {
    /// Checks name and place, and gives both in one spelling.
    ///
    /// # Errors
    /// At `speaker` and `speaker_place`.
    pub fn check(&self) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        let (speaker, place) = (text::line(&self.speaker), text::line(&self.place));
        if speaker.is_empty() {
            let missing = Message::fixed(
                "speaker.empty",
                "Hãy ghi tên người đọc đã đồng ý.",
                "Enter the name of the speaker who agreed.",
            );
            errors.add("speaker", missing);
        }
        for (field, value) in [("speaker", &speaker), ("speaker_place", &place)] {
            if value.chars().count() > SPEAKER_MAX_CHARS || value.chars().any(char::is_control) {
                let unusable = Message::written(
                    "speaker.unusable",
                    format!("Chỉ ghi một dòng, tối đa {SPEAKER_MAX_CHARS} ký tự."),
                    format!("One line of at most {SPEAKER_MAX_CHARS} characters."),
                );
                errors.add(field, unusable);
            }
        }
        errors.finish(Some(Self { speaker, place }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(speaker: &str, place: &str) -> ConsentDraft {
        ConsentDraft { speaker: speaker.to_owned(), place: place.to_owned() }
    }

    #[test]
    fn a_consent_has_somebody_s_name() {
        assert_eq!(consent("  K'  Brèo ", "").check(), Ok(consent("K' Brèo", "")));
        for (draft, expected) in [
            (consent(" ", "Bon Đưng"), "speaker: speaker.empty"),
            (consent(&"a".repeat(81), ""), "speaker: speaker.unusable"),
            (consent("K' Brèo", "a\nb"), "speaker_place: speaker.unusable"),
        ] {
            assert_eq!(draft.check().unwrap_err().to_string(), expected);
        }
    }
}
