//! Puts words and punctuation together to sentences.

use std::ops::Range;

use super::class::Class;
use super::markup::{MarkupFinding, Problem};
use super::spoken::{Pause, Sentence, Span, Spoken, Style};

/// The text that is said, growing.
#[derive(Debug, Default)]
pub(super) struct Builder {
    text: String,
    spans: Vec<Span>,
    /// Where the sentence that is being written begins.
    start: usize,
    has_letter: bool,
    /// Sentences and parts of sentences that are complete.
    ended: Vec<Ended>,
    /// How the words that come next are spoken.
    style: Style,
    /// Silence in front of everything.
    silence_before_ms: u32,
    findings: Vec<MarkupFinding>,
}

/// A sentence that is complete, or a part of one.
#[derive(Debug)]
struct Ended {
    /// In bytes of the text that is said.
    range: Range<usize>,
    /// [`Pause::Clause`] and [`Pause::Marked`]: the sentence goes on.
    pause: Pause,
    silence_after_ms: u32,
    style: Style,
}

impl Ended {
    const fn goes_on(&self) -> bool {
        matches!(self.pause, Pause::Clause | Pause::Marked)
    }
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
        let begins = from == self.start && !self.ended.last().is_some_and(Ended::goes_on);
        match words.chars().next().filter(|_| capital && begins) {
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
            self.end_parts(mark);
            return;
        }
        self.truncate(self.start + kept);
        if let Some(mark) = mark
            && !self.text.ends_with(['.', '?', '!'])
        {
            self.text.push(mark);
        }
        self.end(Pause::Sentence);
    }

    fn end(&mut self, pause: Pause) {
        let range = self.start..self.text.len();
        self.ended.push(Ended { range, pause, silence_after_ms: 0, style: self.style });
        self.text.push(' ');
        self.start = self.text.len();
        self.has_letter = false;
    }

    /// The sentence is at an end, and all of its words were parts that end already: the last of them ends it.
    fn end_parts(&mut self, mark: Option<char>) {
        let Some(last) = self.ended.last_mut().filter(|last| last.goes_on()) else { return };
        last.pause = Pause::Sentence;
        let words = self.text[last.range.clone()].trim_end_matches(',').len();
        let end = last.range.start + words;
        self.text.truncate(end);
        if let Some(mark) = mark.filter(|_| !self.text.ends_with(['.', '?', '!'])) {
            self.text.push(mark);
        }
        last.range.end = self.text.len();
        self.text.push(' ');
        self.start = self.text.len();
    }

    /// Ends a part of a sentence, which goes on otherwise.
    fn end_part(&mut self, pause: Pause) {
        let kept = self.text[self.start..].trim_end_matches([',', ';', ':', ' ']).len();
        if !self.has_letter {
            self.truncate(self.start);
            return;
        }
        self.truncate(self.start + kept);
        self.text.push(',');
        self.end(pause);
    }

    /// A silence that the writer asked for: on top of the pause where a sentence ends, by itself inside of one.
    pub(super) fn silence(&mut self, ms: u32) {
        self.end_part(Pause::Marked);
        match self.ended.last_mut() {
            Some(last) => {
                if last.pause == Pause::Clause {
                    last.pause = Pause::Marked;
                }
                last.silence_after_ms += ms;
            }
            None => self.silence_before_ms += ms,
        }
    }

    /// How the words that come next are spoken.
    pub(super) const fn style(&self) -> Style {
        self.style
    }

    /// Speaks what comes next otherwise; what came before is a part of its own.
    pub(super) fn set_style(&mut self, style: Style) {
        if style != self.style {
            self.end_part(Pause::Clause);
            self.style = style;
        }
    }

    /// Something is wrong with a command.
    pub(super) fn finding(&mut self, problem: Problem, bytes: Range<usize>) {
        self.findings.push(MarkupFinding { problem, bytes });
    }

    /// Adds what was read of a stretch of the text by itself, from the span with the index `from` on. `source` gives the
    /// place of a span in the text. Ends of sentences in it are short pauses.
    pub(super) fn append(&mut self, read: &Spoken, from: usize, source: impl Fn(&Span) -> Range<usize>) {
        let mut last: Option<&Span> = None;
        for span in &read.spans[from.min(read.spans.len())..] {
            let between = last.and_then(|last| read.text.get(last.spoken.end..span.spoken.start));
            if between.is_some_and(|between| between.contains([',', ';', ':', '.', '!', '?', '\n'])) {
                self.pause(',');
            }
            self.words(span.class, source(span), read.said(span), false);
            last = Some(span);
        }
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.end_sentence(None);
        self.separate("\n");
    }

    /// Ends the paragraph.
    pub(super) fn end_paragraph(&mut self) {
        self.end_sentence(None);
        if let Some(last) = self.ended.last_mut() {
            last.pause = Pause::Paragraph;
        }
        self.separate("\n\n");
    }

    /// Replaces the blank behind the last sentence.
    fn separate(&mut self, separator: &str) {
        if let Some(end) = self.ended.last().map(|last| last.range.end) {
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
        let end = self.ended.last().map_or(0, |last| last.range.end);
        self.truncate(end);
        if let Some(last) = self.ended.last_mut() {
            last.pause = Pause::End;
        }
        let mut sentences = Vec::with_capacity(self.ended.len());
        for Ended { range, pause, silence_after_ms, style } in self.ended {
            let first = sentences.len();
            cut(&self.text[range], pause, &mut sentences);
            sentences[first..].iter_mut().for_each(|sentence: &mut Sentence| sentence.style = style);
            if let Some(last) = sentences.last_mut() {
                last.silence_after_ms = silence_after_ms;
            }
        }
        if let Some(first) = sentences.first_mut() {
            first.silence_before_ms = self.silence_before_ms;
        }
        Spoken { text: self.text, spans: self.spans, sentences, markup: self.findings }
    }
}

/// Cuts a sentence that is too long at the last comma or blank in the second half of what fits, and closes it with a full stop
/// where its writer put no mark: engines lower their voice there. A part of a sentence that goes on keeps its comma.
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
        last.push(if matches!(pause, Pause::Clause | Pause::Marked) { ',' } else { '.' });
    }
    sentences.push(Sentence::new(last, pause));
}
