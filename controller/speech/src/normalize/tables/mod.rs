//! What has to be known rather than worked out: tables of words, compiled in.
//!
//! Each is a file of tab-separated columns; `#` begins a remark. Where a short form stands several times, the first row whose
//! context holds is taken, so the row without a context comes last.

use std::sync::LazyLock;

use super::view::View;

/// Rows by their first column.
pub(super) struct Table<R> {
    rows: Vec<(&'static str, R)>,
}

impl<R> Table<R> {
    fn new(text: &'static str, row: impl Fn(&[&'static str]) -> R) -> Self {
        let mut rows: Vec<(&'static str, R)> = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let columns: Vec<&'static str> = line.split('\t').collect();
                (columns[0], row(&columns[1..]))
            })
            .collect();
        // Stable: rows of one key stay in the order of the file.
        rows.sort_by_key(|(key, _)| *key);
        Self { rows }
    }

    /// The rows of a key, in the order of the file.
    fn all(&self, key: &str) -> &[(&'static str, R)] {
        let from = self.rows.partition_point(|(known, _)| *known < key);
        let count = self.rows[from..].iter().take_while(|(known, _)| *known == key).count();
        &self.rows[from..from + count]
    }

    fn get(&self, key: &str) -> Option<&R> {
        self.all(key).first().map(|(_, row)| row)
    }
}

fn column(columns: &[&'static str], index: usize) -> &'static str {
    columns.get(index).copied().unwrap_or_default()
}

macro_rules! words_table {
    ($(#[$doc:meta])* $name:ident, $table:ident, $file:literal) => {
        static $table: LazyLock<Table<&'static str>> =
            LazyLock::new(|| Table::new(include_str!($file), |columns| column(columns, 0)));

        $(#[$doc])*
        pub(super) fn $name(key: &str) -> Option<&'static str> {
            $table.get(key).copied()
        }
    };
}

words_table! {
    /// Who issues documents, by a part of the number: "TTg" is the "Thủ tướng Chính phủ".
    issuer, ISSUERS, "issuers.tsv"
}
words_table! {
    /// What a document is, by a part of its number: "QĐ" is a "Quyết định".
    document, DOCUMENTS, "documents.tsv"
}
words_table! {
    /// A place whose name is written short: "HCM".
    place, PLACES, "places.tsv"
}
words_table! {
    /// Parts of web and e-mail addresses that aren't said as they are written.
    address_part, ADDRESS_PARTS, "addresses.tsv"
}
words_table! {
    /// Short forms with a stroke: "đ/c", "v/v".
    stroke, STROKES, "strokes.tsv"
}

static NAMES: LazyLock<Table<()>> = LazyLock::new(|| Table::new(include_str!("names.tsv"), |_| ()));

/// Whether a word (small letters) is no syllable and yet well known: parts of names in the highlands, loan words.
pub(super) fn name(word: &str) -> bool {
    NAMES.get(word).is_some()
}

static LETTERS: LazyLock<Table<&'static str>> =
    LazyLock::new(|| Table::new(include_str!("letters.tsv"), |columns| column(columns, 0)));

/// The name of a letter, capital or small.
pub(super) fn letter(letter: char) -> Option<&'static str> {
    let mut bytes = [0; 4];
    let mut upper = letter.to_uppercase();
    let upper = upper.next().unwrap_or(letter);
    LETTERS.get(upper.encode_utf8(&mut bytes)).copied()
}

/// A unit of measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) kind: UnitKind,
    /// It's a unit only where it touches its number: "5 k" is nothing.
    pub(super) touches: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    /// Metres, litres, volts.
    Measure,
    /// Hours, minutes, seconds.
    Time,
    /// đồng, dollars.
    Money,
    /// Thousands, millions: what is counted may follow.
    Scale,
}

static UNITS: LazyLock<Table<Unit>> = LazyLock::new(|| {
    Table::new(include_str!("units.tsv"), |columns| Unit {
        name: column(columns, 0),
        kind: match column(columns, 1) {
            "time" => UnitKind::Time,
            "money" => UnitKind::Money,
            "scale" => UnitKind::Scale,
            _ => UnitKind::Measure,
        },
        touches: column(columns, 2) == "touches",
    })
});

/// A unit by its symbol. Spelling counts; failing that, two letters and more may be in any case.
pub(super) fn unit(symbol: &str) -> Option<Unit> {
    UNITS
        .get(symbol)
        .or_else(|| {
            let letters = symbol.chars().count();
            (2..=4).contains(&letters).then(|| UNITS.get(&symbol.to_lowercase())).flatten()
        })
        .copied()
}

/// A short form with what must stand around it.
struct ShortForm {
    spoken: &'static str,
    before: &'static str,
    after: &'static str,
}

static ABBREVIATIONS: LazyLock<Table<ShortForm>> = LazyLock::new(|| {
    Table::new(include_str!("abbreviations.tsv"), |columns| ShortForm {
        spoken: column(columns, 0),
        before: column(columns, 1),
        after: column(columns, 2),
    })
});

/// What a short form stands for between the tokens in front of `at` and from `next` on.
pub(super) fn abbreviation(view: View<'_>, short: &str, at: usize, next: usize) -> Option<&'static str> {
    ABBREVIATIONS
        .all(short)
        .iter()
        .map(|(_, row)| row)
        .find(|row| {
            let behind = view.skip_space(next);
            (row.before.is_empty()
                || view.before(at).is_some_and(|before| holds_before(view, row.before, before)))
                && (row.after.is_empty() || holds_after(view, row.after, behind))
        })
        .map(|row| row.spoken)
}

/// What a short form stands for, whatever is around it.
pub(super) fn plain_abbreviation(short: &str) -> Option<&'static str> {
    let rows = ABBREVIATIONS.all(short);
    rows.iter()
        .map(|(_, row)| row)
        .find(|row| row.before.is_empty() && row.after.is_empty())
        .map(|row| row.spoken)
}

/// Over a comma or a colon too: in "CB, CC, VC" each stands beside the others, "Lưu: VT" files.
fn holds_before(view: View<'_>, context: &str, at: usize) -> bool {
    holds(view, context, at)
        || (matches!(view.mark(at), Some(',' | ':'))
            && view.before(at).is_some_and(|other| context != "#" && holds(view, context, other)))
}

fn holds_after(view: View<'_>, context: &str, at: usize) -> bool {
    let behind = view.skip_space(at + 1);
    holds(view, context, at)
        || (view.is_mark(at, ',') && holds(view, context, behind))
        || (view.is_mark(at, ':') && context.contains("##") && is_long_number(view, behind))
}

/// Whether digits stand here that are too many for a count, in groups or not.
fn is_long_number(view: View<'_>, at: usize) -> bool {
    let grouped = |at: usize| matches!(view.mark(at), Some('.' | '-')) || view.is_space(at);
    let mut next = at;
    let mut digits = 0;
    while let Some(group) = view.digits(next) {
        digits += group.len();
        if digits >= LONG_NUMBER_DIGITS {
            return true;
        }
        if !grouped(next + 1) {
            break;
        }
        next += 2;
    }
    false
}

/// Fewest digits of what can only be an account's or a file's number.
const LONG_NUMBER_DIGITS: usize = 8;

/// How far in front a word of a context with `<` is looked for.
const NEAR_WORDS: usize = 6;

/// Whether the token at `at` is one of the choices of a context: words in lower case, digits for that number, `#` for any, `##` for
/// a long one (also over a colon), `^` for a
/// word with a capital, `.` for the end of a sentence,
/// `<` in front of a word that may stand up to [`NEAR_WORDS`] words further in front.
fn holds(view: View<'_>, context: &str, at: usize) -> bool {
    context.split('|').any(|choice| match choice {
        "#" => view.digits(at).is_some(),
        "##" => is_long_number(view, at),
        "^" => view.shape(at).is_some_and(|shape| shape.capitalised),
        "." => view.word(at).is_none() && view.digits(at).is_none(),
        near if near.starts_with('<') => view.has_cue(at + 1, NEAR_WORDS, &[&near[1..]]),
        word => view.is_word(at, &[word]) || (view.digits(at) == Some(word)),
    })
}

/// A title or a level of place that takes a dot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Title {
    pub(super) spoken: &'static str,
    /// It's one without its dot too.
    pub(super) dotless: bool,
}

