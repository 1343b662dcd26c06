//! Reads tokens from left to right: at each place the first rule that fits says what is spoken.
//!
//! Each rule looks at a bounded number of tokens, and every step consumes at least one: the time is linear.

use super::lexer::{self, Kind, Token};
use super::spoken::Builder;
use super::view::View;
use super::{calendar, documents, numbers, quantities, tables};

/// Words in front of which capitals like IV are a number.
const ROMAN_CUES: &[&str] = &[
    "quý", "chương", "mục", "phần", "khóa", "khoá", "lần", "thứ", "kỳ", "cấp", "loại", "hạng", "kỷ", "kỉ",
    "lục", "khoản", "đoạn", "đợt", "tập", "vùng", "nhóm", "bậc", "tiết", "đội", "phụ",
];

pub(super) fn read(tokens: &[Token<'_>], out: &mut Builder) {
    let view = View(tokens);
    let mut at = 0;
    while at < tokens.len() {
        let next = match tokens[at].kind {
            Kind::Space => at + 1,
            Kind::Newline => newline(view, at, out),
            Kind::Digits => digits(view, at, out),
            Kind::Word => word(view, at, out),
            Kind::Mark(mark) => self::mark(view, at, mark, out),
        };
        at = next.max(at + 1);
    }
}

/// An empty line ends a paragraph; a single one ends a sentence, unless the text was only wrapped there.
fn newline(view: View<'_>, at: usize, out: &mut Builder) -> usize {
    let mut next = at;
    let mut count = 0;
    while matches!(view.kind(next), Some(Kind::Newline | Kind::Space)) {
        count += usize::from(view.kind(next) == Some(Kind::Newline));
        next += 1;
    }
    let wrapped = view.word(next).and_then(|word| word.chars().next()).is_some_and(char::is_lowercase);
    if count > 1 {
        out.end_paragraph();
    } else if !wrapped {
        out.end_sentence('.');
    }
    next
}

fn digits(view: View<'_>, at: usize, out: &mut Builder) -> usize {
    if let Some(next) = list_number(view, at) {
        out.words(&numbers::cardinal(view.digits(at).unwrap_or_default()));
        out.comma();
        return next;
    }
    let reading = documents::document(view, at)
        .or_else(|| quantities::code(view, at))
        .or_else(|| calendar::date(view, at))
        .or_else(|| calendar::time(view, at))
        .or_else(|| quantities::quantity(view, at));
    match reading {
        Some(reading) => {
            out.words(&reading.words);
            reading.next
        }
        None => at + 1,
    }
}

/// "1. " or "1) " at the start of a line counts the items of a list.
fn list_number(view: View<'_>, at: usize) -> Option<usize> {
    let marked = view.is_mark(at + 1, '.') || view.is_mark(at + 1, ')');
    let short = view.digits(at).is_some_and(|digits| digits.len() <= 2);
    (short && marked && view.at_line_start(at) && view.is_space(at + 2)).then_some(at + 2)
}

fn word(view: View<'_>, at: usize, out: &mut Builder) -> usize {
    let text = view.word(at).unwrap_or_default();
    if let Some(next) = dotted(view, at, text, out) {
        return next;
    }
    if let Some(next) = road(view, at, text, out) {
        return next;
    }
    if view.is_mark(at + 1, '&')
        && let Some(second) = view.word(at + 2)
    {
        let pair = format!("{text}&{second}");
        if let Some(long) = tables::abbreviation(&pair) {
            out.words(long);
            return at + 3;
        }
    }
    if text == "BCH"
        && view
            .word(view.skip_space(at + 1))
            .is_some_and(|next| matches!(next, "PCTT" | "PCLB" | "PTDS" | "quân" | "QS" | "Quân"))
    {
        out.words("Ban chỉ huy");
        return at + 1;
    }
    if let Some(value) = roman(view, at, text) {
        out.words(&if value == 1 && view.word_before(at).as_deref() == Some("thứ") {
            "nhất".to_owned()
        } else {
            numbers::month(value)
        });
        if let Some(year) = calendar::slash_year(view, at + 1) {
            out.words(&year.words);
            return year.next;
        }
        return at + 1;
    }
    match tables::abbreviation(text).map(str::to_owned).or_else(|| tables::spelled(text)) {
        Some(long) => out.words(&long),
        None => out.words(text),
    }
    // COVID-19: a dash between a name and its number is not said.
    if view.is_mark(at + 1, '-') && view.digits(at + 2).is_some() { at + 2 } else { at + 1 }
}

fn roman(view: View<'_>, at: usize, text: &str) -> Option<u64> {
    let letters = text.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C' | 'M'));
    let cue = view.word_before(at).is_some_and(|before| ROMAN_CUES.contains(&&*before));
    if !letters || !cue || matches!(text, "L" | "C" | "M") {
        return None;
    }
    numbers::roman(text)
}

/// "TP. Đà Lạt", "TP.HCM", "P.4", "PGS.TS Trần Cường": the dot belongs to the word.
fn dotted(view: View<'_>, at: usize, text: &str, out: &mut Builder) -> Option<usize> {
    let long = tables::dotted(text)?;
    let has_dot = view.is_mark(at + 1, '.');
    let behind = if has_dot { at + 2 } else { at + 1 };
    let follows = view.skip_space(behind);
    let named = view.digits(follows).is_some()
        || view.word(follows).and_then(|word| word.chars().next()).is_some_and(char::is_uppercase);
    // A person's or a place's name begins with one capital; "TT" before more capitals is a heading's own.
    if !named
        || (!has_dot
            && (!tables::dot_is_optional(text) || (follows == behind && view.digits(follows).is_none())))
    {
        return None;
    }
    out.words(long);
    if let Some(place) = view.word(follows).and_then(tables::place) {
        out.words(place);
        return Some(follows + 1);
    }
    Some(behind)
}

/// QL20, ĐT.725, QL 27C.
fn road(view: View<'_>, at: usize, text: &str, out: &mut Builder) -> Option<usize> {
    let long = match text {
        "QL" => "quốc lộ",
        "ĐT" => "đường tỉnh",
        "TL" => "tỉnh lộ",
        _ => return None,
    };
    let behind =
        if view.is_mark(at + 1, '.') || view.is_mark(at + 1, '-') { at + 2 } else { view.skip_space(at + 1) };
    match view.digits(behind) {
        Some(digits) if digits.len() <= 4 => {
            out.words(long);
            out.words(&numbers::cardinal(digits));
            Some(behind + 1)
        }
        _ if text == "ĐT" => {
            out.words("điện thoại");
            Some(at + 1)
        }
        _ => None,
    }
}

fn mark(view: View<'_>, at: usize, mark: char, out: &mut Builder) -> usize {
    let number_next = view.digits(at + 1).is_some() || view.digits(view.skip_space(at + 1)).is_some();
    match mark {
        '.' | '…' => return dot(view, at, out),
        '!' | '?' => out.end_sentence(mark),
        ',' | ';' | ':' | '(' | ')' => out.comma(),
        '-' => dash(view, at, out),
        '/' => {
            if let Some(reading) = quantities::per_word(view, at) {
                out.words(&reading.words);
                return reading.next;
            }
            if let Some(reading) =
                calendar::slash_year(view, at).filter(|_| at > 0 && view.digits(at - 1).is_some())
            {
                out.words(&reading.words);
                return reading.next;
            }
        }
        '&' => out.words("và"),
        '@' => out.words("a còng"),
        '%' => out.words("phần trăm"),
        '‰' => out.words("phần nghìn"),
        '°' => out.words("độ"),
        '½' => out.words("một phần hai"),
        '¼' => out.words("một phần tư"),
        '¾' => out.words("ba phần tư"),
        '+' if number_next && !view.at_line_start(at) => out.words("cộng"),
        '=' if number_next => out.words("bằng"),
        '~' | '≈' if number_next => out.words("khoảng"),
        '±' if number_next => out.words("cộng trừ"),
        '≥' if number_next => out.words("lớn hơn hoặc bằng"),
        '≤' if number_next => out.words("nhỏ hơn hoặc bằng"),
        '>' if number_next => out.words("lớn hơn"),
        '<' if number_next => out.words("nhỏ hơn"),
        '×' if number_next => out.words("nhân"),
        _ => {}
    }
    at + 1
}

/// A full stop, the dots of an omission, or the "chấm" of an address.
fn dot(view: View<'_>, at: usize, out: &mut Builder) -> usize {
    let mut next = at;
    while view.is_mark(next, '.') || view.is_mark(next, '…') {
        next += 1;
    }
    let omission = next - at > 1 || view.is_mark(at, '…');
    let small = |word: &str| word.chars().next().is_some_and(char::is_lowercase);
    if omission {
        let goes_on = view.word(view.skip_space(next)).is_some_and(small);
        if goes_on {
            out.comma()
        } else {
            out.end_sentence('.')
        }
        return next;
    }
    let touches = at > 0 && matches!(view.kind(at - 1), Some(Kind::Word | Kind::Digits));
    match view.kind(next) {
        // lamdong.gov.vn, 1.2.3; but "họp.Đề nghị" only lacks a blank.
        Some(Kind::Digits) if touches => out.words("chấm"),
        Some(Kind::Word) if touches && view.word(next).is_some_and(small) => out.words("chấm"),
        _ => out.end_sentence('.'),
    }
    next
}

fn dash(view: View<'_>, at: usize, out: &mut Builder) {
    let spaced_before =
        at == 0 || matches!(view.kind(at - 1), Some(Kind::Space | Kind::Newline | Kind::Mark('(')));
    if view.at_line_start(at) {
        // A bullet.
    } else if spaced_before && view.digits(at + 1).is_some() {
        out.words("âm");
    } else if spaced_before || view.is_space(at + 1) {
        out.comma();
    }
}

/// Tokens of a text whose look-alikes were folded, read into sentences.
pub(super) fn read_text(text: &str, out: &mut Builder) {
    read(&lexer::tokens(text), out);
}
