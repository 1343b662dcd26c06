//! What is wrong with the commands in a text (`docs/markup.md`), in the words of the page.

use loa_speech::normalize::{MarkupFinding, Problem, Spoken};

use crate::pages::{Msg, msg};

/// Most findings that are told; one that is put right makes room for the next.
const TOLD: usize = 8;
/// Most characters of a text that a finding quotes.
const QUOTED_CHARS: usize = 40;

/// One message for each finding, with the line that it's on.
pub(super) fn warnings(text: &str, spoken: &Spoken) -> Vec<Msg> {
    spoken.markup_findings().iter().take(TOLD).map(|finding| warning(text, finding)).collect()
}

/// By how many syllables at the usual pace a text lasts longer for its emphasis: a quarter of what is emphasised.
pub(super) fn drawn_out(spoken: &Spoken) -> usize {
    let emphasised = spoken.sentences().iter().filter(|sentence| sentence.style().emphasis);
    emphasised.map(|sentence| sentence.as_str().split_whitespace().count()).sum::<usize>() / 4
}

fn warning(text: &str, finding: &MarkupFinding) -> Msg {
    let MarkupFinding { problem, bytes } = finding;
    let before = text.get(..bytes.start).unwrap_or_default();
    let line = i64::try_from(before.matches('\n').count() + 1).unwrap_or(i64::MAX);
    let quoted = text.get(bytes.clone()).unwrap_or_default();
    let mut quote: String = quoted.chars().take(QUOTED_CHARS).collect();
    if quote.len() < quoted.len() {
        quote.push('…');
    }
    let key = match problem {
        Problem::UnknownCommand { nearest: Some(_), .. } => msg::MARKUP_NEAR_COMMAND,
        Problem::UnknownCommand { nearest: None, .. } => msg::MARKUP_UNKNOWN_COMMAND,
        Problem::UnknownLanguage { nearest: Some(_), .. } => msg::MARKUP_NEAR_LANGUAGE,
        Problem::UnknownLanguage { nearest: None, .. } => msg::MARKUP_UNKNOWN_LANGUAGE,
        Problem::NoVoice { .. } => msg::MARKUP_NO_VOICE,
        Problem::NoColon { .. } => msg::MARKUP_NO_COLON,
        Problem::Unclosed { .. } => msg::MARKUP_UNCLOSED,
        Problem::Nested { .. } => msg::MARKUP_NESTED,
        Problem::Empty { .. } => msg::MARKUP_EMPTY,
        Problem::PauseLength { .. } => msg::MARKUP_PAUSE_LENGTH,
        Problem::PausesInAll => msg::MARKUP_PAUSES_IN_ALL,
        Problem::NotThat { .. } => msg::MARKUP_NOT_THAT,
    };
    let message = Msg::new(key).with_number("line", line).with("x", quote);
    problem.args().into_iter().fold(message, |message, (name, value)| message.with(name, value))
}

#[cfg(test)]
mod tests {
    use loa_speech::Normalizer;

    use super::*;
    use crate::pages::Lang;

    fn told(text: &str, lang: Lang) -> Vec<String> {
        let spoken = Normalizer::default().normalize(text);
        warnings(text, &spoken).iter().map(|message| message.text(lang)).collect()
    }

    #[test]
    fn every_finding_has_words_with_its_line_and_no_hole() {
        let all = [
            "x [nhấm: a]",
            "x [thì thầm: a]",
            "x [tieng An: a]",
            "x [tiếng Sao Hỏa: a]",
            "x [tiếng K'Ho: a]",
            "x [nhấn khẩn trương]",
            "x [nhấn: khẩn trương",
            "x [đánh vần: B[H]]",
            "x [nhấn: ]",
            "x [nghỉ 3 giờ]",
            "x [đọc ngày: 45/13]",
            &"x [nghỉ 30 giây]".repeat(11),
        ];
        let mut seen: Vec<String> = Vec::new();
        for text in all {
            let text = format!("Kính thưa bà con\n{text}");
            for (lang, line) in [(Lang::Vi, "Dòng 2"), (Lang::En, "Line 2")] {
                let told = told(&text, lang);
                let [message] = &told[..] else { panic!("{text}: {told:?}") };
                assert!(message.starts_with(line), "{message}");
                assert!(!message.contains(['{', '}']) && !message.contains("markup-"), "{message}");
                assert!(!seen.contains(message), "{message}");
                seen.push(message.clone());
            }
        }
        assert!(told("[xã] họp [nghỉ]", Lang::Vi).is_empty());
        assert_eq!(told(&"[nhấm: a] ".repeat(50), Lang::Vi).len(), TOLD);
    }
}
