//! Numbers of legal documents: 33/2020/QĐ-TTg is "ba mươi ba năm hai nghìn không trăm hai mươi của Thủ tướng Chính
//! phủ". The kind of document stands in front in words and isn't said twice.

use super::numbers::{cardinal, digit_by_digit, of_value};
use super::tables;
use super::view::{Reading, View};

pub(super) fn document(view: View<'_>, at: usize) -> Option<Reading> {
    let digits = view.digits(at).filter(|digits| digits.len() <= 6)?;
    if !view.is_mark(at + 1, '/') {
        return None;
    }
    let year =
        view.value(at + 2, 4).filter(|year| (1_900..=2_999).contains(year) && view.is_mark(at + 3, '/'));
    let mut next = if year.is_some() { at + 4 } else { at + 2 };
    let mut parts = vec![view.word(next).filter(|word| is_part(word))?];
    next += 1;
    // The number of a legislature: QH14.
    let mut legislature = None;
    loop {
        if let Some(value) =
            view.value(next, 2).filter(|_| parts.last().is_some_and(|part| part.ends_with("QH")))
        {
            legislature = Some(value);
            next += 1;
        }
        let Some(part) =
            view.is_mark(next, '-').then(|| view.word(next + 1)).flatten().filter(|word| is_part(word))
        else {
            break;
        };
        if parts.len() == 5 {
            break;
        }
        parts.push(part);
        next += 2;
    }
    // "3/UBND" or "12/KH-UBND" is a document, "3/A" or "5/THCS" isn't: an issuer or two parts must be there.
    let issuer = parts.iter().rev().find_map(|part| tables::issuer(part));
    if year.is_none() && issuer.is_none() && parts.len() < 2 {
        return None;
    }
    let number = if digits.starts_with('0') { digit_by_digit(digits) } else { cardinal(digits) };
    let mut words = number;
    if let Some(year) = year {
        words.push_str(&format!(" năm {}", of_value(year)));
    }
    match issuer {
        Some(issuer) => words.push_str(&format!(" của {issuer}")),
        None => parts
            .iter()
            .filter_map(|part| tables::spell(part))
            .for_each(|name| words.push_str(&format!(" {name}"))),
    }
    if let Some(legislature) = legislature {
        words.push_str(&format!(" khóa {}", of_value(legislature)));
    }
    Some(Reading { words, next })
}

/// Capitals, perhaps with a small letter at the end (TTg, NĐ).
fn is_part(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
        && word.chars().filter(|c| c.is_uppercase()).count() * 2 >= word.chars().count()
}
