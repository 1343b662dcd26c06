//! Composing a bulletin, or editing one.

use askama::Template;

use super::reading::Reading;
use crate::pages::filters;
use crate::pages::form::{Choice, Errors};
use crate::pages::shell::{Flash, Shell};
use crate::pages::text::Msg;

/// `GET /bulletins/new`, `GET /bulletins/{id}/edit`, and the answer (422) to a refused POST of either form.
#[derive(Clone, Debug, Template)]
#[template(path = "bulletin_form.html")]
pub struct BulletinFormPage {
    /// Surroundings.
    pub shell: Shell,
    /// `None` for a new bulletin (`POST /bulletins`), else the one edited (`POST /bulletins/{id}/edit`).
    pub editing: Option<Editing>,
    /// The form.
    pub form: BulletinForm,
    /// Areas to choose from; one is no choice, and shown as it is.
    pub areas: Vec<Choice>,
    /// Categories to choose from.
    pub categories: Vec<Choice>,
    /// Languages for which there is a synthetic voice; other languages are recorded, on the bulletin's page.
    pub spoken: Vec<SpokenLanguage>,
    /// What the text is like so far.
    pub check: TextCheck,
}

/// The bulletin being edited.
#[derive(Clone, Debug)]
pub struct Editing {
    /// Bulletin.
    pub id: String,
    /// What the writer had before them ([`crate::services::Seen`] as text); comes back with the form, so that nobody
    /// overwrites what they have not read.
    pub seen: String,
    /// Whether that revision is approved: saving makes revision + 1, a draft that needs approval again.
    pub makes_revision: bool,
}

/// Fields `title`, `text`, `area`, `category`, `class`, `speak` (a language code, once for each ticked), `voice` (once
/// for each language, `code:voice`), `form_id`; the button is `then=save` or `then=submit`.
#[derive(Clone, Debug, Default)]
pub struct BulletinForm {
    /// Title as typed.
    pub title: String,
    /// Text as typed.
    pub text: String,
    /// Chosen area, or empty: the one on whose behalf a new bulletin speaks. It stays when a bulletin is edited.
    pub area: String,
    /// Chosen category, or empty.
    pub category: String,
    /// Chosen class's code; nothing is chosen for the user but "normal" for a new bulletin.
    pub class: String,
    /// A fresh id for each form shown; a second POST with the same id is the same bulletin (double click).
    pub form_id: String,
    /// Errors of `title`, `text`, `area`, `category`, `class`, `speak`.
    pub errors: Errors,
}

/// A language with synthetic voices.
#[derive(Clone, Debug)]
pub struct SpokenLanguage {
    /// Language code, such as `vi`.
    pub code: String,
    /// Name, such as `Tiếng Việt`.
    pub name: String,
    /// What is shown for leaving the voice to the order of the engines, whose value is empty.
    pub usual: String,
    /// Its voices, by engine.
    pub voices: Vec<VoiceGroup>,
    /// Value of the chosen voice; empty: the usual one.
    pub voice: String,
    /// Whether a track is to be made.
    pub chosen: bool,
}

/// The voices of one engine.
#[derive(Clone, Debug)]
pub struct VoiceGroup {
    /// The engine's name.
    pub engine: String,
    /// Its voices.
    pub voices: Vec<Choice>,
}

/// Answer to `POST /bulletins/check` (the form's fields), and part of the form.
#[derive(Clone, Debug, Default)]
pub struct TextCheck {
    /// Characters (Unicode scalar values after NFC).
    pub chars: usize,
    /// Most characters allowed.
    pub limit: usize,
    /// How long it will take to speak, milliseconds; `None` for an empty text.
    pub duration_ms: Option<u64>,
    /// What cannot be spoken, or will be spoken otherwise than written.
    pub warnings: Vec<Msg>,
    /// What became of a word that was added from here.
    pub told: Option<Flash>,
    /// How it is read; `None` for what cannot be.
    pub reading: Option<Reading>,
}
