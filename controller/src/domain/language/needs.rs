//! Which villages a bulletin leaves without the languages that they need.
//!
//! It is a flag and never a lock: a bulletin that is translated into nothing yet may be just what has to be said at once.

use std::collections::BTreeSet;

use loa_protocol::bulletin::Language;
use loa_protocol::ids::AreaId;
use loa_protocol::plan::languages_heard;

use super::Languages;
use crate::domain::message::{Message, UiLanguage};

/// Most villages that a sentence names.
const NAMED_MAX: usize = 6;

/// A place where people listen: an area with loudspeakers of its own, or one with no area inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Village {
    /// The area.
    pub id: AreaId,
    /// Its name.
    pub name: String,
    /// The word for its level, as it is kept: `Thôn`.
    pub level: String,
    /// The languages that it needs, first spoken first.
    pub languages: Vec<Language>,
}

/// A language that some villages need and a bulletin does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLanguage {
    /// The language.
    pub language: Language,
    /// Who needs it; never empty.
    pub villages: Vec<Village>,
}

/// What a bulletin lacks for the villages that it is meant for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MissingLanguages {
    /// By language, in the order in which the villages name them.
    pub languages: Vec<MissingLanguage>,
    /// Villages that hear the Vietnamese track, since there is none in a language of theirs.
    pub vietnamese_instead: Vec<Village>,
    /// Villages that hear nothing.
    pub silent: Vec<Village>,
}

impl MissingLanguages {
    /// What tracks in these languages leave out.
    pub fn of(villages: &[Village], tracks: &[Language]) -> Self {
        let mut missing = Self::default();
        for village in villages {
            for language in village.languages.iter().filter(|language| !tracks.contains(language)) {
                match missing.languages.iter_mut().find(|known| known.language == *language) {
                    Some(known) => known.villages.push(village.clone()),
                    None => missing.languages.push(MissingLanguage {
                        language: language.clone(),
                        villages: vec![village.clone()],
                    }),
                }
            }
            let heard = languages_heard(|language| tracks.contains(language), &village.languages);
            if heard.is_empty() {
                missing.silent.push(village.clone());
            } else if !heard.iter().any(|language| village.languages.contains(language)) {
                missing.vietnamese_instead.push(village.clone());
            }
        }
        missing
    }

    /// Whether every village hears all of its languages.
    pub fn is_empty(&self) -> bool {
        self.languages.is_empty()
    }

    /// The same in sentences: one for each language, and what is heard instead.
    pub fn messages(&self, listed: &Languages) -> Vec<Message> {
        let lacking = self.languages.iter().map(|MissingLanguage { language, villages }| {
            let name = |ui| listed.name_within(language.as_str(), ui);
            let (count, level) = (villages.len(), level(villages));
            let plural = if count == 1 { "village" } else { "villages" };
            Message::written(
                "language.missing",
                format!(
                    "Thiếu bản {} cho {count} {level}: {}.",
                    name(UiLanguage::Vietnamese),
                    names(villages, UiLanguage::Vietnamese)
                ),
                format!(
                    "No track in {} for {count} {plural}: {}.",
                    name(UiLanguage::English),
                    names(villages, UiLanguage::English)
                ),
            )
        });
        let instead = |code, villages: &[Village], vi: &str, en: &str| {
            let written = |words: &str, ui| format!("{words}: {}.", names(villages, ui));
            let vi = written(vi, UiLanguage::Vietnamese);
            (!villages.is_empty()).then(|| Message::written(code, vi, written(en, UiLanguage::English)))
        };
        let vietnamese = instead(
            "language.vietnamese_instead",
            &self.vietnamese_instead,
            "Không có bản nào bằng tiếng của mình nên sẽ nghe bản tiếng Việt",
            "Without a track of their own, these hear the Vietnamese one",
        );
        let silent = instead(
            "language.nothing_heard",
            &self.silent,
            "Sẽ không nghe được gì, vì không có bản nào bằng tiếng của mình và cũng không có bản tiếng Việt",
            "Without a track of their own or a Vietnamese one, these hear nothing",
        );
        lacking.chain(vietnamese).chain(silent).collect()
    }
}

