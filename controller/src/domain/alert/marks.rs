//! What makes an exercise or a test known as one, to the eye and to the ear.
//!
//! What sounds begins and ends with a sentence that says so. A track that cannot say it is left out, and its village hears the
//! Vietnamese one (rule of [`loa_protocol::plan::languages_heard`]): a recording, and a language without a line in the table below.

use loa_protocol::bulletin::{Language, Status};

use crate::domain::bulletin::{BulletinDraft, SourceDraft};

/// Language, the sentence of an exercise, the sentence of a test.
const PHRASES: [(&str, &str, &str); 2] =
    [("vi", "Đây là diễn tập.", "Đây là phát thử."), ("en", "This is an exercise.", "This is a test.")];

/// The sentence with which a message of this status begins and ends; `None` for one that is meant, and for a language without one.
fn phrase(status: Status, language: &str) -> Option<&'static str> {
    let (_, exercise, test) = *PHRASES.iter().find(|(code, ..)| *code == language)?;
    match status {
        Status::Actual => None,
        Status::Exercise => Some(exercise),
        Status::Test => Some(test),
    }
}

/// What stands before the title of a message of this status.
fn title_mark(status: Status) -> Option<&'static str> {
    match status {
        Status::Actual => None,
        Status::Exercise => Some("DIỄN TẬP: "),
        Status::Test => Some("PHÁT THỬ: "),
    }
}

/// The draft with the marks of its status, in the title and in every text; nothing is changed of one that is meant.
pub fn marked(mut draft: BulletinDraft, status: Status) -> BulletinDraft {
    let (Some(before), Some(vietnamese)) = (title_mark(status), phrase(status, "vi")) else { return draft };
    let around = |text: &str, phrase: &str| format!("{phrase}\n{}\n{phrase}", text.trim());
    draft.title = format!("{before}{}", draft.title.trim());
    if !draft.text.trim().is_empty() {
        draft.text = around(&draft.text, vietnamese);
    }
    draft.tracks.retain_mut(|track| match &mut track.source {
        SourceDraft::Recording { .. } => false,
        SourceDraft::Speech { text, .. } => match phrase(status, track.language.trim()) {
            Some(phrase) => {
                if track.language.trim() != Language::vietnamese().as_str() {
                    *text = around(text, phrase);
                }
                true
            }
            None => false,
        },
    });
    draft
}
