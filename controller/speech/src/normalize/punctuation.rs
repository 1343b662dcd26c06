//! What stands between words: ends of sentences and lines, pauses, and signs that are said.

use std::ops::Range;

use super::builder::Builder;
use super::class::Class;
use super::lexer::Kind;
use super::view::View;

/// An empty line ends a paragraph; a single one ends a sentence, unless the text was only wrapped there.
pub(super) fn newline(view: View<'_>, at: usize, out: &mut Builder) -> usize {
    let mut next = at;
    let mut count = 0;
    while matches!(view.kind(next), Some(Kind::Newline | Kind::Space)) {
        count += usize::from(view.kind(next) == Some(Kind::Newline));
        next += 1;
    }
    // "a) ..." is an item of a list, other small letters go on with the line.
    let is_item = matches!(view.mark(next + 1), Some(')' | '.'));
    let wrapped =
        !is_item && view.word(next).and_then(|word| word.chars().next()).is_some_and(char::is_lowercase);
    if count > 1 {
        out.end_paragraph();
    } else if !wrapped {
        out.end_line();
    }
    next
}

/// A sign that no rule reads.
pub(super) fn mark(
    view: View<'_>,
    at: usize,
    mark: char,
    out: &mut Builder,
    source_of: &dyn Fn(usize, usize) -> Range<usize>,
) -> usize {
    if let Some(words) = said(view, at, mark) {
        out.words(Class::Symbol, source_of(at, at + 1), words, false);
        return at + 1;
    }
    match mark {
        '.' | '…' => return dot(view, at, out, source_of),
        '!' | '?' => out.end_sentence(Some(mark)),
        ',' | ';' | ':' => out.pause(mark),
        '(' | ')' => out.pause(','),
        '-' => dash(view, at, out),
        // "nam/nữ", "xã/phường": one or the other.
        '/' => out.pause(','),
        '"' | '\'' | '*' | '•' | '·' => {}
        '+' if view.at_line_start(at) => {}
        _ => out.words(Class::Unspoken, source_of(at, at + 1), "", false),
    }
    at + 1
}

/// The words of a sign that is said, alone or beside a number.
fn said(view: View<'_>, at: usize, mark: char) -> Option<&'static str> {
    let behind = view.skip_space(at + 1);
    let number = view.digits(behind).is_some();
    let in_line = !view.at_line_start(at);
    Some(match mark {
        '&' if in_line => "và",
        '@' => "a còng",
        '%' => "phần trăm",
        '‰' => "phần nghìn",
        '°' => "độ",
        '$' => "đô la",
        '€' => "ơ rô",
        '₫' => "đồng",
        '²' => "bình phương",
        '³' => "lập phương",
        '+' if in_line && (number || view.word(behind).is_some()) => "cộng",
        // "hệ 9+"
        '+' if at > 0 && view.digits(at - 1).is_some() => "cộng",
        '+' | '-' if has_rhesus(view, at) => {
            if mark == '+' {
                "cộng"
            } else {
                "âm"
            }
        }
        '=' if in_line => "bằng",
        '~' | '≈' if number && view.follows(at, &["khoảng"]) => "",
        '~' | '≈' if number => "khoảng",
        '±' if number => "cộng trừ",
        '≥' => "lớn hơn hoặc bằng",
        '≤' => "nhỏ hơn hoặc bằng",
        '>' if view.is_mark(at + 1, '=') => "lớn hơn hoặc",
        '<' if view.is_mark(at + 1, '=') => "nhỏ hơn hoặc",
        '>' if number => "lớn hơn",
        '<' if number => "nhỏ hơn",
        '×' if number => "nhân",
        '÷' if number => "chia",
        'Ω' => "ôm",
        '→' if number => "đến",
        '№' => "số",
        _ => return None,
    })
}

/// "nhóm máu AB-", "O+", "Rh-": the sign belongs to the group of blood.
fn has_rhesus(view: View<'_>, at: usize) -> bool {
    let Some(group) = at.checked_sub(1) else { return false };
    let ends = view.is_gap(at + 1) || matches!(view.mark(at + 1), Some(',' | '.' | ';' | ')' | ':'));
    let of_blood =
        || matches!(view.token(group), "A" | "B" | "O" | "AB") && view.has_cue(at, 8, &["máu", "nhóm"]);
    ends && (view.token(group) == "Rh" || of_blood())
}

/// A full stop, the dots of an omission, or the "chấm" of an address.
fn dot(
    view: View<'_>,
    at: usize,
    out: &mut Builder,
    source_of: &dyn Fn(usize, usize) -> Range<usize>,
) -> usize {
    let mut next = at;
    while view.is_mark(next, '.') || view.is_mark(next, '…') {
        next += 1;
    }
    let omission = next - at > 1 || view.is_mark(at, '…');
    let small = |word: &str| word.chars().next().is_some_and(char::is_lowercase);
    if omission {
        // "lúa, ngô ... và rau": the sentence goes on. A line to be filled in ("....") is a pause too.
        let goes_on = view.word(view.skip_space(next)).is_some_and(small)
            || view.mark(view.skip_space(next)) == Some(',');
        if goes_on {
            out.pause(',')
        } else {
            out.end_sentence(Some('.'))
        }
        return next;
    }
    // "chị Nguyễn Thị T. (sinh năm 1990)": the dot is a name's.
    let of_a_name = at > 0 && view.shape(at - 1).is_some_and(|shape| shape.letters == 1 && shape.capitalised);
    if of_a_name && view.is_mark(view.skip_space(next), '(') {
        out.pause(',');
        return next;
    }
    let touches = at > 0 && matches!(view.kind(at - 1), Some(Kind::Word(_) | Kind::Digits));
    let chained = match view.kind(next) {
        Some(Kind::Digits) => touches,
        // "họp.Đề nghị" only lacks a blank; "họp.đề nghị" too, unless both are letters of an address.
        Some(Kind::Word(_)) => {
            touches
                && view.word(next).is_some_and(|word| small(word) && word.is_ascii())
                && view.token(at - 1).is_ascii()
        }
        Some(Kind::Space | Kind::Newline | Kind::Mark(_)) | None => false,
    };
    if chained {
        out.words(Class::Symbol, source_of(at, next), "chấm", false);
    } else {
        out.end_sentence(Some('.'));
    }
    next
}

/// A dash with blanks beside it is a pause; between two words it's nothing; at the start of a line it's a bullet.
fn dash(view: View<'_>, at: usize, out: &mut Builder) {
    let before = at == 0 || matches!(view.kind(at - 1), Some(Kind::Space | Kind::Newline | Kind::Mark('(')));
    if !view.at_line_start(at) && (before || view.is_gap(at + 1)) {
        out.pause(',');
    }
}
