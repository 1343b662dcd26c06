//! Roman numerals, where something says that the letters are one: "quý IV", "Đại hội XIV", "lần thứ II".

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::{Candidate, cues};

/// Numerals that are nothing else, with no cue in front.
const UNMISTAKABLE: &[&str] =
    &["II", "III", "IV", "VII", "VIII", "IX", "XII", "XIII", "XIV", "XVI", "XVII", "XVIII", "XIX"];

pub(super) fn roman(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let value = numeral(view, at)?;
    // "II. Nội dung": the number of a heading.
    let heads = view.at_line_start(at)
        && matches!(view.mark(at + 1), Some('.' | '/' | ')'))
        && view.is_space(at + 2)
        && view.shape(at)?.is_upper();
    if !heads && !is_numeral(view, at, 4) {
        return None;
    }
    match value {
        1 if view.follows(at, &["thứ"]) => say.say("nhất"),
        4 if view.follows(at, &["thứ", "quý"]) => say.say("tư"),
        value => say.number(value),
    };
    let mut next = at + 1;
    // "chương I-III", "quý I-II/2025".
    if let Some(second) =
        view.skip_dash(next).filter(|second| view.shape(*second).is_some_and(|shape| shape.is_upper()))
        && let Some(until) = numeral(view, second).filter(|until| *until > value)
    {
        say.say("đến").number(until);
        next = second + 1;
    }
    if view.is_mark(next, '/')
        && let Some(year) = view.exactly(next + 1, 4)
    {
        say.say("năm").year(year);
        next += 2;
    }
    Some(Candidate::cued(Class::Roman, next))
}

/// Whether the letters are a numeral here; looks back over a list ("cấp I, II và III") for at most `left` steps.
fn is_numeral(view: View<'_>, at: usize, left: usize) -> bool {
    let Some(shape) = view.shape(at) else { return false };
    let text = view.token(at);
    if !shape.is_upper() {
        let syllable = matches!(text, "vi" | "xi" | "mi" | "di" | "li" | "ci" | "dim" | "lim" | "mix");
        return view.follows(at, cues::ROMAN_SMALL) && !matches!(text, "l" | "c" | "d" | "m") && !syllable;
    }
    // Behind "điểm", "mục" and the like a single C or D is a letter.
    if matches!(text, "L" | "C" | "D" | "M") {
        return false;
    }
    if view.follows(at, cues::ROMAN) || UNMISTAKABLE.contains(&text) {
        return true;
    }
    let long = shape.letters > 1;
    if long && view.has_cue(at, 6, &["hội", "khóa"]) || view.follows(at, &["năm"]) && shape.letters > 3 {
        return true;
    }
    // In front of it another one: "I, II", "I và II".
    let Some(before) = view.before(at).filter(|_| left > 0) else { return false };
    let joint = matches!(view.mark(before), Some(',' | '-' | '/' | '+'))
        || view.is_word(before, &["và", "hoặc", "đến"]);
    joint
        && view
            .before(before)
            .is_some_and(|other| numeral(view, other).is_some() && is_numeral(view, other, left - 1))
}

/// The value of a word as a numeral.
fn numeral(view: View<'_>, at: usize) -> Option<u64> {
    view.shape(at).filter(|shape| shape.roman && shape.letters <= 15)?;
    value(view.token(at))
}

/// The value of a Roman numeral in its one correct spelling, in capitals or small letters.
pub(super) fn value(text: &str) -> Option<u64> {
    const PARTS: [(u64, &str); 13] = [
        (1_000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let lower = text.to_ascii_lowercase();
    let (mut rest, mut value) = (lower.as_str(), 0);
    for (part, letters) in PARTS {
        let most = if letters.len() == 2 || matches!(letters, "v" | "l" | "d") { 1 } else { 3 };
        let mut repeats = 0;
        while let Some(behind) = rest.strip_prefix(letters).filter(|_| repeats < most) {
            (rest, value, repeats) = (behind, value + part, repeats + 1);
        }
    }
    let mut spelled = String::new();
    let mut left = value;
    for (part, name) in PARTS {
        while left >= part {
            spelled.push_str(name);
            left -= part;
        }
    }
    (rest.is_empty() && value > 0 && spelled == lower).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roman_numerals_have_one_spelling() {
        let cases = [
            ("I", 1),
            ("IV", 4),
            ("IX", 9),
            ("XIV", 14),
            ("XIII", 13),
            ("XL", 40),
            ("MCMXCIX", 1_999),
            ("xc", 90),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in ["", "IIII", "VX", "IC", "Xa", "VV"] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
