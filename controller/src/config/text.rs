//! Values that the configuration writes as text and the program keeps as a type.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Reads a text and parses it; the type's own error becomes the message.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|e| de::Error::custom(format_args!("{text:?} cannot be used: {e}")))
}

/// A default that is written in this program and therefore parses; a test builds every default.
#[expect(clippy::expect_used, reason = "the texts are constants of this program, parsed by a test")]
pub(super) fn constant<T: FromStr<Err: Debug>>(text: &'static str) -> T {
    text.parse().expect("a constant default parses")
}
