//! Mark-up for staff: what an officer may type in square brackets to say how a stretch is spoken.
//!
//! ```text
//! text     = { plain | command }
//! command  = "[" pause "]" | "[" name ":" content "]"          on one line, blanks where one likes
//! pause    = name [ [":"] length ]                             name of a pause
//! length   = number [ unit ] | "nửa giây"                      number: 2 · 2,5 · 0.5; unit: giây (usual), ms, phút
//! content  = plain                                             of emphasis: plain and commands, but no emphasis
//! name     = a row of names.tsv or languages.tsv, or a BCP 47 tag with its language in small letters (en, en-GB)
//! ```
//!
//! | Command | What is done | Why so |
//! |---|---|---|
//! | `[nghỉ]`, `[nghỉ 2 giây]` | silence of our own, 1 s unless told; 0.1 to 30 s each, 5 minutes in all | engines ignore or shorten theirs; behind the end of a sentence it is added to the usual pause |
//! | `[nhấn: …]` | 80 % of the pace, the pause of a clause on either side | what every engine can do, and what is still heard through a horn |
//! | `[đánh vần: …]`, `[từng số: …]` | letters by their names, digits one by one | one rule for both: "49A1" is either |
//! | `[đọc ngày: …]` and the like | the rules read it with a cue in front that isn't said | the same rules and habits as everywhere; what they don't find in it is a finding |
//! | `[đọc là: …]`, `[đọc là: K'Ho = cơ ho]` | what stands behind "=" is said, as if it were the lexicon's | once, where the lexicon would be for ever |
//! | `[tiếng Anh: …]`, `[en: …]` | a voice of that language says it as it is written | a Vietnamese voice makes mush of it |
//!
//! Not SSML: angle brackets, quotes and closing tags are a programmer's; square brackets are on every keyboard, rare in bulletins,
//! and one line explains them. Names are compared without tone marks and capitals.
//!
//! **What isn't a whole and right command is read as it was before**, brackets left out: an aside ("\[xã\]") without a word
//! about it, what looks like a command that went wrong with a [`MarkupFinding`]. One rule, so that nothing is lost and staff hear
//! in the preview what they would hear outside. Names that begin asides in prose ("\[Ngày: …\]", "\[ĐT: …\]") are
//! therefore no commands.
//!
//! The one exception is a language without a voice: it is *not* read, and told. Read as Vietnamese it would be noise
//! to those who speak the language and to those who don't; such words need a person's recording.
//!
//! `[[` and `]]` are speech engines' own brackets for phonemes. They never begin or end a command here, and no bracket is in
//! what comes out.
//!
//! A command ends on its line: one that was left open spoils a line and not the rest of the bulletin. Commands are taken out of
//! the text before the rules read it and act where they stood; a rule sees what is in front of a command ("ngày \[nhấn:
//! 12/10\]" is a date) and never reads across one. All of it takes time linear in the text.

mod finding;
mod length;
mod names;
mod parse;
mod script;

pub use finding::{MarkupFinding, Problem};
pub(super) use names::Kind;
pub(super) use parse::{Command, parse};
pub(super) use script::{Action, Cue, Script};

/// Changes whenever the same mark-up is spoken otherwise; part of the key of texts with mark-up alone.
pub const MARKUP_VERSION: &str = "1";

/// Shortest pause that can be asked for.
pub const PAUSE_MIN_MS: u32 = 100;
/// Longest pause that can be asked for: longer ones sound like a fault.
pub const PAUSE_MAX_MS: u32 = 30_000;
/// Most pauses in all that one text can ask for: they need memory, and the slot that others wait for.
pub const PAUSES_MAX_MS: u32 = 300_000;
/// A pause whose length isn't told.
const PAUSE_MS: u32 = 1_000;

/// A language that words can be marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Language {
    /// BCP 47.
    pub(super) tag: &'static str,
    /// espeak-ng, which is always there, speaks it well enough to be understood. Japanese and Thai it has too and
    /// says badly.
    pub(super) has_voice: bool,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Pause,
    Emphasis,
    Spell,
    Read,
    As(Kind),
    Language(Language),
}

/// The languages other than its own that a text has marked words of, in the order of their tags.
#[must_use]
pub fn languages(text: &str) -> Vec<&'static str> {
    let mut tags: Vec<&str> = parse(text)
        .commands
        .iter()
        .filter_map(|command| match command.what {
            What::Language(language) if language.has_voice => Some(language.tag),
            What::Language(_) | What::Pause | What::Emphasis | What::Spell | What::Read | What::As(_) => None,
        })
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Whether a text has a command at all.
#[must_use]
pub fn is_marked_up(text: &str) -> bool {
    text.contains('[') && !parse(text).commands.is_empty()
}
