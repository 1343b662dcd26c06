//! Which engines speak a language in an area, one after the other.

use loa_protocol::ids::AreaId;
use serde::Deserialize;

use super::engines::{EMBEDDED, EngineConfig};

/// An ordered fall-back.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderConfig {
    /// BCP 47 tag of the language.
    pub language: String,
    /// Id of the area in which it holds, with all below it; empty: everywhere.
    #[serde(default)]
    pub area: String,
    /// Names of engines, the preferred first.
    pub engines: Vec<String>,
}

impl OrderConfig {
    /// The key that is wrong, and how.
    pub(super) fn check(
        &self,
        before: &[Self],
        languages: &[String],
        engines: &[EngineConfig],
    ) -> Result<(), (&'static str, String)> {
        let Self { language, area, engines: names } = self;
        if !languages.contains(language) {
            let problem = format!("{language:?} is not among `speech.languages` ({})", languages.join(", "));
            return Err(("language", problem));
        }
        if !area.is_empty() && AreaId::new(area.clone()).is_err() {
            return Err((
                "area",
                format!("{area:?} is no id of an area; it is in the address of the area's page"),
            ));
        }
        if before.iter().any(|other| other.language == *language && other.area == *area) {
            return Err(("language", "this language and area have an order already".to_owned()));
        }
        if names.is_empty() {
            return Err(("engines", "name at least one engine, or leave the order out".to_owned()));
        }
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(("engines", format!("{name:?} stands twice")));
            }
            if name == EMBEDDED {
                continue;
            }
            let Some(engine) = engines.iter().find(|engine| engine.name == *name) else {
                let known: Vec<&str> = engines.iter().map(|engine| engine.name.as_str()).collect();
                let known = [&[EMBEDDED][..], &known].concat().join(", ");
                return Err((
                    "engines",
                    format!("{name:?} is not declared in [[speech.engines]]; there are {known}"),
                ));
            };
            if !engine.voices().iter().any(|voice| voice.language == *language) {
                return Err(("engines", format!("{name:?} has no voice that speaks {language:?}")));
            }
        }
        Ok(())
    }
}