static TITLES: LazyLock<Table<Title>> = LazyLock::new(|| {
    Table::new(include_str!("titles.tsv"), |columns| Title {
        spoken: column(columns, 0),
        dotless: column(columns, 1) == "dotless",
    })
});

pub(super) fn title(short: &str) -> Option<Title> {
    TITLES.get(short).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<R>(table: &Table<R>, spoken: impl Fn(&R) -> &'static str, what: &str) {
        assert!(!table.rows.is_empty());
        for (key, row) in &table.rows {
            let said = spoken(row);
            assert!(!key.trim().is_empty() && key.trim() == *key, "{what}: {key:?}");
            assert!(said.chars().any(char::is_alphabetic), "{what}: {key}");
            assert!(said.chars().all(|c| c.is_alphabetic() || c == ' ' || c == ','), "{what}: {key}: {said}");
            assert!(!said.starts_with(' ') && !said.ends_with(' ') && !said.contains("  "), "{what}: {key}");
        }
    }

    #[test]
    fn what_is_said_is_words() {
        check(&ISSUERS, |said| said, "issuers");
        check(&DOCUMENTS, |said| said, "documents");
        check(&PLACES, |said| said, "places");
        check(&ADDRESS_PARTS, |said| said, "addresses");
        check(&STROKES, |said| said, "strokes");
        check(&LETTERS, |said| said, "letters");
        check(&UNITS, |unit| unit.name, "units");
        check(&ABBREVIATIONS, |row| row.spoken, "abbreviations");
        check(&TITLES, |title| title.spoken, "titles");
    }

    #[test]
    fn no_row_is_hidden_by_another() {
        fn doubles<R>(table: &Table<R>, what: &str) {
            for pair in table.rows.windows(2) {
                assert_ne!(pair[0].0, pair[1].0, "{what}");
            }
        }
        doubles(&ISSUERS, "issuers");
        doubles(&DOCUMENTS, "documents");
        doubles(&PLACES, "places");
        doubles(&ADDRESS_PARTS, "addresses");
        doubles(&STROKES, "strokes");
        doubles(&LETTERS, "letters");
        doubles(&NAMES, "names");
        doubles(&UNITS, "units");
        doubles(&TITLES, "titles");
        for pair in ABBREVIATIONS.rows.windows(2) {
            let [(first, before), (second, after)] = pair else { continue };
            let open = before.before.is_empty() && before.after.is_empty();
            assert!(first != second || !open, "{first}: {} hides {}", before.spoken, after.spoken);
        }
    }
}
