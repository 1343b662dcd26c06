//! A value on its way into a query.

use std::borrow::Cow;

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;

/// One value of a query.
#[derive(Debug, Clone)]
pub(crate) enum Value<'q> {
    /// Nothing.
    Null,
    /// A number, an instant, or a flag as 0 and 1.
    Integer(i64),
    /// A measured quantity.
    Real(f64),
    /// A text.
    Text(Cow<'q, str>),
    /// Bytes.
    Blob(Cow<'q, [u8]>),
}

impl Value<'_> {
    /// Adds it to the arguments of a query.
    pub(super) fn add_to(self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Integer(number) => arguments.add(number),
            Self::Real(number) => arguments.add(number),
            Self::Text(text) => arguments.add(text),
            Self::Blob(bytes) => arguments.add(bytes),
        }
    }
}

/// What can be a value of a query: numbers, flags, texts, bytes, and each of them or nothing.
pub(crate) trait IntoValue<'q> {
    /// It as a value.
    fn into_value(self) -> Value<'q>;
}

macro_rules! into_value {
    ($type:ty, $kind:ident, $value:ident => $made:expr) => {
        impl<'q> IntoValue<'q> for $type {
            fn into_value(self) -> Value<'q> {
                let $value = self;
                Value::$kind($made)
            }
        }
    };
}

into_value!(i64, Integer, number => number);
into_value!(bool, Integer, flag => i64::from(flag));
into_value!(f64, Real, number => number);
into_value!(&'q str, Text, text => Cow::Borrowed(text));
into_value!(&'q String, Text, text => Cow::Borrowed(text.as_str()));
into_value!(String, Text, text => Cow::Owned(text));
into_value!(&'q [u8], Blob, bytes => Cow::Borrowed(bytes));
into_value!(&'q Vec<u8>, Blob, bytes => Cow::Borrowed(bytes.as_slice()));
into_value!(Vec<u8>, Blob, bytes => Cow::Owned(bytes));

impl<'q, T: IntoValue<'q>> IntoValue<'q> for Option<T> {
    fn into_value(self) -> Value<'q> {
        self.map_or(Value::Null, IntoValue::into_value)
    }
}

impl<'q, T> IntoValue<'q> for &'q Option<T>
where
    &'q T: IntoValue<'q>,
{
    fn into_value(self) -> Value<'q> {
        self.as_ref().into_value()
    }
}
