//! Which listed languages somebody may have meant: by another code, by a name, or by a slip of the finger.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Listed;

/// Most languages that are suggested.
const MOST: usize = 3;
/// How alike a text and a name have to be, from 0 to 1.
const LIKENESS: f64 = 0.6;
/// Longer texts are no name of a language.
const LONGEST_CHARS: usize = 40;

/// The languages that a text may mean, the likeliest first; those alone that it names, if it names any.
pub(super) fn nearest<'a>(languages: &'a [Listed], text: &str) -> Vec<&'a Listed> {
    if text.chars().count() > LONGEST_CHARS {
        return Vec::new();
    }
    // `vi-VN`, `vi_VN`: the code is what comes first.
    let primary = text.split(['-', '_']).next().unwrap_or_default();
    let typed = [fold(text), fold(primary), without_word(&fold_words(text))];
    let typed: Vec<&str> = typed.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let mut found: Vec<(f64, &Listed)> = languages
        .iter()
        .map(|listed| {
            let alike = names(listed).flat_map(|name| {
                typed.iter().map(move |typed| strsim::normalized_damerau_levenshtein(typed, &name))
            });
            (alike.fold(0.0, f64::max), listed)
        })
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let is_named = found.first().is_some_and(|(likeness, _)| *likeness >= 1.0);
    found.retain(|(likeness, _)| !is_named || *likeness >= 1.0);
    found.into_iter().map(|(_, listed)| listed).take(MOST).collect()
}

fn names(listed: &Listed) -> impl Iterator<Item = String> + '_ {
    let own = listed.own.iter();
    let texts = [&listed.vi, &listed.en].into_iter().chain(own).chain(&listed.also);
    let people = listed.people.split(',').map(fold);
    std::iter::once(listed.code.as_str().to_owned())
        .chain(texts.map(|text| fold(text)))
        .chain(people)
        .filter(|name| !name.is_empty())
}

/// A text without what people leave out: marks, blanks, hyphens, apostrophes, capitals.
fn fold(text: &str) -> String {
    fold_words(text).replace(' ', "")
}

fn fold_words(text: &str) -> String {
    let plain =
        text.nfd().filter(|c| !is_combining_mark(*c)).map(|c| if matches!(c, 'đ' | 'Đ') { 'd' } else { c });
    plain.flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() || *c == ' ').collect()
}

/// `tieng ma` means `ma`.
fn without_word(folded: &str) -> String {
    folded.trim().strip_prefix("tieng ").unwrap_or_default().replace(' ', "")
}
