//! Whatever comes in: no panic, no digit out, nothing lost, offsets that hold.
//!
//! `LOA_NORMALIZE_INPUTS` sets how many inputs are made; a release build makes ten million in minutes.

use std::collections::BTreeSet;

use loa_speech::Normalizer;
use loa_speech::normalize::{Options, Region, Sentence};
use proptest::prelude::*;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::is_nfc;

/// What must hold for any text.
fn hold(normalizer: &Normalizer, text: &str) {
    let said = normalizer.normalize(text);
    assert!(!said.text().chars().any(|c| c.is_numeric() || c.is_ascii_digit()), "{text:?}: {said}");
    assert!(is_nfc(said.text()) || !is_nfc(text), "{text:?}: {said}");
    for sentence in said.sentences() {
        let words = sentence.as_str();
        assert!(words.chars().any(char::is_alphabetic), "{text:?}: {words:?}");
        assert!(words.chars().count() <= Sentence::MAX_CHARS, "{text:?}: {words:?}");
        assert!(
            !words.contains(['\n', '[', ']', '<', '>', '&', '%', '/', '@', '=', '+']),
            "{text:?}: {words:?}"
        );
    }
    let (mut source, mut spoken) = (0, 0);
    let mut covered = BTreeSet::new();
    for span in said.spans() {
        assert!(span.source.start >= source && span.source.end >= span.source.start, "{text:?}: {span:?}");
        assert!(span.spoken.start >= spoken && span.spoken.end >= span.spoken.start, "{text:?}: {span:?}");
        assert!(text.get(span.source.clone()).is_some(), "{text:?}: {span:?} cuts a character");
        assert!(said.text().get(span.spoken.clone()).is_some(), "{text:?}: {span:?} cuts a character");
        (source, spoken) = (span.source.end, span.spoken.end);
        covered.extend(span.source.clone());
    }
    for (at, c) in text.char_indices() {
        // A mark belongs to its letter, and an apostrophe may be encoded as a letter.
        let letter =
            c.is_alphabetic() && !c.is_numeric() && canonical_combining_class(c) == 0 && c != '\u{2bc}';
        let speakable = letter || c.is_ascii_digit();
        assert!(!speakable || covered.contains(&at), "{text:?}: {c:?} at {at} is in no span");
    }
    for finding in normalizer.audit(text) {
        assert!(text.get(finding.bytes.clone()).is_some(), "{text:?}: {finding:?}");
        let chars = text[..finding.bytes.start].chars().count()..text[..finding.bytes.end].chars().count();
        assert_eq!(finding.chars, chars, "{text:?}");
    }
}

/// A small generator of its own: proptest's are too slow for millions.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

const PIECES: &[&str] = &[
    "0",
    "1",
    "5",
    "12",
    "30",
    "31",
    "007",
    "1975",
    "2025",
    "118.500",
    "1.250.000",
    "12345678901234567890",
    "2,5",
    ".",
    ",",
    ";",
    ":",
    "!",
    "?",
    "/",
    "-",
    "–",
    "+",
    "*",
    "#",
    "%",
    "‰",
    "°",
    "²",
    "³",
    "½",
    "(",
    ")",
    "[[",
    "]]",
    "\"",
    "'",
    "&",
    "@",
    "$",
    "€",
    "₫",
    "<",
    ">",
    "=",
    "~",
    "…",
    "\n",
    "\n\n",
    " ",
    " ",
    " ",
    "\u{a0}",
    "\u{200b}",
    "h",
    "g",
    "p",
    "giờ",
    "phút",
    "ngày",
    "tháng",
    "năm",
    "quý",
    "thứ",
    "mùng",
    "âm lịch",
    "từ",
    "đến",
    "trên",
    "km",
    "km/h",
    "m3/s",
    "đ",
    "đ/kg",
    "k",
    "tr",
    "tỷ",
    "triệu",
    "đồng",
    "USD",
    "x",
    "xxx",
    "IV",
    "XIV",
    "iii",
    "QĐ-TTg",
    "NĐ-CP",
    "QH15",
    "UBTVQH",
    "UBND",
    "TT&TT",
    "LĐ-TB&XH",
    "TP.",
    "P.",
    "H.",
    "T",
    "CN",
    "N",
    "E",
    "B",
    "K'Ho",
    "H'",
    "COVID-19",
    "A",
    "A1",
    "H5N1",
    "NPK",
    "BĐ",
    "QL",
    "ĐT",
    "Km",
    "www.",
    "http://",
    ".vn",
    "a@b.vn",
    "gọi",
    "số",
    "tỷ số",
    "thắng",
    "tỷ lệ",
    "biển số",
    "CCCD",
    "v.v.",
    "đ/c",
    "hạng",
    "điểm",
    "xã",
    "hoà",
    "Uỷ",
    "quý",
    "é",
    "e\u{301}\u{323}",
    "日本",
    "ไทย",
    "٣",
    "๔",
    "Ⅳ",
    "①",
    "𝟜",
    "🎉",
    "\u{0}",
    "hello world",
    "ß",
    "ﬁ",
    "Ǆ",
    "İ",
    "ŉ",
];

