//! What commands and languages are called. Names are compared without tone marks, capitals and double blanks, because many an
//! officer types without them, and no two names are the same then.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{Language, What};
use crate::normalize::class::Class;

/// Longest name that is looked up, in bytes as it is typed; decomposed letters take more.
const NAME_MAX_BYTES: usize = 64;
/// Heads of asides: "[Ghi chú: …]" is no command that was mistyped. As [`fold`] leaves them.
const ASIDES: &[&str] = &[
    "ghi chu",
    "luu y",
    "chu y",
    "chu thich",
    "nguon",
    "anh",
    "hinh",
    "xem",
    "theo",
    "tuc",
    "note",
    "vd",
    "tel",
    "fax",
    "dt",
    "sdt",
    "tp",
    "vi du",
    "dien thoai",
    "ngay",
    "luc",
    "gio",
    "dia chi",
    "email",
    "web",
    "zalo",
    "gom",
    "hotline",
    "lien he",
];

/// How a thing is read that could be read in several ways; the words that make its meaning plain to the rules, and what they
/// must have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalize) struct Kind {
    /// Its name in data.
    pub(in crate::normalize) name: &'static str,
    /// In front of it the rules find these words, which aren't said.
    pub(in crate::normalize) cue: &'static str,
    /// What it may turn out to be.
    pub(in crate::normalize) classes: &'static [Class],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "number",
        cue: "có ",
        classes: &[Class::Cardinal, Class::Decimal, Class::Range, Class::Ordinal, Class::Fraction],
    },
    Kind { name: "date", cue: "ngày ", classes: &[Class::Date] },
    Kind { name: "time", cue: "lúc ", classes: &[Class::Time] },
    Kind { name: "roman", cue: "khóa ", classes: &[Class::Roman] },
    Kind { name: "telephone", cue: "điện thoại ", classes: &[Class::Telephone, Class::Hotline] },
    Kind { name: "score", cue: "tỷ số ", classes: &[Class::Score] },
];

static COMMANDS: LazyLock<HashMap<String, (What, &'static str)>> = LazyLock::new(|| {
    let of = |command: &str| match command {
        "pause" => Some(What::Pause),
        "emphasis" => Some(What::Emphasis),
        "spell" => Some(What::Spell),
        "read" => Some(What::Read),
        kind => KINDS.iter().copied().find(|known| known.name == kind).map(What::As),
    };
    let lines = include_str!("names.tsv").lines().filter_map(|line| line.split_once('\t'));
    lines.filter_map(|(name, command)| Some((fold(name), (of(command)?, name)))).collect()
});

static LANGUAGES: LazyLock<HashMap<String, (Language, &'static str)>> = LazyLock::new(|| {
    let mut languages = HashMap::new();
    for line in include_str!("languages.tsv").lines() {
        let mut cells = line.split('\t');
        let (Some(tag), Some(voice), Some(vi), Some(en)) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        let language = Language { tag, has_voice: voice == "voice" };
        for name in [vi, en] {
            languages.insert(fold(name), (language, name));
        }
        languages.entry(tag.to_owned()).or_insert((language, tag));
    }
    languages
});

/// What a name stands for. `name` is as it was typed.
pub(super) fn find(name: &str) -> Option<What> {
    if name.len() > NAME_MAX_BYTES {
        return None;
    }
    let folded = fold(name);
    if let Some((what, _)) = COMMANDS.get(&folded) {
        return Some(*what);
    }
    let (language, _) = LANGUAGES.get(&folded).or_else(|| LANGUAGES.get(primary_subtag(name)?))?;
    // A code is a code in small letters alone: "[DE: …]" is somebody's short form.
    let is_code = folded == language.tag;
    (!is_code || name.trim() == language.tag).then_some(What::Language(*language))
}

/// "en" of "en-GB", where that is what the name looks like.
fn primary_subtag(name: &str) -> Option<&str> {
    let (primary, rest) = name.trim().split_once('-')?;
    let is_tag = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && rest
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    is_tag.then_some(primary)
}

/// What an unknown name is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// The beginning of an aside.
    Aside,
    /// A language that nobody knows.
    Language,
    /// A command, perhaps the one with this name.
    Command(Option<&'static str>),
}

/// What a name in front of a colon is taken for, when it is the name of nothing.
pub(super) fn stranger(name: &str) -> Stranger {
    let folded = if name.len() > NAME_MAX_BYTES { return Stranger::Aside } else { fold(name) };
    let is_wordy = folded.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '\'' | '-'));
    if folded.is_empty() || !is_wordy || folded.split(' ').count() > 4 || ASIDES.contains(&folded.as_str()) {
        return Stranger::Aside;
    }
    let near = nearest(&folded);
    let is_language = match near {
        Some(near) => near.starts_with("tiếng "),
        None => {
            folded.starts_with("tieng ")
                || ((2..=3).contains(&name.trim().len())
                    && name.trim().bytes().all(|b| b.is_ascii_lowercase()))
                || primary_subtag(name).is_some()
        }
    };
    if is_language { Stranger::Language } else { Stranger::Command(near) }
}

