//! A text without its commands, and the commands as cues that fall due in it.

use std::borrow::Cow;
use std::ops::Range;

use super::finding::{MarkupFinding, Problem};
use super::{Command, Language, What, parse};

/// What happens at a place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::normalize) enum Action {
    Pause(u32),
    EmphasisBegins,
    EmphasisEnds,
    /// Words that a command says in its own way. `content` is in bytes of the text as it was typed.
    Say {
        what: What,
        content: Range<usize>,
    },
    /// Nothing is said: a language that no voice speaks.
    Silence,
}

/// An action, and where it falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::normalize) struct Cue {
    /// The blank in the plain text that stands for the command.
    pub(in crate::normalize) at: usize,
    /// What was taken out of the typed text.
    pub(in crate::normalize) typed: Range<usize>,
    pub(in crate::normalize) action: Action,
}

/// A text to be read aloud.
///
/// Invariant: `plain` is `typed` with one blank in the place of each command or part of one; without commands it is `typed`.
pub(in crate::normalize) struct Script<'t> {
    pub(in crate::normalize) typed: &'t str,
    pub(in crate::normalize) plain: Cow<'t, str>,
    pub(in crate::normalize) cues: Vec<Cue>,
    pub(in crate::normalize) findings: Vec<MarkupFinding>,
}

impl<'t> Script<'t> {
    /// Without commands, whatever stands in it.
    pub(in crate::normalize) const fn plain(typed: &'t str) -> Self {
        Self { typed, plain: Cow::Borrowed(typed), cues: Vec::new(), findings: Vec::new() }
    }

    /// With its commands.
    pub(in crate::normalize) fn of(typed: &'t str) -> Self {
        let parsed = parse(typed);
        let mut script = Self::plain(typed);
        script.findings = parsed.findings;
        if parsed.commands.is_empty() {
            return script;
        }
        let mut out = Out { script, plain: String::with_capacity(typed.len()), taken: 0 };
        let mut ending: Option<Range<usize>> = None;
        for Command { what, whole, content, pause_ms } in parsed.commands {
            if let Some(end) = ending.take_if(|end| end.end <= whole.start) {
                out.cue(end, Action::EmphasisEnds);
            }
            match what {
                What::Pause => out.cue(whole, Action::Pause(pause_ms)),
                What::Emphasis => {
                    out.cue(whole.start..content.start, Action::EmphasisBegins);
                    ending = Some(content.end..whole.end);
                }
                What::Language(Language { tag, has_voice: false }) => {
                    let name = typed[whole.start + 1..content.start].trim_end().trim_end_matches(':').trim();
                    let problem = Problem::NoVoice { name: name.to_owned(), language: tag };
                    out.script.findings.push(MarkupFinding { problem, bytes: whole.clone() });
                    out.cue(whole, Action::Silence);
                }
                What::Spell | What::Read | What::As(_) | What::Language(_) => {
                    out.cue(whole, Action::Say { what, content });
                }
            }
        }
        if let Some(end) = ending {
            out.cue(end, Action::EmphasisEnds);
        }
        out.finish()
    }

    /// Bytes of the typed text in which a stretch of the plain one lies; whole characters.
    pub(in crate::normalize) fn typed(&self, plain: Range<usize>) -> Range<usize> {
        if self.cues.is_empty() {
            return plain;
        }
        let behind = |cue: &Cue, at: usize| cue.typed.end + (at - cue.at - 1);
        let cut = |index: usize| index.checked_sub(1).and_then(|index| self.cues.get(index));
        let start = match cut(self.cues.partition_point(|cue| cue.at <= plain.start)) {
            Some(cue) if cue.at == plain.start => cue.typed.start,
            Some(cue) => behind(cue, plain.start),
            None => plain.start,
        };
        let end = match cut(self.cues.partition_point(|cue| cue.at < plain.end)) {
            Some(cue) => behind(cue, plain.end),
            None => plain.end,
        };
        start..end
    }
}

