//! A value on its way into a query, before it is known which database takes it.

use std::borrow::Cow;

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// What a column holds. A NULL has a kind too: PostgreSQL fixes the types of a prepared statement's parameters when it
/// sees it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers, instants, and flags as 0 and 1: `INTEGER`, and `BIGINT` on PostgreSQL.
    Integer,
    /// `REAL`, and `DOUBLE PRECISION` on PostgreSQL.
    Real,
    /// `TEXT`.
    Text,
    /// `BLOB`, and `BYTEA` on PostgreSQL.
    Blob,
}

impl Kind {
    /// The type of an array of these on PostgreSQL.
    pub(super) fn array_type(self) -> &'static str {
        match self {
            Self::Integer => "bigint[]",
            Self::Real => "double precision[]",
            Self::Text => "text[]",
            Self::Blob => "bytea[]",
        }
    }
}

/// One value of a query.
#[derive(Debug, Clone)]
pub(crate) enum Value<'q> {
    /// Nothing, of a kind.
    Null(Kind),
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
    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Integer(_) => Kind::Integer,
            Self::Real(_) => Kind::Real,
            Self::Text(_) => Kind::Text,
            Self::Blob(_) => Kind::Blob,
        }
    }

    /// Adds it to the arguments of a query of SQLite.
    pub(super) fn add_to_sqlite(self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Null(_) => arguments.add(None::<i64>),
            Self::Integer(number) => arguments.add(number),
            Self::Real(number) => arguments.add(number),
            Self::Text(text) => arguments.add(text),
            Self::Blob(bytes) => arguments.add(bytes),
        }
    }

    /// Adds it to the arguments of a query of PostgreSQL.
    pub(super) fn add_to_postgres(self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Null(Kind::Integer) => arguments.add(None::<i64>),
            Self::Null(Kind::Real) => arguments.add(None::<f64>),
            Self::Null(Kind::Text) => arguments.add(None::<&str>),
            Self::Null(Kind::Blob) => arguments.add(None::<&[u8]>),
            Self::Integer(number) => arguments.add(number),
            Self::Real(number) => arguments.add(number),
            Self::Text(text) => arguments.add(without_nul(text)),
            Self::Blob(bytes) => arguments.add(bytes),
        }
    }
}

/// PostgreSQL's texts cannot hold U+0000, and a node may send one: it must not make a whole batch fail for ever.
fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { text }
}

/// Adds the values of one column of many rows to the arguments of a query of PostgreSQL, as one array.
pub(super) fn add_column_to_postgres(
    kind: Kind,
    column: Vec<Value<'_>>,
    arguments: &mut PgArguments,
) -> Result<(), BoxDynError> {
    match kind {
        Kind::Integer => arguments.add(each(column, |value| match value {
            Value::Integer(number) => Some(number),
            Value::Null(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_) => None,
        })?),
        Kind::Real => arguments.add(each(column, |value| match value {
            Value::Real(number) => Some(number),
            Value::Null(_) | Value::Integer(_) | Value::Text(_) | Value::Blob(_) => None,
        })?),
        Kind::Text => arguments.add(each(column, |value| match value {
            Value::Text(text) => Some(without_nul(text)),
            Value::Null(_) | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => None,
        })?),
        Kind::Blob => arguments.add(each(column, |value| match value {
            Value::Blob(bytes) => Some(bytes.into_owned()),
            Value::Null(_) | Value::Integer(_) | Value::Real(_) | Value::Text(_) => None,
        })?),
    }
}

/// The values of a column, NULL where one is; an error where one is of another kind than the column.
fn each<'q, T>(
    column: Vec<Value<'q>>,
    take: impl Fn(Value<'q>) -> Option<T>,
) -> Result<Vec<Option<T>>, BoxDynError> {
    column
        .into_iter()
        .map(|value| match value {
            Value::Null(_) => Ok(None),
            other @ (Value::Integer(_) | Value::Real(_) | Value::Text(_) | Value::Blob(_)) => {
                let kind = other.kind();
                take(other).map(Some).ok_or_else(|| format!("a {kind:?} among values of another kind").into())
            }
        })
        .collect()
}

/// What can be a value of a query: numbers, flags, texts, bytes, and each of them or nothing.
pub(crate) trait IntoValue<'q> {
    /// The kind of column that takes it.
    const KIND: Kind;

    /// It as a value.
    fn into_value(self) -> Value<'q>;
}

macro_rules! into_value {
    ($type:ty, $kind:ident, $value:ident => $made:expr) => {
        impl<'q> IntoValue<'q> for $type {
            const KIND: Kind = Kind::$kind;
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
    const KIND: Kind = T::KIND;
    fn into_value(self) -> Value<'q> {
        self.map_or(Value::Null(T::KIND), IntoValue::into_value)
    }
}

impl<'q, T> IntoValue<'q> for &'q Option<T>
where
    &'q T: IntoValue<'q>,
{
    const KIND: Kind = <&'q T as IntoValue<'q>>::KIND;
    fn into_value(self) -> Value<'q> {
        self.as_ref().into_value()
    }
}
