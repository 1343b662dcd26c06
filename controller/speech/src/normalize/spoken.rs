//! Text in words alone, cut into sentences.

/// What follows a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The sentence was too long for an engine and was cut.
    Clause,
    /// Another sentence.
    Sentence,
    /// Another paragraph.
    Paragraph,
    /// Nothing.
    End,
}

/// One sentence as it's said.
///
/// Invariants: NFC; one line; no digit, no bracket; at least one letter; at most [`Sentence::MAX_CHARS`]
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sentence {
    text: String,
    pause_after: Pause,
}

impl Sentence {
    /// Longest sentence in characters; longer ones are cut at a comma, a blank, or wherever they must.
    pub const MAX_CHARS: usize = 600;

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What follows it.
    #[must_use]
    pub const fn pause_after(&self) -> Pause {
        self.pause_after
    }
}

/// A text as it's said; made by [`normalize`](super::normalize) alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpokenText(Vec<Sentence>);

impl SpokenText {
    /// The sentences in order.
    #[must_use]
    pub fn sentences(&self) -> &[Sentence] {
        &self.0
    }
}

impl std::fmt::Display for SpokenText {
    /// A line for each sentence and an empty line between paragraphs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for sentence in &self.0 {
            f.write_str(&sentence.text)?;
            f.write_str(match sentence.pause_after {
                Pause::Clause => " ",
                Pause::Sentence => "\n",
                Pause::Paragraph => "\n\n",
                Pause::End => "",
            })?;
        }
        Ok(())
    }
}

/// Gathers words and punctuation into sentences.
#[derive(Debug, Default)]
pub(super) struct Builder {
    sentences: Vec<Sentence>,
    current: String,
    chars: usize,
    has_letter: bool,
    /// Byte in `current` behind its last comma, where it's best cut.
    last_comma: usize,
    /// Byte in `current` of its last blank.
    last_blank: usize,
}

impl Builder {
    /// Adds spoken words.
    pub(super) fn words(&mut self, words: &str) {
        for word in words.split_whitespace() {
            if !self.current.is_empty() {
                self.last_blank = self.current.len();
                self.current.push(' ');
                self.chars += 1;
            }
            for c in word.chars() {
                if self.chars >= Sentence::MAX_CHARS {
                    self.cut();
                }
                self.current.push(c);
                self.chars += 1;
                self.has_letter |= c.is_alphabetic();
                if c == ',' {
                    self.last_comma = self.current.len();
                }
            }
        }
    }

    /// A short pause inside the sentence.
    pub(super) fn comma(&mut self) {
        if self.has_letter && !self.current.ends_with([',', '.', '?', '!']) {
            self.current.push(',');
            self.chars += 1;
            self.last_comma = self.current.len();
        }
    }

    /// Ends the sentence with its mark.
    pub(super) fn end_sentence(&mut self, mark: char) {
        let kept = self.current.trim_end_matches([',', ' ']).len();
        self.current.truncate(kept);
        if self.has_letter {
            if !self.current.ends_with(['.', '?', '!']) {
                self.current.push(mark);
            }
            let text = std::mem::take(&mut self.current);
            self.sentences.push(Sentence { text, pause_after: Pause::Sentence });
        }
        self.reset("");
    }

    /// Ends the paragraph.
    pub(super) fn end_paragraph(&mut self) {
        self.end_sentence('.');
        if let Some(last) = self.sentences.last_mut() {
            last.pause_after = Pause::Paragraph;
        }
    }

    pub(super) fn finish(mut self) -> SpokenText {
        self.end_sentence('.');
        if let Some(last) = self.sentences.last_mut() {
            last.pause_after = Pause::End;
        }
        SpokenText(self.sentences)
    }

    /// Cuts a sentence that has grown too long at the best place behind its first half.
    fn cut(&mut self) {
        let half = self.current.len() / 2;
        let at = [self.last_comma, self.last_blank, self.current.len()].into_iter().find(|&at| at > half);
        let rest = self.current.split_off(at.unwrap_or(self.current.len()));
        let text = self.current.trim().to_owned();
        if text.chars().any(char::is_alphabetic) {
            self.sentences.push(Sentence { text, pause_after: Pause::Clause });
        }
        self.reset(rest.trim_start());
    }

    fn reset(&mut self, rest: &str) {
        self.current = rest.to_owned();
        self.chars = rest.chars().count();
        self.has_letter = rest.chars().any(char::is_alphabetic);
        (self.last_comma, self.last_blank) = (0, 0);
    }
}
