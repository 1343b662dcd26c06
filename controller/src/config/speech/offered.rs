//! Which voices there are for a language, and which one is asked first.

use loa_protocol::area::AreaPath;
use loa_speech::{Espeak, VoiceInfo};

use super::SpeechConfig;
use super::engines::EMBEDDED;

/// A voice that a track can be spoken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// As tracks name it: `fpt/banmai`, or a voice of the embedded engine without its engine (`vi-vn-x-south`).
    pub name: String,
    /// Its engine.
    pub engine: String,
    /// BCP 47 tag of its language.
    pub language: String,
    /// For people, in Vietnamese.
    pub label_vi: String,
    /// For people, in English.
    pub label_en: String,
}

impl SpeechConfig {
    /// The voices of `speech.languages`: those of the embedded engine, then those of the declared ones.
    pub fn offered(&self) -> Vec<Offered> {
        let embedded = Espeak::known_voices().into_iter().map(|voice| self.embedded_voice(voice));
        let declared = self.engines.iter().flat_map(|engine| {
            engine.voices().into_iter().map(|voice| Offered {
                name: format!("{}/{}", engine.name, voice.id),
                engine: engine.name.clone(),
                language: voice.language,
                label_vi: voice.label_vi,
                label_en: voice.label_en,
            })
        });
        embedded.chain(declared).filter(|voice| self.languages.contains(&voice.language)).collect()
    }

    /// The embedded engine's voices go by their own names, save the configured one: a track that names that one is as
    /// one that names none, so who wants it in spite of an order names its engine too.
    fn embedded_voice(&self, voice: VoiceInfo) -> Offered {
        let name = if voice.id == self.voice { format!("{EMBEDDED}/{}", voice.id) } else { voice.id };
        Offered {
            name,
            engine: EMBEDDED.to_owned(),
            language: voice.language,
            label_vi: voice.label_vi,
            label_en: voice.label_en,
        }
    }

    /// The engines that the nearest area has for a language, else those that hold everywhere, else none.
    pub(crate) fn order(&self, language: &str, area: &AreaPath) -> &[String] {
        let orders = || self.orders.iter().filter(|order| order.language == language);
        let nearest =
            area.areas().iter().rev().find_map(|area| orders().find(|order| order.area == area.as_str()));
        nearest.or_else(|| orders().find(|order| order.area.is_empty())).map_or(&[], |order| &order.engines)
    }

    /// The voice that is asked first for a track of an area that names none; `None` where nothing speaks the language.
    pub fn first(&self, language: &str, area: &AreaPath) -> Option<Offered> {
        let offered = self.offered();
        let speaks = |engine: &str| {
            let mut of_engine =
                offered.iter().filter(|voice| voice.engine == engine && voice.language == language);
            let usual = of_engine.clone().find(|voice| voice.name == format!("{EMBEDDED}/{}", self.voice));
            usual.or_else(|| of_engine.next()).cloned()
        };
        let order = self.order(language, area);
        order.iter().map(String::as_str).chain([EMBEDDED]).find_map(speaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::story::path;

    #[test]
    fn the_voices_of_all_engines_are_offered_and_the_nearest_order_says_who_is_first() {
        let config: SpeechConfig = toml::from_str(
            r#"
            languages = ["vi", "en", "km"]
            engines = [
                { name = "fpt", kind = "fpt", voices = [{ id = "banmai", label = "Ban Mai" }] },
                { name = "gg", kind = "google", voices = [{ id = "km-KH-A", language = "km" }] },
            ]
            orders = [{ language = "vi", area = "da-don", engines = ["fpt"] }]
            "#,
        )
        .unwrap();
        let names: Vec<String> = config.offered().into_iter().map(|voice| voice.name).collect();
        let expected = ["espeak-ng/vi", "vi-vn-x-central", "vi-vn-x-south", "en", "fpt/banmai", "gg/km-KH-A"];
        assert_eq!(names, expected);
        let first =
            |language: &str, areas: &[&str]| config.first(language, &path(areas)).map(|voice| voice.name);
        assert_eq!(first("vi", &["lam-dong", "da-don", "thon-1"]).as_deref(), Some("fpt/banmai"));
        assert_eq!(first("vi", &["lam-dong"]).as_deref(), Some("espeak-ng/vi"));
        assert_eq!(first("km", &["lam-dong"]), None, "no order names its engine");
        assert_eq!(first("kpm", &["lam-dong"]), None);
    }
}
