//! Between columns and types.

use std::fmt::Display;
use std::str::FromStr;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use loa_protocol::time::UnixMs;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Row as _, Type, TypeInfo as _, ValueRef as _};

use super::StoreError;
use super::query::{QueryBuilder, Row};
use crate::domain::role::Scope;

/// The columns of a row as the program's types. A value that does not fit is [`StoreError::Damaged`].
pub(crate) trait Columns {
    /// A text parsed into its type.
    fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError>;
    /// A text or NULL, parsed into its type.
    fn parsed_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError>;
    /// A number in the range of its type.
    fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError>;
    /// A number or NULL.
    fn number_opt<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError>;
    /// A measured quantity.
    fn real(&self, column: &str) -> Result<f64, StoreError>;
    /// A measured quantity or NULL.
    fn real_opt(&self, column: &str) -> Result<Option<f64>, StoreError>;
    /// An instant.
    fn instant(&self, column: &str) -> Result<UnixMs, StoreError>;
    /// An instant or NULL.
    fn instant_opt(&self, column: &str) -> Result<Option<UnixMs>, StoreError>;
    /// A text.
    fn text(&self, column: &str) -> Result<String, StoreError>;
    /// A text or NULL.
    fn text_opt(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// A path of areas.
    fn path(&self, column: &str) -> Result<AreaPath, StoreError>;
    /// A path of areas or NULL.
    fn path_opt(&self, column: &str) -> Result<Option<AreaPath>, StoreError>;
    /// Bytes.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError>;
    /// Bytes or NULL.
    fn bytes_opt(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Bytes of a fixed length.
    fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError>;
    /// Yes or no.
    fn flag(&self, column: &str) -> Result<bool, StoreError>;
}

fn damaged(column: &str, problem: impl Display) -> StoreError {
    StoreError::Damaged { column: column.to_owned(), problem: problem.to_string() }
}

/// A value that both databases hold as the same Rust type.
fn value<'r, T>(row: &'r Row, column: &str) -> Result<T, sqlx::Error>
where
    T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite> + Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
{
    match row {
        Row::Sqlite(row) => row.try_get(column),
        Row::Postgres(row) => row.try_get(column),
    }
}

fn integer(row: &Row, column: &str) -> Result<i64, StoreError> {
    integer_opt(row, column)?.ok_or_else(|| damaged(column, "nothing where a number should be"))
}

fn integer_opt(row: &Row, column: &str) -> Result<Option<i64>, sqlx::Error> {
    match row {
        Row::Sqlite(row) => row.try_get(column),
        Row::Postgres(row) => postgres_integer(row, column),
    }
}

/// SQLite has one kind of integer. PostgreSQL's columns are all `BIGINT`; what a query computes may be smaller, or a
/// truth value.
fn postgres_integer(row: &PgRow, column: &str) -> Result<Option<i64>, sqlx::Error> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(None);
    }
    Ok(Some(match raw.type_info().name() {
        "BOOL" => i64::from(row.try_get::<bool, _>(column)?),
        "INT2" => i64::from(row.try_get::<i16, _>(column)?),
        "INT4" => i64::from(row.try_get::<i32, _>(column)?),
        _ => row.try_get(column)?,
    }))
}

fn in_range<T: TryFrom<i64>>(column: &str, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| damaged(column, format_args!("{number} is out of range")))
}

impl Columns for Row {
    fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        let text: &str = value(self, column)?;
        text.parse().map_err(|e| damaged(column, e))
    }

    fn parsed_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = value(self, column)?;
        text.map(|t| t.parse().map_err(|e| damaged(column, e))).transpose()
    }

    fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        in_range(column, integer(self, column)?)
    }

    fn number_opt<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        integer_opt(self, column)?.map(|number| in_range(column, number)).transpose()
    }

    fn real(&self, column: &str) -> Result<f64, StoreError> {
        Ok(value(self, column)?)
    }

    fn real_opt(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(value(self, column)?)
    }

    fn instant(&self, column: &str) -> Result<UnixMs, StoreError> {
        Ok(UnixMs(integer(self, column)?))
    }

    fn instant_opt(&self, column: &str) -> Result<Option<UnixMs>, StoreError> {
        Ok(integer_opt(self, column)?.map(UnixMs))
    }

    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(value(self, column)?)
    }

    fn text_opt(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(value(self, column)?)
    }

    fn path(&self, column: &str) -> Result<AreaPath, StoreError> {
        let text: &str = value(self, column)?;
        parse_path(column, text)
    }

    fn path_opt(&self, column: &str) -> Result<Option<AreaPath>, StoreError> {
        let text: Option<&str> = value(self, column)?;
        text.map(|t| parse_path(column, t)).transpose()
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        Ok(value(self, column)?)
    }

    fn bytes_opt(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(value(self, column)?)
    }

    fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        let bytes: &[u8] = value(self, column)?;
        bytes.try_into().map_err(|_| damaged(column, format_args!("{} bytes instead of {N}", bytes.len())))
    }

    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(integer(self, column)? != 0)
    }
}

fn parse_path(column: &str, text: &str) -> Result<AreaPath, StoreError> {
    let ids = text.split('/').filter(|part| !part.is_empty()).map(AreaId::new).collect::<Result<Vec<_>, _>>();
    AreaPath::new(ids.map_err(|e| damaged(column, e))?).map_err(|e| damaged(column, e))
}

/// A path as it is kept: `/tinh/xa/thon/`.
pub(super) fn path_text(path: &AreaPath) -> String {
    let mut text = String::from("/");
    for area in path.areas() {
        text.push_str(area.as_str());
        text.push('/');
    }
    text
}

/// The texts of all paths in a subtree: from this one, below the other. Only texts that go on after `/tinh/xa/` lie
/// between it and `/tinh/xa0`, because `0` follows `/` in ASCII.
pub(super) fn subtree(path: &AreaPath) -> (String, String) {
    let from = path_text(path);
    let mut below = from.clone();
    below.pop();
    below.push('0');
    (from, below)
}

/// Adds the condition that the path in `column` lies in one of the scopes: nothing for no scope.
pub(super) fn push_in_scopes(query: &mut QueryBuilder<'_>, column: &'static str, scopes: &[Scope]) {
    if scopes.contains(&Scope::Everywhere) {
        query.push("(1 = 1)");
        return;
    }
    query.push("(1 = 0");
    for scope in scopes {
        if let Scope::Area(path) = scope {
            let (from, below) = subtree(path);
            query.push(" OR (").push(column).push(" >= ").push_bind(from);
            query.push(" AND ").push(column).push(" < ").push_bind(below).push(")");
        }
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_subtree_is_a_range_of_texts(
            a in proptest::collection::vec("[a-c]([a-c0-]{0,2}[a-c])?", 1..4),
            b in proptest::collection::vec("[a-c]([a-c0-]{0,2}[a-c])?", 1..4),
        ) {
            let path = |ids: Vec<String>| AreaPath::new(ids.into_iter().map(|i| AreaId::new(i).unwrap()).collect());
            if let (Ok(a), Ok(b)) = (path(a), path(b)) {
                let (from, below) = subtree(&a);
                let text = path_text(&b);
                prop_assert_eq!(text >= from && text < below, Scope::Area(a).covers(&b));
                prop_assert_eq!(parse_path("path", &path_text(&b)).unwrap(), b);
            }
        }
    }
}
