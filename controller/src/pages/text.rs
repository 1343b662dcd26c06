//! The words of the pages: Vietnamese first, English second, from `web/locales/{vi,en}.ftl` (Fluent).
//!
//! Both files are compiled in. A key that is in neither shows as `⟦key⟧`, which the tests of the pages look for.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::types::FluentNumber;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::{LanguageIdentifier, langid};

/// Source of the Vietnamese words.
pub(super) const VI_FTL: &str = include_str!("../../web/locales/vi.ftl");
/// Source of the English words.
pub(super) const EN_FTL: &str = include_str!("../../web/locales/en.ftl");

static VI: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(langid!("vi"), VI_FTL));
static EN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(langid!("en"), EN_FTL));

/// A language of the pages (not of a bulletin's tracks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Tiếng Việt, the default.
    #[default]
    Vi,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Vi, Self::En];

    /// BCP 47 code: what the language form posts, the cookie keeps and `<html lang>` says.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    /// The language's name in itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::Vi => "Tiếng Việt",
            Self::En => "English",
        }
    }

    /// Reads a code such as [`Self::code`] gives; anything else is `None`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The text of `key` in this language.
    #[must_use]
    pub fn text(self, key: &str) -> String {
        self.text_with(key, &FluentArgs::new())
    }

    /// The text of `key` with its variables filled in.
    #[must_use]
    pub fn text_with(self, key: &str, args: &FluentArgs<'_>) -> String {
        let bundle: &FluentBundle<FluentResource> = match self {
            Self::Vi => &VI,
            Self::En => &EN,
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, lang = self.code(), "a page asks for a text that the locale does not have");
            return format!("⟦{key}⟧");
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
        if errors.is_empty() {
            text
        } else {
            tracing::error!(key, lang = self.code(), ?errors, "a text of the locale lacks a variable");
            format!("⟦{key}⟧ {text}")
        }
    }
}

/// A text for a person, named by its key, with the variables it needs; rendered in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msg {
    key: &'static str,
    words: Vec<(&'static str, String)>,
    numbers: Vec<(&'static str, i64)>,
    fixed: Option<(String, String)>,
}

impl Msg {
    /// A text without variables. Take `key` from [`super::msg`].
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self { key, words: Vec::new(), numbers: Vec::new(), fixed: None }
    }

    /// A text that has no key but its words in both languages, such as what a service says.
    #[must_use]
    pub fn both(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { key: "", words: Vec::new(), numbers: Vec::new(), fixed: Some((vi.into(), en.into())) }
    }

    /// A text that is the same in both languages: a name, a cause told by another program.
    #[must_use]
    pub fn verbatim(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::both(text.clone(), text)
    }

    /// Fills the variable `$name` with words.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.words.push((name, value.into()));
        self
    }

    /// Fills the variable `$name` with a number, grouped and pluralised as the language does.
    #[must_use]
    pub fn with_number(mut self, name: &'static str, value: i64) -> Self {
        self.numbers.push((name, value));
        self
    }

    /// The text in `lang`, not escaped.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        if let Some((vi, en)) = &self.fixed {
            return match lang {
                Lang::Vi => vi.clone(),
                Lang::En => en.clone(),
            };
        }
        let mut args = FluentArgs::new();
        for (name, value) in &self.words {
            args.set(*name, FluentValue::from(value.as_str()));
        }
        for (name, value) in &self.numbers {
            args.set(*name, *value);
        }
        lang.text_with(self.key, &args)
    }
}

fn bundle(id: LanguageIdentifier, source: &str) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(usable, errors)| {
        tracing::error!(%id, ?errors, "a locale file has lines that cannot be read");
        usable
    });
    let decimal_comma = id.language.as_str() == "vi";
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks guard mixed left-to-right and right-to-left text; both languages here run one way.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(if decimal_comma { format_vi } else { format_en }));
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!(?errors, "a locale file names a key twice");
    }
    bundle
}

type Memoizer = intl_memoizer::concurrent::IntlLangMemoizer;

fn format_vi(value: &FluentValue<'_>, _: &Memoizer) -> Option<String> {
    format_number(value, Lang::Vi)
}

fn format_en(value: &FluentValue<'_>, _: &Memoizer) -> Option<String> {
    format_number(value, Lang::En)
}

fn format_number(value: &FluentValue<'_>, lang: Lang) -> Option<String> {
    if let FluentValue::Number(FluentNumber { value, .. }) = value {
        Some(super::format::decimal(lang, *value, 0))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_locale_files_parse_whole() {
        for source in [VI_FTL, EN_FTL] {
            FluentResource::try_new(source.to_owned()).expect("a locale file");
        }
    }

    #[test]
    fn a_missing_key_is_visible() {
        assert_eq!(Lang::Vi.text("no-such-key"), "⟦no-such-key⟧");
    }

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        let msg = Msg::new("waiting-count").with_number("n", 1234);
        assert!(msg.text(Lang::Vi).contains("1.234"), "{}", msg.text(Lang::Vi));
        assert!(msg.text(Lang::En).contains("1,234"), "{}", msg.text(Lang::En));
    }
}