/// The villages by name, the first of them where there are many.
fn names(villages: &[Village], ui: UiLanguage) -> String {
    let shown: Vec<&str> = villages.iter().map(|village| village.name.as_str()).take(NAMED_MAX).collect();
    let (shown, left) = (shown.join(", "), villages.len() - shown.len());
    match ui {
        _ if left == 0 => shown,
        UiLanguage::Vietnamese => format!("{shown} và {left} nơi khác"),
        UiLanguage::English => format!("{shown} and {left} more"),
    }
}

/// What the villages are called together: by their level, when it is the same.
fn level(villages: &[Village]) -> String {
    let levels: BTreeSet<String> = villages.iter().map(|village| village.level.to_lowercase()).collect();
    match levels.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => only.clone(),
        _ => "nơi".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &str) -> Language {
        Language::new(code).unwrap()
    }

    fn village(name: &str, languages: &[&str]) -> Village {
        Village {
            id: AreaId::new(name).unwrap(),
            name: name.to_owned(),
            level: "Thôn".to_owned(),
            languages: languages.iter().map(|code| language(code)).collect(),
        }
    }

    /// What is missing, and who hears Vietnamese instead or nothing.
    fn told(tracks: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let villages =
            [village("bon", &["kpm", "vi"]), village("xa-xoi", &["cma", "kpm"]), village("pho", &["vi"])];
        let tracks: Vec<Language> = tracks.iter().map(|code| language(code)).collect();
        let missing = MissingLanguages::of(&villages, &tracks);
        let names = |villages: &[Village]| villages.iter().map(|v| v.name.clone()).collect::<Vec<_>>();
        let by_language = |m: &MissingLanguage| format!("{}: {}", m.language, names(&m.villages).join(" "));
        assert_eq!(missing.is_empty(), missing.languages.is_empty());
        (
            missing.languages.iter().map(by_language).collect(),
            names(&missing.vietnamese_instead),
            names(&missing.silent),
        )
    }

    #[test]
    fn it_is_said_in_sentences() {
        let words = |villages: &[Village], tracks: &[&str]| {
            let tracks: Vec<Language> = tracks.iter().map(|code| language(code)).collect();
            let messages = MissingLanguages::of(villages, &tracks).messages(&Languages::default());
            messages
                .into_iter()
                .map(|message| (message.vi.into_owned(), message.en.into_owned()))
                .collect::<Vec<_>>()
        };
        let told = words(&[village("bon", &["kpm", "vi"]), village("xa-xoi", &["kpm"])], &["vi"]);
        assert_eq!(told[0].0, "Thiếu bản tiếng K'Ho cho 2 thôn: bon, xa-xoi.");
        assert_eq!(told[0].1, "No track in K'Ho for 2 villages: bon, xa-xoi.");
        assert_eq!(told[1].0, "Không có bản nào bằng tiếng của mình nên sẽ nghe bản tiếng Việt: xa-xoi.");
        let told = words(&[Village { level: "Bon".to_owned(), ..village("bon", &["kpm"]) }], &["cma"]);
        assert_eq!(told[0].0, "Thiếu bản tiếng K'Ho cho 1 bon: bon.");
        assert_eq!(told[1].1, "Without a track of their own or a Vietnamese one, these hear nothing: bon.");
        let many: Vec<Village> = (1..=9).map(|n| village(&format!("v{n}"), &["xyz", "vi"])).collect();
        let told = words(&many, &["vi"]);
        assert_eq!(told[0].0, "Thiếu bản tiếng “xyz” cho 9 thôn: v1, v2, v3, v4, v5, v6 và 3 nơi khác.");
        assert_eq!(told.len(), 1);
    }

    #[test]
    fn each_village_is_named_under_what_it_lacks_and_with_what_it_hears_instead() {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(told(&["vi", "kpm", "cma"]), (vec![], vec![], vec![]));
        assert_eq!(told(&["vi"]), (texts(&["kpm: bon xa-xoi", "cma: xa-xoi"]), texts(&["xa-xoi"]), vec![]));
        assert_eq!(told(&["kpm"]), (texts(&["vi: bon pho", "cma: xa-xoi"]), vec![], texts(&["pho"])));
        assert_eq!(told(&[]).2, texts(&["bon", "xa-xoi", "pho"]));
    }
}
