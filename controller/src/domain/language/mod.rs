//! The languages of broadcasts: a table of those of Việt Nam, and what the operator adds to it.
//!
//! The wire carries a code and nothing else ([`Language`]); names are for people, and are here. Which languages have a
//! synthetic voice is not the table's to say: that follows from the engines of the configuration.
//!
//! **Rules.** Codes are those of BCP 47: ISO 639-1 where it has one, else ISO 639-3; each was looked up in the tables of
//! `iso-codes` 4.15. A language that is not listed is refused where a person or a program names it, with the nearest ones
//! that are; what was stored before stays as it is. For a language that ISO does not know, ISO 639-3 keeps `qaa` to `qtz`
//! for private use, which an operator can list like any other.

mod nearest;
mod needs;

use std::sync::LazyLock;

use loa_protocol::bulletin::Language;

pub use needs::{MissingLanguage, MissingLanguages, Village};

use super::message::{Message, UiLanguage};

/// A listed language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its code: `kpm`.
    pub code: Language,
    /// Vietnamese name as in “tiếng …”: `K'Ho`.
    pub vi: String,
    /// The people as the official list of Việt Nam's peoples and the Census write it: `Cơ Ho`.
    pub people: String,
    /// English name.
    pub en: String,
    /// What its speakers call it, where that is known for certain.
    pub own: Option<String>,
    /// What else people type for it.
    also: Vec<String>,
    /// What an operator should know of its code, in English; may be empty.
    pub note: String,
}

impl Listed {
    /// The name in one of the product's languages, fit for the beginning of a line: `Tiếng K'Ho`, `K'Ho`.
    pub fn name(&self, language: UiLanguage) -> String {
        match language {
            UiLanguage::Vietnamese => format!("Tiếng {}", self.vi),
            UiLanguage::English => self.en.clone(),
        }
    }
}

/// A language that the operator adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Its code.
    pub code: Language,
    /// Vietnamese name as in “tiếng …”.
    pub vi: String,
    /// English name.
    pub en: String,
}

/// The table, with what the operator added.
#[derive(Debug, Clone)]
pub struct Languages(Vec<Listed>);

impl Default for Languages {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Languages {
    /// The table with additions behind it. An addition with a listed code takes that one's place.
    pub fn with(additions: &[Addition]) -> Self {
        let mut all = TABLE.clone();
        for Addition { code, vi, en } in additions {
            let listed = Listed {
                code: code.clone(),
                vi: vi.clone(),
                people: vi.clone(),
                en: en.clone(),
                own: None,
                also: Vec::new(),
                note: String::new(),
            };
            match all.iter_mut().find(|known| known.code == *code) {
                Some(known) => *known = listed,
                None => all.push(listed),
            }
        }
        Self(all)
    }

    /// All of them: Vietnamese, those of the southern highlands, then the others.
    pub fn all(&self) -> &[Listed] {
        &self.0
    }

    /// One of them.
    pub fn get(&self, code: &str) -> Option<&Listed> {
        self.0.iter().find(|listed| listed.code.as_str() == code)
    }

    /// A language's name, for the beginning of a line; the code itself where it is not listed (an older row).
    pub fn name(&self, code: &str, language: UiLanguage) -> String {
        self.get(code).map_or_else(|| code.to_owned(), |listed| listed.name(language))
    }

    /// A language's name inside a sentence: `tiếng K'Ho`, `K'Ho`.
    pub fn name_within(&self, code: &str, language: UiLanguage) -> String {
        match (self.get(code), language) {
            (Some(listed), UiLanguage::Vietnamese) => format!("tiếng {}", listed.vi),
            (Some(listed), UiLanguage::English) => listed.en.clone(),
            (None, UiLanguage::Vietnamese) => format!("tiếng “{code}”"),
            (None, UiLanguage::English) => format!("“{code}”"),
        }
    }

    /// The language that a person or a program named. `had` are the codes that stood there before: they are taken
    /// though they are not listed, so that an edit loses nothing.
    ///
    /// # Errors
    /// That it is not listed, with the listed ones that may be meant.
    pub fn check(&self, tag: &str, had: &[Language]) -> Result<Language, Message> {
        let tag = tag.trim();
        match Language::new(tag) {
            Ok(language) if self.get(tag).is_some() || had.contains(&language) => Ok(language),
            Ok(_) | Err(_) => Err(self.unknown(tag)),
        }
    }

