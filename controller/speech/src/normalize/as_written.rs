//! Texts in other languages: cut to sentences, and every word, number and sign left to the engine that speaks the language.

use std::ops::Range;

use super::builder::Builder;
use super::class::Class;
use super::markup::Script;
use super::options::Options;
use super::perform::{self, Base};

/// Reads a text at its blanks and marks alone. Each character is looked at a bounded number of times.
pub(super) fn read(script: &Script<'_>, options: &Options) -> Builder {
    let mut out = Builder::with_capacity(script.plain.len(), script.plain.len() / 4);
    let mut cues = script.cues.iter().peekable();
    let mut offset = 0;
    let mut is_after_line = false;
    for line in script.plain.split_inclusive('\n') {
        let is_empty = line.trim().is_empty();
        // A line with nothing but commands is no end of a paragraph.
        let is_marked = cues.peek().is_some_and(|cue| cue.at < offset + line.len());
        if is_empty && !is_marked {
            if is_after_line {
                out.end_paragraph();
            }
        } else {
            let mut at = offset;
            for piece in line.split_inclusive(char::is_whitespace) {
                while let Some(cue) = cues.next_if(|cue| cue.at <= at) {
                    perform::perform(cue, script, options, Base::AsWritten, &mut out);
                }
                word(piece.trim_end(), |word| script.typed(at..at + word.len()), &mut out);
                at += piece.len();
            }
            while let Some(cue) = cues.next_if(|cue| cue.at < at) {
                perform::perform(cue, script, options, Base::AsWritten, &mut out);
            }
            out.end_line();
        }
        is_after_line = !is_empty || (is_marked && is_after_line);
        offset += line.len();
    }
    for cue in cues {
        perform::perform(cue, script, options, Base::AsWritten, &mut out);
    }
    out
}

fn word(piece: &str, source: impl Fn(&str) -> Range<usize>, out: &mut Builder) {
    let closing = ['"', '\'', ')', '”', '’', '»'];
    let mark = piece.trim_end_matches(closing).chars().next_back();
    let bare = piece.trim_end_matches(|c| closing.contains(&c) || ".!?…,;:".contains(c));
    if bare.contains(['[', ']']) {
        // Doubled ones are an engine's own.
        let inside = bare.replace(['[', ']'], " ");
        let words: Vec<&str> = inside.split_whitespace().collect();
        if !words.is_empty() {
            out.words(Class::Word, source(bare), &words.join(" "), false);
        }
    } else if !bare.is_empty() {
        out.words(Class::Word, source(bare), bare, false);
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
