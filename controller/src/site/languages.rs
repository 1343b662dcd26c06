//! Languages and voices by their names, and in lists to choose from.

use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;

use super::{Site, words};
use crate::config::{EMBEDDED, Offered};
use crate::domain::language::MissingLanguages;
use crate::domain::message::UiLanguage;
use crate::pages::views::{LanguageOrder, VoiceGroup};
use crate::pages::{Choice, Lang, Msg, msg};

/// Lists of an area's languages are shown with at least so many places, one of them free.
const PLACES_MIN: usize = 3;

fn ui(lang: Lang) -> UiLanguage {
    match lang {
        Lang::Vi => UiLanguage::Vietnamese,
        Lang::En => UiLanguage::English,
    }
}

/// Name of a language of tracks; its code where it is not listed.
pub(super) fn name(site: &Site, lang: Lang, code: &str) -> String {
    site.app.services.languages().name(code, ui(lang))
}

/// What a bulletin lacks for its villages, in sentences.
pub(super) fn missing(site: &Site, missing: &MissingLanguages) -> Vec<Msg> {
    missing.messages(site.app.services.languages()).iter().map(words::msg).collect()
}

/// The places of an area's list of languages, with the languages to choose from: those with a voice here, then those
/// that need a person. What the area has and nobody lists stays among them.
pub(super) fn order(site: &Site, lang: Lang, chosen: &[String]) -> LanguageOrder {
    let services = &site.app.services;
    let mut places: Vec<String> = chosen.iter().filter(|code| !code.trim().is_empty()).cloned().collect();
    let choice = |code: &str| Choice::new(code, format!("{} ({code})", name(site, lang, code)));
    let listed = services.languages().all().iter().map(|listed| listed.code.as_str());
    let unlisted = places.iter().map(String::as_str).filter(|code| services.languages().get(code).is_none());
    let all: Vec<&str> = listed.chain(unlisted).collect();
    let has_voice = |code: &&&str| services.spoken_languages().iter().any(|spoken| spoken.as_str() == **code);
    let with_voice = all.iter().filter(has_voice).map(|code| choice(code)).collect();
    let recorded = all.iter().filter(|code| !has_voice(code)).map(|code| choice(code)).collect();
    let wanted = (places.len() + 1).clamp(PLACES_MIN, loa_protocol::plan::LANGUAGES_MAX.max(places.len()));
    places.resize(wanted, String::new());
    LanguageOrder { places, with_voice, recorded }
}

/// Name of a voice, with its engine where that is not the embedded one; its own where nobody offers it any more.
pub(super) fn voice(site: &Site, lang: Lang, voice: &str) -> String {
    let offered = site.settings.offered.iter().find(|offered| offered.name == voice);
    match offered {
        Some(offered) if offered.engine != EMBEDDED => {
            format!("{} ({})", label(lang, offered), offered.engine)
        }
        Some(_) | None => words::voice(lang, voice),
    }
}

fn label(lang: Lang, offered: &Offered) -> String {
    let own = match lang {
        Lang::Vi => &offered.label_vi,
        Lang::En => &offered.label_en,
    };
    if offered.engine == EMBEDDED && offered.language == Language::vietnamese().as_str() {
        return words::voice(lang, &offered.name);
    }
    own.clone()
}

/// The voices of a language by engine, with what an author chose before, if nobody offers that any more.
pub(super) fn voices(site: &Site, lang: Lang, language: &str, chosen: &str) -> Vec<VoiceGroup> {
    let mut groups: Vec<VoiceGroup> = Vec::new();
    let of_language = || site.settings.offered.iter().filter(|offered| offered.language == language);
    for offered in of_language() {
        let choice = Choice::new(offered.name.as_str(), label(lang, offered));
        match groups.iter_mut().find(|group| group.engine == offered.engine) {
            Some(group) => group.voices.push(choice),
            None => groups.push(VoiceGroup { engine: offered.engine.clone(), voices: vec![choice] }),
        }
    }
    if !chosen.is_empty() && of_language().all(|offered| offered.name != chosen) {
        let engine = chosen.split_once('/').map_or(EMBEDDED, |(engine, _)| engine);
        groups.push(VoiceGroup { engine: engine.to_owned(), voices: vec![Choice::new(chosen, chosen)] });
    }
    groups
}

/// What leaves the voice to the order of the engines: named, where it is the same one in all these areas.
pub(super) fn usual_voice<'a>(
    site: &Site,
    lang: Lang,
    language: &str,
    areas: impl Iterator<Item = &'a AreaPath>,
) -> String {
    let mut first: Vec<Option<Offered>> =
        areas.map(|path| site.settings.speech.first(language, path)).collect();
    first.dedup();
    match first.as_slice() {
        [Some(only)] => Msg::new(msg::VOICE_USUAL_IS).with("x", voice(site, lang, &only.name)).text(lang),
        _ => lang.text(msg::VOICE_USUAL),
    }
}

/// The voices of all languages, as the form that adds a track posts them: `code:voice`, the usual one of each first.
pub(super) fn track_voices(site: &Site, lang: Lang, area: &AreaPath) -> Vec<Choice> {
    let mut choices = Vec::new();
    for language in site.app.services.spoken_languages() {
        let code = language.as_str();
        let of = |label: &str| format!("{}: {label}", name(site, lang, code));
        let usual = usual_voice(site, lang, code, std::iter::once(area));
        choices.push(Choice::new(format!("{code}:"), of(&usual)));
        for offered in site.settings.offered.iter().filter(|offered| offered.language == code) {
            let label = voice(site, lang, &offered.name);
            choices.push(Choice::new(format!("{code}:{}", offered.name), of(&label)));
        }
    }
    choices
}
