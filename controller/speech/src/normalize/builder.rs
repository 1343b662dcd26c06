//! Puts words and punctuation together to sentences.

use std::ops::Range;

use super::class::Class;
use super::spoken::{Pause, Sentence, Span, Spoken};

/// The text that is said, growing.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    spans: Vec<Span>,
    /// Where the sentence that is being written begins.
    start: usize,
    has_letter: bool,
    /// Sentences that are complete, in bytes of `text`.
    ended: Vec<(Range<usize>, Pause)>,
}

impl Builder {
    pub(super) fn with_capacity(source_bytes: usize, tokens: usize) -> Self {
        Self {
            text: String::with_capacity(source_bytes + source_bytes / 4),
            spans: Vec::with_capacity(tokens * 5 / 8 + 1),
            ..Self::default()
        }
    }

    /// Adds spoken words for a stretch of the source.
    ///
    /// `capital`: the source has a capital here; a sentence that began with one still does.
    pub(super) fn words(&mut self, class: Class, source: Range<usize>, words: &str, capital: bool) {
        if !words.is_empty() && self.text.len() > self.start {
            self.text.push(' ');
        }
        let from = self.text.len();
        match words.chars().next().filter(|_| capital && from == self.start) {
            Some(first) => {
                self.text.extend(first.to_uppercase());
                self.text.push_str(&words[first.len_utf8()..]);
            }
            None => self.text.push_str(words),
        }
        self.has_letter = self.has_letter || words.chars().any(char::is_alphanumeric);
        // Pieces of one character in the source, such as "½", belong to the span that began there.
        let source = self.spans.last().map_or(source.clone(), |last| {
            source.start.max(last.source.end)..source.end.max(last.source.end)
        });
        self.spans.push(Span { class, source, spoken: from..self.text.len() });
    }

    /// A short pause inside the sentence: a comma, semicolon or colon.
    pub(super) fn pause(&mut self, mark: char) {
        if self.text.len() > self.start && !self.text.ends_with([',', ';', ':', '.', '?', '!']) {
            self.text.push(mark);
        }
    }

    /// Ends the sentence, with its mark if it has one.
    pub(super) fn end_sentence(&mut self, mark: Option<char>) {
        let hanging: &[char] = if mark.is_some() { &[',', ';', ':', ' '] } else { &[',', ';', ' '] };
        let kept = self.text[self.start..].trim_end_matches(hanging).len();
        if !self.has_letter {
            self.truncate(self.start);
            return;
        }
        self.truncate(self.start + kept);
        if let Some(mark) = mark
            && !self.text.ends_with(['.', '?', '!'])
        {
            self.text.push(mark);
        }
        let end = self.text.len();
        self.ended.push((self.start..end, Pause::Sentence));
        self.text.push(' ');
        self.start = self.text.len();
        self.has_letter = false;
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.end_sentence(None);
        self.separate("\n");
    }

    /// Ends the paragraph.
    pub(super) fn end_paragraph(&mut self) {
        self.end_sentence(None);
        if let Some((_, pause)) = self.ended.last_mut() {
            *pause = Pause::Paragraph;
        }
        self.separate("\n\n");
    }

    /// Replaces the blank behind the last sentence.
    fn separate(&mut self, separator: &str) {
        if let Some(end) = self.ended.last().map(|(range, _)| range.end) {
            self.truncate(end);
            self.text.push_str(separator);
            self.start = self.text.len();
        }
    }

    /// Cuts the text back to `end`, and with it what spans say there: nothing that is heard.
    fn truncate(&mut self, end: usize) {
        self.text.truncate(end);
        for span in self.spans.iter_mut().rev().take_while(|span| span.spoken.end > end) {
            span.spoken = span.spoken.start.min(end)..end;
        }
    }

    pub(super) fn finish(mut self) -> Spoken {
        self.end_sentence(None);
        let end = self.ended.last().map_or(0, |(range, _)| range.end);
        self.truncate(end);
        if let Some((_, pause)) = self.ended.last_mut() {
            *pause = Pause::End;
        }
        let mut sentences = Vec::with_capacity(self.ended.len());
        for (range, pause) in self.ended {
            cut(&self.text[range], pause, &mut sentences);
        }
        Spoken { text: self.text, spans: self.spans, sentences }
    }
}

/// Cuts a sentence that is too long at the last comma or blank in the second half of what fits, and closes it with a full stop
/// where its writer put no mark: engines lower their voice there.
fn cut(mut text: &str, pause: Pause, sentences: &mut Vec<Sentence>) {
    const MOST: usize = Sentence::MAX_CHARS - 1;
    let has_letter = |text: &str| text.chars().any(char::is_alphanumeric);
    while text.len() > MOST
        && let Some((fits, _)) = text.char_indices().nth(MOST)
    {
        let head = &text[..fits];
        let at_comma = head.rfind([',', ';', ':']).map(|at| at + 1);
        let at = [at_comma, head.rfind(' ')].into_iter().flatten().find(|&at| at > fits / 2).unwrap_or(fits);
        let (part, rest) = text.split_at(at);
        if !has_letter(rest) {
            text = part;
            break;
        }
        if has_letter(part) {
            sentences.push(Sentence::new(part.trim().to_owned(), Pause::Clause));
        }
        text = rest.trim_start();
    }
    let mut last = text.trim_end_matches([',', ';', ':', ' ']).to_owned();
    if !last.ends_with(['.', '?', '!']) {
        last.push('.');
    }
    sentences.push(Sentence::new(last, pause));
}
