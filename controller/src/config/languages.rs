//! Languages that the built-in table lacks.

use loa_protocol::bulletin::Language;
use serde::Deserialize;

use crate::domain::area::check_name;
use crate::domain::language::{Addition, Languages};

/// A language that the operator lists besides those of the table ([`Languages`]).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageConfig {
    /// ISO 639-3 code; `qaa` to `qtz` are free for languages without one.
    pub code: String,
    /// Vietnamese name as in “tiếng …”.
    pub vi: String,
    /// English name; empty: the Vietnamese one.
    #[serde(default)]
    pub en: String,
}

/// The table with these additions.
///
/// # Errors
/// The key that is wrong, and how.
pub(super) fn listed(additions: &[LanguageConfig]) -> Result<Languages, (String, String)> {
    let table = Languages::default();
    let mut read: Vec<Addition> = Vec::new();
    for (index, addition) in additions.iter().enumerate() {
        let wrong = |name: &str, problem: String| (format!("languages[{index}].{name}"), problem);
        let code = Language::new(addition.code.as_str()).map_err(|error| {
            wrong("code", format!("{error}; a language that has no code gets one from qaa to qtz"))
        })?;
        if let Some(known) = table.get(code.as_str()) {
            return Err(wrong("code", format!("{code} is in the table already: {}", known.en)));
        }
        if read.iter().any(|other| other.code == code) {
            return Err(wrong("code", format!("{code} stands twice")));
        }
        let name = |text: &str, field: &str| {
            check_name(text).map_err(|message| wrong(field, message.en.into_owned()))
        };
        let vi = name(&addition.vi, "vi")?;
        let en = if addition.en.trim().is_empty() { vi.clone() } else { name(&addition.en, "en")? };
        read.push(Addition { code, vi, en });
    }
    Ok(Languages::with(&read))
}