/// The known name that a folded one comes nearest to: one slip of the hand, two in long names.
pub(super) fn nearest(folded: &str) -> Option<&'static str> {
    let letters = folded.chars().count();
    let allowed = match letters {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    let languages = LANGUAGES.iter().map(|(known, (_, shown))| (known, *shown));
    COMMANDS
        .iter()
        .map(|(known, (_, shown))| (known, *shown))
        .chain(languages)
        .filter(|(known, _)| known.chars().count().abs_diff(letters) <= allowed)
        .map(|(known, shown)| (distance(known, folded), shown))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, shown)| shown)
}

/// Slips between two words: a letter too many, one too few, another one, two the wrong way round.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut earlier: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (line, c) in one.chars().enumerate() {
        let mut row = vec![line + 1];
        for (column, d) in other.iter().enumerate() {
            let mut slips =
                (before[column] + usize::from(c != *d)).min(row[column] + 1).min(before[column + 1] + 1);
            if column > 0 && previous == Some(*d) && other[column - 1] == c {
                slips = slips.min(earlier[column - 1] + 1);
            }
            row.push(slips);
        }
        earlier = std::mem::replace(&mut before, row);
        previous = Some(c);
    }
    before.last().copied().unwrap_or_default()
}

/// A name without tone marks and capitals, with single blanks.
pub(super) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for c in word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
            folded.push(match c {
                'đ' => 'd',
                '’' | '‘' | 'ʼ' | '`' => '\'',
                other => other,
            });
        }
    }
    folded
}

/// Every name with what it stands for, as the page for staff lists them.
#[cfg(test)]
pub(super) fn all() -> Vec<(&'static str, String)> {
    let commands = include_str!("names.tsv").lines().filter_map(|line| line.split_once('\t'));
    let mut all: Vec<(&str, String)> = commands.map(|(name, command)| (name, command.to_owned())).collect();
    for line in include_str!("languages.tsv").lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        all.extend([cells[2], cells[3]].map(|name| (name, cells[0].to_owned())));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_meaning_also_without_its_marks() {
        let all = all();
        assert!(all.len() > 80, "{}", all.len());
        let mut folded: Vec<String> = all.iter().map(|(name, _)| fold(name)).collect();
        for (name, meaning) in &all {
            let what = find(name).unwrap_or_else(|| panic!("{name} is not found"));
            assert_eq!(find(&fold(name)), Some(what), "{name} without marks");
            let found = match what {
                What::Pause => "pause",
                What::Emphasis => "emphasis",
                What::Spell => "spell",
                What::Read => "read",
                What::As(kind) => kind.name,
                What::Language(language) => language.tag,
            };
            assert_eq!(found, meaning, "{name}");
        }
        folded.sort();
        let count = folded.len();
        folded.dedup();
        assert_eq!(folded.len(), count, "two names are the same without their marks");
    }

    #[test]
    fn codes_of_languages_are_names_too() {
        for (name, tag) in [("en", "en"), ("en-GB", "en"), ("kpm", "kpm"), ("zh-Hans-CN", "zh")] {
            assert!(matches!(find(name), Some(What::Language(language)) if language.tag == tag), "{name}");
        }
        for name in ["EN", "DE", "It", "en-", "en-GB-", "english-x", "-en", "xx"] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn a_slip_is_guessed_and_an_aside_is_left_alone() {
        assert_eq!(stranger("nhấm mạnh"), Stranger::Command(Some("nhấn mạnh")));
        assert_eq!(stranger("đanh vầm"), Stranger::Command(Some("đánh vần")));
        assert_eq!(stranger("thì thầm"), Stranger::Command(None));
        assert_eq!(stranger("tiếng Sao Hỏa"), Stranger::Language);
        assert_eq!(stranger("xx"), Stranger::Language);
        for aside in ["Ghi chú", "ĐT", "Lưu ý", "", "1/2", "bà con ở các thôn phía dưới"] {
            assert_eq!(stranger(aside), Stranger::Aside, "{aside}");
        }
    }

    #[test]
    fn slips_are_counted() {
        for (one, other, slips) in [("", "", 0), ("nghi", "nghi", 0), ("nghi", "ngih", 1), ("abc", "xbcd", 2)]
        {
            assert_eq!(distance(one, other), slips, "{one} {other}");
            assert_eq!(distance(other, one), slips, "{other} {one}");
        }
    }
}
