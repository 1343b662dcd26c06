//! The page on which a recording is made or uploaded.

use askama::Template;

use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::shell::Shell;

/// `GET /bulletins/{id}/record?language=`, and the answer (422) to a refused recording. The only page that may use the
/// microphone.
#[derive(Clone, Debug, Template)]
#[template(path = "record.html")]
pub struct RecordPage {
    /// Surroundings.
    pub shell: Shell,
    /// Bulletin.
    pub bulletin: String,
    /// Its title.
    pub title: String,
    /// Its text in Vietnamese; may be empty.
    pub text: String,
    /// What the page shows of the bulletin's words (`BulletinView::seen_words`); comes back with the recording.
    pub seen_words: String,
    /// The form.
    pub form: RecordForm,
}

/// Multipart fields `csrf`, `seen` (of the words), `kind` (`recording`), `language`, `transcript`, `consent` (`yes` or
/// nothing), `speaker`, `speaker_place`, `recording` (a file, last); posted to `/bulletins/{id}/tracks`, by the recorder
/// to `/api/v1/bulletins/{id}/tracks`.
///
/// The consent is never ticked when the page comes: each time, somebody has to mean it.
#[derive(Clone, Debug, Default)]
pub struct RecordForm {
    /// Languages to choose from.
    pub languages: Vec<Choice>,
    /// Chosen language.
    pub language: String,
    /// What is read in it, as typed.
    pub transcript: String,
    /// Name of the speaker, as typed.
    pub speaker: String,
    /// Village or dialect, as typed.
    pub speaker_place: String,
    /// Largest file accepted, bytes.
    pub max_bytes: u64,
    /// Longest recording that is made here, minutes.
    pub max_minutes: u64,
    /// Errors of `language`, `transcript`, `speaker`, `speaker_place`, `recording`.
    pub errors: Errors,
}