fn made_of_pieces(dice: &mut Dice) -> String {
    (0..dice.below(24)).map(|_| PIECES[dice.below(PIECES.len())]).collect()
}

fn mutated(dice: &mut Dice, lines: &[&str]) -> String {
    let mut letters: Vec<char> = lines[dice.below(lines.len())].chars().collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(letters.len() + 1);
        match dice.below(4) {
            0 if at < letters.len() => _ = letters.remove(at),
            1 => letters.insert(at, char::from(b' ' + dice.below(95) as u8)),
            2 => {
                let piece: Vec<char> = PIECES[dice.below(PIECES.len())].chars().collect();
                letters.splice(at..at, piece);
            }
            _ if at < letters.len() => {
                let other = dice.below(letters.len());
                letters.swap(at, other);
            }
            _ => {}
        }
    }
    letters.into_iter().collect()
}

#[test]
fn made_and_mutated_inputs_are_read() {
    let count: usize =
        std::env::var("LOA_NORMALIZE_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let lines: Vec<&str> =
        include_str!("cases.tsv").lines().filter_map(|line| line.split('\t').nth(1)).collect();
    let readers = [Region::North, Region::South]
        .map(|region| Normalizer::new(Options::of(region), &Default::default()));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for index in 0..count {
        let text = if index % 2 == 0 { made_of_pieces(&mut dice) } else { mutated(&mut dice, &lines) };
        hold(&readers[index % readers.len()], &text);
    }
}

#[test]
fn every_character_is_read() {
    let normalizer = Normalizer::default();
    for c in '\0'..=char::MAX {
        hold(&normalizer, &c.to_string());
    }
}

#[test]
fn half_a_megabyte_of_digits_is_read() {
    let normalizer = Normalizer::default();
    for piece in [
        "1", "1.", "1,", "1/", "1-", "1:", "1h", "0 ", "1 ", "10 000 ", "12-", "a.", "a@", "A1", "IV,",
        "I, ", "A&", "xx", "*1", "(0263) ", "1/2/", "5/", "0912.", "+84 ", "T2, ", "...", "1m2 ", "đ/", "v.",
        "ngày ", "12/10-", "°'", "\"", "½",
    ] {
        let text = piece.repeat(500_000 / piece.len());
        let said = normalizer.normalize(&text);
        assert!(!said.text().chars().any(char::is_numeric), "{piece}");
        assert!(said.spans().len() <= text.len());
    }
}

#[test]
fn an_unread_number_is_said_digit_by_digit() {
    let said = Normalizer::default().normalize(&"7".repeat(500));
    assert_eq!(said.text().split(' ').count(), 500);
    assert!(said.text().split(' ').all(|word| word == "bảy"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_string_is_read(text in any::<String>()) {
        hold(&Normalizer::default(), &text);
    }

    #[test]
    fn anything_that_looks_like_numbers_is_read(
        text in "([0-9]{1,12}|[-/.,:%°²() ]|h|giờ|km|đ|tr|ngày|IV|TP|NĐ|CP|UBND|\n){1,40}"
    ) {
        hold(&Normalizer::default(), &text);
    }
}
