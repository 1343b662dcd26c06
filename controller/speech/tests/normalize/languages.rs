//! Another language is told, and Vietnamese is not taken for one, however many names and short forms stand in it.

use loa_speech::Normalizer;
use loa_speech::normalize::Reason;

fn told(text: &str) -> Vec<Reason> {
    Normalizer::default().audit(text).into_iter().map(|finding| finding.reason).collect()
}

#[test]
fn texts_in_another_language_are_told() {
    let texts: Vec<(&str, &str)> = include_str!("foreign.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    assert!(texts.len() >= 20, "{}", texts.len());
    let missed: Vec<_> = texts
        .iter()
        .filter(|(_, text)| !told(text).contains(&Reason::Language))
        .map(|(language, text)| format!("{language}: {text} {:?}", told(text)))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    // Inside a bulletin too, and only what is foreign.
    for (language, text) in texts {
        let before = "Kính thưa bà con. ";
        let bulletin = format!("{before}{text}\nXin trân trọng cảm ơn.");
        let foreign: Vec<_> = Normalizer::default()
            .audit(&bulletin)
            .into_iter()
            .filter(|finding| finding.reason == Reason::Language)
            .collect();
        assert!(!foreign.is_empty(), "{language}: {bulletin}");
        let place = before.len()..before.len() + text.len();
        assert!(
            foreign.iter().all(|f| place.start <= f.bytes.start && f.bytes.end <= place.end),
            "{bulletin}"
        );
    }
}

#[test]
fn vietnamese_is_taken_for_no_other_language() {
    let texts: Vec<&str> = include_str!("vietnamese.txt").lines().collect();
    assert!(texts.len() >= 50, "{}", texts.len());
    let wrong: Vec<_> = texts
        .iter()
        .filter(|text| told(text).iter().any(|reason| matches!(reason, Reason::Language | Reason::NoMarks)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
