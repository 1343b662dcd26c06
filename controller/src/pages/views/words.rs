//! The words of an area.

use askama::Template;

use super::reading::PreviewPart;
use crate::pages::filters;
use crate::pages::form::Errors;
use crate::pages::format::Moment;
use crate::pages::shell::Shell;

/// `GET /areas/{id}/words?word=&written=&say=`, and the answer (422) to a refused word.
#[derive(Clone, Debug, Template)]
#[template(path = "words.html")]
pub struct WordsPage {
    /// Surroundings.
    pub shell: Shell,
    /// The area.
    pub area_id: String,
    /// Its name.
    pub area: String,
    /// Its words and those of the areas above, by their writing.
    pub rows: Vec<WordRow>,
    /// The form that adds or changes one; `None` when the user may not.
    pub form: Option<WordForm>,
    /// The sentence to try.
    pub say: String,
    /// How it is said; empty without one.
    pub said: Vec<PreviewPart>,
}

/// A word.
#[derive(Clone, Debug)]
pub struct WordRow {
    /// Word.
    pub id: String,
    /// As it stands in texts.
    pub written: String,
    /// As it is said.
    pub spoken: String,
    /// Name of the area that says it so.
    pub area: String,
    /// Whether that is this area.
    pub own: bool,
    /// Name of the area that says it otherwise for this one.
    pub overridden_by: Option<String>,
    /// What an area above says for it.
    pub overrides: Option<String>,
    /// Its saying leads back to itself.
    pub is_loop: bool,
    /// When it was last edited.
    pub edited_at: Moment,
    /// By whom.
    pub edited_by: String,
}

/// Fields `word` (the id of the one that is changed, or empty), `written`, `spoken`; posted to `/areas/{id}/words`.
#[derive(Clone, Debug, Default)]
pub struct WordForm {
    /// The word that is changed; empty: a new one.
    pub word: String,
    /// As typed.
    pub written: String,
    /// As typed.
    pub spoken: String,
    /// Errors of `written`, `spoken`.
    pub errors: Errors,
}
