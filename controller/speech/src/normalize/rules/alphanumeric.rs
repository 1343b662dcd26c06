//! Letters and digits in one: 9A1, 4G, A1, H5N1, COVID-19, COP26, ST25.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::syllable;
use super::super::tables;
use super::super::view::View;
use super::Candidate;

/// What has varieties with names of letters and digits.
const VARIETY: &[&str] = &["giống", "chè", "lúa", "ngô", "phê", "mía", "sắn", "bắp", "bơ", "riêng", "điều"];

/// Of the short forms of two letters, those that numbers touch: "QĐ263", "BĐ2". In "thẻ mã CN3, DT2" letters are letters.
const NUMBERED: &[&str] = &[
    "QĐ", "NĐ", "NQ", "CT", "KL", "TT", "TB", "KH", "CV", "BĐ", "KP", "VT", "HK", "GĐ", "ĐA", "VB", "PL",
    "KV", "CS", "NV", "TW",
];

/// Most pieces of one name.
const PIECES_MAX: usize = 8;

/// 9A1, 12A, 4G, 27C.
pub(super) fn digits_first(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let digits = view.digits(at)?;
    // "6in1": so many in one.
    if view.is_word(at + 1, &["in"]) && view.value(at, 2).is_some() && view.exactly(at + 2, 1) == Some(1) {
        say.cardinal(digits).say("trong một");
        return Some(Candidate::cued(Class::Alphanumeric, at + 3));
    }
    is_letters(view, at + 1).then_some(())?;
    say_digits(digits, say);
    let mut next = pieces(view, at + 1, say);
    // "6A1-6A5": from class to class.
    if view.is_mark(next, '-') && view.digits(next + 1).is_some() && is_letters(view, next + 2) {
        say.say("đến");
        say_digits(view.token(next + 1), say);
        next = pieces(view, next + 2, say);
    }
    Some(Candidate::new(Class::Alphanumeric, next))
}

/// A1, H5N1, COVID-19, COP26.
pub(super) fn letters_first(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let shape = view.shape(at)?;
    let word = view.token(at);
    let dash = view.is_mark(at + 1, '-') && view.digits(at + 2).is_some();
    let number = if dash { at + 2 } else { at + 1 };
    let digits = view.digits(number)?;
    // "chè TB14", "giống TR4": a variety, whatever its letters mean elsewhere.
    let variety = number == at + 1
        && (view.has_cue(at, 3, VARIETY) || (digits.len() <= 3 && view.has_cue(at, 8, &["lúa", "giống"])));
    let known = tables::abbreviation(view, word, at, number)
        .filter(|_| !variety && (shape.letters > 2 || number > at + 1 || NUMBERED.contains(&word)));
    // Small letters with a number are units and what lacks a blank ("từ10"): not a name.
    if known.is_none() && !(shape.is_upper() && shape.letters <= 6) {
        return None;
    }
    match known {
        Some(long) => say.say(long),
        None if shape.letters > 1 && syllable::is_syllable(word) => say.say(word),
        None if shape.letters == 1 => say_letter(word, say),
        None => say.letters(word),
    };
    // "PM2.5"
    if view.is_mark(number + 1, '.')
        && let Some(decimals) =
            view.digits(number + 2).filter(|decimals| decimals.len() == 1 && digits.len() == 1)
    {
        say.cardinal(digits).say("phẩy").cardinal(decimals);
        return Some(Candidate::new(Class::Alphanumeric, number + 3));
    }
    say_digits(digits, say);
    let mut next = number + 1;
    if is_letters(view, next) {
        next = pieces(view, next, say);
    } else if known.is_some() && view.shape(next).is_some_and(|shape| shape.letters == 1) {
        // "HbA1c"
        say.letters(view.token(next));
        next += 1;
    }
    // "C1-C5": from one to the other.
    if view.is_mark(next, '-') && view.token(next + 1) == word && view.digits(next + 2).is_some() {
        say.say("đến");
        match known {
            Some(long) => say.say(long),
            None => say_letter(word, say),
        };
        say_digits(view.token(next + 2), say);
        next += 3;
    }
    Some(Candidate::new(Class::Alphanumeric, next))
}

/// "B.1.1.529": a variant, whose parts stand by themselves.
pub(super) fn dotted(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let letters = view.shape(at).is_some_and(|shape| shape.is_upper() && shape.letters <= 2);
    let part = |at: usize| view.is_mark(at, '.').then(|| view.digits(at + 1)).flatten();
    if !letters || part(at + 1).is_none() || part(at + 3).is_none() {
        return None;
    }
    say.letters(view.token(at));
    let mut next = at + 1;
    while next < at + PIECES_MAX
        && let Some(digits) = part(next)
    {
        say.say("chấm").digits(digits);
        next += 2;
    }
    Some(Candidate::cued(Class::Alphanumeric, next))
}

/// Capitals that touch a number: at most three, so that "5UBND" isn't one.
fn is_letters(view: View<'_>, at: usize) -> bool {
    view.shape(at).is_some_and(|shape| shape.is_upper() && shape.letters <= 3)
}

/// Says letters and digits by turns for as long as they touch.
fn pieces(view: View<'_>, at: usize, say: &mut Saying<'_>) -> usize {
    let mut next = at;
    while next < at + PIECES_MAX {
        if is_letters(view, next) {
            let word = view.token(next);
            if view.shape(next).is_some_and(|shape| shape.letters == 1) {
                say_letter(word, say)
            } else {
                say.letters(word)
            };
        } else if let Some(digits) = view.digits(next).filter(|_| is_letters(view, next - 1)) {
            say_digits(digits, say);
        } else {
            break;
        }
        next += 1;
    }
    next
}

/// A vowel stays as it is written.
fn say_letter<'s, 'o>(letter: &str, say: &'s mut Saying<'o>) -> &'s mut Saying<'o> {
    if matches!(letter, "A" | "E" | "I" | "O" | "U") { say.say(letter) } else { say.letters(letter) }
}

/// Short numbers as one, long ones digit by digit.
fn say_digits(digits: &str, say: &mut Saying<'_>) {
    // A zero in front is said: "C06".
    if digits.len() <= 3 && !(digits.len() > 1 && digits.starts_with('0')) {
        say.cardinal(digits)
    } else {
        say.digits(digits)
    };
}
