//! What holds for any text with brackets in it.

use loa_speech::Normalizer;
use loa_speech::normalize::Sentence;
use loa_speech::normalize::markup::PAUSES_MAX_MS;
use proptest::prelude::*;

fn hold(text: &str) {
    for normalizer in [Normalizer::default(), Normalizer::as_written()] {
        let said = normalizer.normalize(text);
        for sentence in said.sentences() {
            let words = sentence.as_str();
            assert!(words.chars().any(char::is_alphanumeric), "{text:?}: {words:?}");
            assert!(!words.contains(['[', ']']), "{text:?}: {words:?}");
            assert!(
                words.chars().count() <= Sentence::MAX_CHARS && !words.contains('\n'),
                "{text:?}: {words:?}"
            );
        }
        let mut end = 0;
        for span in said.spans() {
            assert!(span.source.start >= end && span.source.end >= span.source.start, "{text:?}: {span:?}");
            assert!(text.get(span.source.clone()).is_some(), "{text:?}: {span:?} cuts a character");
            assert!(said.text().get(span.spoken.clone()).is_some(), "{text:?}: {span:?} cuts a character");
            end = span.source.end;
        }
        for finding in said.markup_findings() {
            assert!(
                text.get(finding.bytes.clone()).is_some_and(|text| text.starts_with('[')),
                "{text:?}: {finding:?}"
            );
        }
        assert!(said.markup_findings().is_sorted_by_key(|finding| finding.bytes.start), "{text:?}");
        assert!(said.silence_ms() <= PAUSES_MAX_MS, "{text:?}: {} ms", said.silence_ms());
    }
    let said = Normalizer::default().normalize(text);
    for sentence in said.sentences().iter().filter(|sentence| sentence.style().language.is_none()) {
        let words = sentence.as_str();
        assert!(!words.chars().any(char::is_numeric), "{text:?}: {words:?}");
    }
}

const PIECE: &str = "(\\[|\\]|:|=|-| |\n|,|\\.|2|giây|nghỉ|nhấn|đánh vần|từng số|đọc ngày|đọc là|tiếng Anh|en|kpm|tiếng K'Ho|12/10|bà con|BHXH|a|é|日|²|½|\u{301})";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pieces_of_commands_are_read(pieces in prop::collection::vec(PIECE, 0..40)) {
        hold(&pieces.concat());
    }

    #[test]
    fn an_engines_own_brackets_reach_no_engine(content in "[a-z]{0,4}\\[\\[[a-z@']{1,6}\\]\\][a-z]{0,4}") {
        hold(&content);
        hold(&format!("[en: {content}]"));
        hold(&format!("[nhấn: [fr: a {content}] b]"));
    }

    #[test]
    fn any_words_in_commands_are_read(
        name in "(nghỉ|nhấn|đánh vần|đọc số|đọc giờ|đọc điện thoại|đọc số La Mã|đọc tỷ số|đọc là|en|vi)",
        content in any::<String>(),
        behind in any::<String>(),
    ) {
        hold(&format!("x [{name}: {content}]{behind}"));
    }
}

#[test]
fn half_a_megabyte_of_brackets_is_read() {
    for piece in [
        "[",
        "]",
        "[]",
        "[a",
        "[a:",
        "[nhấn: ",
        "[nghỉ]",
        "[nghỉ 9]",
        "[abcd: x]",
        "[tieng abcd: x]",
        "[nhấn: a]",
        "[[",
        "]]",
        "[en: a]",
        "[nhấn: [",
        "[nghỉ] [nhấn: b] ",
        "[đọc ngày: 1/2]",
        "[abcd efgh 2]",
        "[a\n",
    ] {
        let text = piece.repeat(500_000 / piece.len());
        let said = Normalizer::default().normalize(&text);
        assert!(said.silence_ms() <= PAUSES_MAX_MS);
        assert!(said.spans().len() <= text.len());
    }
}
