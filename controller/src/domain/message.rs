//! What the product says to a person when something is not right: a stable code, and the words in both languages.
//!
//! Codes are `thing.problem` and never change once released: programs match them. The words may improve.

use std::borrow::Cow;

/// The languages of the product's own words. Languages of broadcasts are [`loa_protocol::bulletin::Language`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UiLanguage {
    /// Vietnamese, the product's first language.
    #[default]
    Vietnamese,
    /// English.
    English,
}

impl UiLanguage {
    /// The language's tag: `vi` or `en`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Vietnamese => "vi",
            Self::English => "en",
        }
    }

    /// The language of a tag, if the product speaks it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "vi" => Some(Self::Vietnamese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that the product speaks; Vietnamese when there is none.
    pub fn from_accept_language(header: &str) -> Self {
        let mut wanted: Vec<(f32, &str)> = header
            .split(',')
            .filter_map(|part| {
                let mut pieces = part.trim().split(';');
                let tag = pieces.next()?.trim();
                let quality = pieces
                    .find_map(|p| p.trim().strip_prefix("q="))
                    .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
                Some((quality, tag.split('-').next().unwrap_or(tag)))
            })
            .collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.into_iter().find_map(|(_, tag)| Self::from_tag(tag)).unwrap_or_default()
    }
}

/// One thing said to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable code, `thing.problem`.
    pub code: &'static str,
    /// Vietnamese words.
    pub vi: Cow<'static, str>,
    /// English words.
    pub en: Cow<'static, str>,
}

impl Message {
    /// A message without variable parts.
    pub const fn fixed(code: &'static str, vi: &'static str, en: &'static str) -> Self {
        Self { code, vi: Cow::Borrowed(vi), en: Cow::Borrowed(en) }
    }

    /// A message with variable parts already written in.
    pub fn written(code: &'static str, vi: String, en: String) -> Self {
        Self { code, vi: Cow::Owned(vi), en: Cow::Owned(en) }
    }

    /// The words in one language.
    pub fn text(&self, language: UiLanguage) -> &str {
        match language {
            UiLanguage::Vietnamese => &self.vi,
            UiLanguage::English => &self.en,
        }
    }
}

/// English words and the code, for logs.
impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.en, self.code)
    }
}

/// A message about one field of a form. The field is named as in the API: `title`, `tracks[1].language`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub message: Message,
}

/// The errors of one form, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// No errors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Just one error.
    pub fn one(field: impl Into<Cow<'static, str>>, message: Message) -> Self {
        Self(vec![FieldError { field: field.into(), message }])
    }

    /// Adds an error.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, message: Message) {
        self.0.push(FieldError { field: field.into(), message });
    }

    /// Keeps the value, or adds the error and gives `None`.
    pub fn keep<T>(&mut self, field: impl Into<Cow<'static, str>>, value: Result<T, Message>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, each field as one of a part of a larger form: `schedules[3]`.
    #[must_use]
    pub fn within(&self, part: &str) -> Self {
        let put = |error: &FieldError| FieldError {
            field: format!("{part}.{}", error.field).into(),
            message: error.message.clone(),
        };
        Self(self.0.iter().map(put).collect())
    }

    /// Takes in another's.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The errors.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }

    /// The value when there is no error, the errors otherwise. `None` without an error cannot be: it counts as a
    /// missing form.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            Some(_) => Err(self),
            None => {
                if self.is_empty() {
                    self.add(
                        "",
                        Message::fixed(
                            "form.incomplete",
                            "Biểu mẫu chưa đủ thông tin.",
                            "The form is incomplete.",
                        ),
                    );
                }
                Err(self)
            }
        }
    }
}

impl<'a> IntoIterator for &'a FieldErrors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Codes and fields, for logs.
impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{}: {}", error.field, error.message.code)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_of_a_browser_is_chosen() {
        for (header, expected) in [
            ("", UiLanguage::Vietnamese),
            ("en-US,en;q=0.9", UiLanguage::English),
            ("fr-FR,vi;q=0.8,en;q=0.9", UiLanguage::English),
            ("vi-VN,vi;q=0.9,en;q=0.8", UiLanguage::Vietnamese),
            ("en;q=0.1, vi", UiLanguage::Vietnamese),
            ("*", UiLanguage::Vietnamese),
            ("en;q=banana", UiLanguage::Vietnamese),
        ] {
            assert_eq!(UiLanguage::from_accept_language(header), expected, "{header:?}");
        }
    }
}
