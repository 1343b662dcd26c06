//! spoken text
mod spoken;
pub use spoken::{Pause, Sentence, SpokenText};
/// Temporary.
pub fn normalize(text: &crate::CleanText) -> SpokenText {
    let mut b = spoken::Builder::default();
    for s in text.as_str().split(['.', '\n']) { b.words(s); b.comma(); b.end_sentence('.'); }
    b.end_paragraph();
    b.finish()
}