    /// What to say of a tag that names no listed language.
    pub fn unknown(&self, tag: &str) -> Message {
        let near = nearest::nearest(&self.0, tag);
        let shown: String = tag.chars().filter(|c| !c.is_control()).take(40).collect();
        let list = |name: fn(&Listed) -> &str, or: &str| {
            let shown = |listed: &&Listed| format!("{} ({})", listed.code, name(listed));
            match near.iter().map(shown).collect::<Vec<_>>().as_slice() {
                [first @ .., last] if !first.is_empty() => format!("{} {or} {last}", first.join(", ")),
                all => all.concat(),
            }
        };
        let (vi, en) = (list(|listed| &listed.vi, "hay"), list(|listed| &listed.en, "or"));
        if near.is_empty() {
            return Message::written(
                "language.unknown",
                format!(
                    "“{shown}” không có trong danh mục ngôn ngữ. Mã đúng: vi (Việt), kpm (K'Ho), cma (Mạ), cje (Chu Ru)… \
                     Nếu là một tiếng khác, người vận hành khai báo thêm ở mục languages của tệp cấu hình."
                ),
                format!(
                    "“{shown}” is not in the list of languages. Right ones: vi (Vietnamese), kpm (K'Ho), cma (Mạ), cje \
                     (Chu Ru)… If it is another language, the operator adds it under `languages` of the configuration \
                     file."
                ),
            );
        }
        Message::written(
            "language.unknown",
            format!("“{shown}” không có trong danh mục ngôn ngữ. Có phải {vi} không?"),
            format!("“{shown}” is not in the list of languages. Did you mean {en}?"),
        )
    }
}

/// The built-in table. A line that can't be read is left out, and fails a test.
static TABLE: LazyLock<Vec<Listed>> = LazyLock::new(|| lines().filter_map(read).collect());

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("registry.tsv").lines().filter(|line| !line.starts_with('#'))
}

fn read(line: &str) -> Option<Listed> {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default().to_owned();
    let (code, vi, people, en, own, also, note) = (next(), next(), next(), next(), next(), next(), next());
    let filled = !vi.is_empty() && !en.is_empty();
    Some(Listed {
        code: Language::new(code).ok().filter(|_| filled)?,
        people: if people.is_empty() { vi.clone() } else { people },
        vi,
        en,
        own: Some(own).filter(|own| !own.is_empty()),
        also: also.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect(),
        note,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_normalization::is_nfc;

    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_language_of_its_own() {
        let languages = Languages::default();
        assert_eq!(languages.all().len(), lines().count(), "each line was read");
        assert!(lines().all(|line| is_nfc(line) && line.split('\t').count() <= 7));
        let distinct =
            |name: fn(&Listed) -> &str| languages.all().iter().map(name).collect::<BTreeSet<_>>().len();
        for count in [distinct(|l| l.code.as_str()), distinct(|l| &l.vi), distinct(|l| &l.en)] {
            assert_eq!(count, languages.all().len(), "codes and names are distinct");
        }
        for needed in [
            "vi", "kpm", "cma", "cje", "cmo", "mng", "mnn", "rad", "jra", "rog", "cjm", "sti", "tyz", "nut",
            "hmn",
        ] {
            assert!(languages.get(needed).is_some(), "{needed}");
        }
        assert_eq!(languages.all()[0].code, Language::vietnamese());
    }

    #[test]
    fn what_is_not_listed_is_refused_with_the_nearest() {
        let languages = Languages::default();
        for (tag, near) in [
            ("kho", "kpm (K'Ho)"),
            ("Cơ Ho", "kpm (K'Ho)"),
            ("koho", "kpm (K'Ho)"),
            ("Kinh", "vi (Việt)"),
            ("vie", "vi (Việt)"),
            ("vi-VN", "vi (Việt)"),
            ("VI", "vi (Việt)"),
            ("tiếng Mạ", "cma (Mạ)"),
            ("mnong", "cmo (M'Nông), mng (M'Nông Đông) hay mnn (M'Nông Nam)"),
            ("kpn", "kpm (K'Ho)"),
            ("blu", "hnj (Mông Xanh)"),
            ("Dao", "ium (Dao) hay mji (Dao Kim Mùn)"),
            ("Bru", "bru (Bru - Vân Kiều)"),
        ] {
            let refused = languages.check(tag, &[]).unwrap_err();
            assert_eq!(refused.code, "language.unknown");
            let expected = format!("“{tag}” không có trong danh mục ngôn ngữ. Có phải {near} không?");
            assert_eq!(refused.vi, expected, "{tag}");
        }
        for tag in ["", "qqq", "xx", "<script>", "ngôn ngữ của tôi"] {
            let refused = languages.check(tag, &[]).unwrap_err();
            assert!(refused.vi.contains("Mã đúng: vi (Việt)"), "{}", refused.vi);
            assert!(refused.en.contains("the operator adds it"), "{}", refused.en);
        }
        assert_eq!(languages.check(" kpm ", &[]).unwrap().as_str(), "kpm");
        assert!(languages.check(&"k".repeat(10_000), &[]).unwrap_err().vi.len() < 400);
    }

    #[test]
    fn what_stood_there_before_and_what_the_operator_added_is_taken() {
        let (older, own) = (Language::new("xyz").unwrap(), Language::new("qaa").unwrap());
        let languages = Languages::default();
        assert_eq!(languages.check("xyz", std::slice::from_ref(&older)), Ok(older));
        assert_eq!(languages.name("xyz", UiLanguage::Vietnamese), "xyz");
        let added = Addition { code: own.clone(), vi: "Rơ Năm".to_owned(), en: "Ro Nam".to_owned() };
        let languages = Languages::with(&[added]);
        assert_eq!(languages.check("qaa", &[]), Ok(own));
        assert_eq!(languages.name("qaa", UiLanguage::Vietnamese), "Tiếng Rơ Năm");
        assert!(languages.unknown("ro nam").en.contains("qaa (Ro Nam)"));
    }
}