struct Out<'t> {
    script: Script<'t>,
    plain: String,
    /// Bytes of the typed text that were copied or left out.
    taken: usize,
}

impl<'t> Out<'t> {
    fn cue(&mut self, typed: Range<usize>, action: Action) {
        self.plain.push_str(&self.script.typed[self.taken..typed.start]);
        self.taken = typed.end;
        self.script.cues.push(Cue { at: self.plain.len(), typed, action });
        self.plain.push(' ');
    }

    fn finish(mut self) -> Script<'t> {
        self.plain.push_str(&self.script.typed[self.taken..]);
        self.script.plain = Cow::Owned(self.plain);
        self.script.findings.sort_by_key(|finding| finding.bytes.start);
        self.script
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::normalize::reader::{Words, read};
    use crate::normalize::{Lexicon, Normalizer, Options};

    use super::*;

    #[test]
    fn commands_are_taken_out_and_the_way_back_is_kept() {
        let typed = "Gọi [nhấn: ngay [từng số: 115] nhé], [nghỉ] bà con";
        let script = Script::of(typed);
        assert_eq!(script.plain, "Gọi  ngay   nhé ,   bà con");
        let actions: Vec<&Action> = script.cues.iter().map(|cue| &cue.action).collect();
        assert!(
            matches!(
                actions[..],
                [
                    Action::EmphasisBegins,
                    Action::Say { what: What::Spell, .. },
                    Action::EmphasisEnds,
                    Action::Pause(1_000)
                ]
            ),
            "{actions:?}"
        );
        for word in ["Gọi", "ngay", "nhé", ",", "bà", "con"] {
            let at = script.plain.find(word).unwrap();
            assert_eq!(&typed[script.typed(at..at + word.len())], word);
        }
        assert_eq!(script.typed(0..script.plain.len()), 0..typed.len());
        let written: Vec<&str> = script.cues.iter().map(|cue| &typed[cue.typed.clone()]).collect();
        assert_eq!(written, ["[nhấn: ", "[từng số: 115]", "]", "[nghỉ]"]);
    }

    #[test]
    fn a_text_without_commands_is_left_as_it_is() {
        for typed in ["Xin chào [xã] bà con", "[nghỉ 3 giờ]", ""] {
            assert!(matches!(Script::of(typed).plain, Cow::Borrowed(plain) if plain == typed), "{typed}");
        }
    }

    #[test]
    fn a_text_without_brackets_is_read_as_if_there_were_no_commands() {
        let options = Options::default();
        let lexicon = Lexicon::default();
        let plain = Words { lexicon: &lexicon, said: &[] };
        for written in include_str!("../../../tests/normalize/cases.tsv")
            .lines()
            .filter_map(|line| line.split('\t').nth(1))
            .filter(|written| !written.contains(['[', ']']))
        {
            let script = Script::of(written);
            assert!(script.cues.is_empty() && script.findings.is_empty(), "{written}");
            assert_eq!(Normalizer::default().normalize(written), read(written, &options, plain).finish());
        }
    }

    proptest! {
        #[test]
        fn no_text_without_brackets_has_commands(text in "[^\\[\\]]{0,200}") {
            let script = Script::of(&text);
            prop_assert!(matches!(script.plain, Cow::Borrowed(plain) if plain == text));
            prop_assert!(script.cues.is_empty() && script.findings.is_empty());
            prop_assert_eq!(script.typed(0..text.len()), 0..text.len());
        }
    }

    #[test]
    fn a_language_without_a_voice_is_told() {
        let script = Script::of("[tiếng K'Ho: niam sa] nhé");
        assert_eq!(script.plain, "  nhé");
        let problem = Problem::NoVoice { name: "tiếng K'Ho".to_owned(), language: "kpm" };
        assert_eq!(script.findings, [MarkupFinding { problem, bytes: 0..23 }]);
    }
}
