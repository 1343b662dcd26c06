//! How a text is read: what will be said, and what no rule understood.

use crate::pages::labels::FindingReason;

/// A text as a voice reads it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What should be looked at, by its reason, the gravest first.
    pub groups: Vec<FindingGroup>,
    /// Findings beyond those shown.
    pub more: usize,
    /// What will be said, in order; empty for a text that says nothing.
    pub preview: Vec<PreviewPart>,
    /// The area whose words it is read with; `None` while none is chosen.
    pub area: Option<WordsArea>,
    /// Whether the text stands in the form beside it: findings lead there, and words can be added.
    pub in_form: bool,
    /// Key of what is said where the area's words were edited after the sound was made, so that the sound may say
    /// otherwise than the reading.
    pub newer_than_sound: Option<&'static str>,
}

/// The area whose words hold.
#[derive(Clone, Debug)]
pub struct WordsArea {
    /// Area.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether the user may add words to it.
    pub may_add: bool,
}

/// Findings of one reason.
#[derive(Clone, Debug)]
pub struct FindingGroup {
    /// Why.
    pub reason: FindingReason,
    /// Each writing once.
    pub rows: Vec<FindingRow>,
}

/// A stretch of the text that should be looked at.
#[derive(Clone, Debug)]
pub struct FindingRow {
    /// Its place among all that are shown, from 0.
    pub index: usize,
    /// As written, whole.
    pub written: String,
    /// Its beginning, for the eye.
    pub shown: String,
    /// What is said for it; empty: nothing.
    pub spoken: String,
    /// Its line, from 1.
    pub line: usize,
    /// How often it stands in the text.
    pub times: usize,
    /// Where it first begins, in UTF-16 units as browsers count.
    pub from_utf16: usize,
    /// Where that ends.
    pub to_utf16: usize,
    /// Whether a word of the area can say it.
    pub sayable: bool,
}

/// A stretch of what will be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewPart {
    /// What is said.
    pub text: String,
    /// How it came to be.
    pub kind: PreviewKind,
    /// As written; empty where that is the same.
    pub written: String,
}

/// How a stretch of what will be said came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewKind {
    /// As written.
    Plain,
    /// Read by a rule or a word of the area.
    Read,
    /// Not understood.
    Finding,
}
