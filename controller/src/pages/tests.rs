//! The locale files against one another, and against what templates and code ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;

use super::text::{EN_FTL, VI_FTL};
use super::{labels, msg};

/// The keys of a locale file, each with its source.
fn entries(source: &str) -> BTreeMap<String, String> {
    FluentResource::try_new(source.to_owned()).expect("a locale file that parses");
    let mut entries: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((key, text)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '}'])) {
            assert!(entries.insert(key.to_owned(), text.to_owned()).is_none(), "{key} is there twice");
            last = key.to_owned();
        } else {
            entries.get_mut(&last).expect("a line that continues a key").push_str(line);
        }
    }
    entries
}

/// The names of the variables that a text uses.
fn variables(text: &str) -> BTreeSet<&str> {
    let names = text.split('$').skip(1);
    names.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
    found
}

/// Every text between double quotes in templates and code.
fn quoted() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for path in files(&root.join("web/templates"), "html").into_iter().chain(files(&root.join("src"), "rs")) {
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(path).expect("text");
        // Not knowing where a quoted text begins, each stretch between two quotes counts.
        found.extend(text.split('"').map(str::to_owned));
    }
    found
}

/// The keys that templates hand to the filters `t`, `tn`, `tnm` and `tx` by name.
fn asked_for() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for path in files(&root.join("web/templates"), "html") {
        let text = fs::read_to_string(path).expect("text");
        for filter in ["\"|t}", "\"|t ", "\"|tn(", "\"|tnm(", "\"|tx("] {
            for (end, _) in text.match_indices(filter) {
                let start = text[..end].rfind('"').expect("an opening quote") + 1;
                found.insert(text[start..end].to_owned());
            }
        }
    }
    found
}

#[test]
fn both_languages_have_the_same_keys_and_variables() {
    let (vi, en) = (entries(VI_FTL), entries(EN_FTL));
    let only = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| -> Vec<String> {
        a.keys().filter(|key| !b.contains_key(*key)).cloned().collect()
    };
    assert_eq!((only(&vi, &en), only(&en, &vi)), (vec![], vec![]), "keys of one language alone");
    for (key, text) in &vi {
        assert_eq!(variables(text), variables(&en[key]), "variables of {key}");
    }
}

#[test]
fn every_key_that_is_asked_for_exists() {
    let vi = entries(VI_FTL);
    let asked = asked_for();
    assert!(asked.len() > 150, "the templates' keys are not found: {}", asked.len());
    let code = labels::every_key().into_iter().chain(msg::EVERY_KEY.iter().copied()).map(str::to_owned);
    let missing: Vec<String> = asked.into_iter().chain(code).filter(|key| !vi.contains_key(key)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_key_is_asked_for() {
    let made: BTreeSet<String> = labels::every_key().into_iter().map(str::to_owned).collect();
    let quoted = quoted();
    let unused: Vec<String> =
        entries(VI_FTL).into_keys().filter(|key| !quoted.contains(key) && !made.contains(key)).collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn every_text_is_composed() {
    for source in [VI_FTL, EN_FTL] {
        let decomposed = source.chars().find(|c| ('\u{300}'..='\u{36f}').contains(c));
        assert_eq!(decomposed, None, "a combining mark: the file is not in NFC");
    }
}

#[test]
fn every_icon_of_the_list_is_used() {
    let quoted = quoted();
    let unused: Vec<String> =
        super::assets::icon_names().into_iter().filter(|name| !quoted.contains(name)).collect();
    assert_eq!(unused, Vec::<String>::new(), "icons that no page shows");
}
