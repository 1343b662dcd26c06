//! Texts in other languages: cut to sentences, and every word, number and sign left to the engine that speaks the language.

use super::builder::Builder;
use super::class::Class;

/// Reads a text at its blanks and marks alone. Each character is looked at a bounded number of times.
pub(super) fn read(source: &str) -> Builder {
    let mut out = Builder::with_capacity(source.len(), source.len() / 4);
    let mut offset = 0;
    let mut is_after_line = false;
    for line in source.split_inclusive('\n') {
        if line.trim().is_empty() {
            if is_after_line {
                out.end_paragraph();
            }
        } else {
            let mut at = offset;
            for piece in line.split_inclusive(char::is_whitespace) {
                word(piece.trim_end(), at, &mut out);
                at += piece.len();
            }
            out.end_line();
        }
        is_after_line = !line.trim().is_empty();
        offset += line.len();
    }
    out
}

fn word(piece: &str, at: usize, out: &mut Builder) {
    let closing = ['"', '\'', ')', '”', '’', '»'];
    let mark = piece.trim_end_matches(closing).chars().next_back();
    let bare = piece.trim_end_matches(|c| closing.contains(&c) || ".!?…,;:".contains(c));
    if !bare.is_empty() {
        out.words(Class::Word, at..at + bare.len(), bare, false);
    }
    match mark {
        Some(mark @ ('.' | '!' | '?')) => out.end_sentence(Some(mark)),
        Some('…') => out.end_sentence(Some('.')),
        Some(mark @ (',' | ';' | ':')) => out.pause(mark),
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::normalize::{Normalizer, Pause};

    #[test]
    fn numbers_and_signs_stay_and_sentences_end_where_the_writer_ended_them() {
        let text = "Storm warning: wind 60-70 km/h at 7.30 p.m., stay home!\nCall 115.\n\n(Thank you.)";
        let spoken = Normalizer::as_written().normalize(text);
        let sentences: Vec<_> = spoken.sentences().iter().map(|s| (s.as_str(), s.pause_after())).collect();
        assert_eq!(
            sentences,
            [
                ("Storm warning: wind 60-70 km/h at 7.30 p.m, stay home!", Pause::Sentence),
                ("Call 115.", Pause::Paragraph),
                ("(Thank you.", Pause::End),
            ]
        );
        assert_ne!(Normalizer::as_written().identity(), Normalizer::default().identity());
    }

    #[test]
    fn spans_lie_where_the_words_do() {
        let text = "Xin,  10 people\r\n\tcome…";
        let spoken = Normalizer::as_written().normalize(text);
        let written: Vec<&str> = spoken.spans().iter().map(|span| &text[span.source.clone()]).collect();
        assert_eq!(written, ["Xin", "10", "people", "come"]);
        assert_eq!(Normalizer::as_written().normalize(" … ").sentences().len(), 0);
        assert_eq!(Normalizer::as_written().normalize("115").sentences().len(), 1);
    }
}
