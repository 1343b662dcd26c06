//! A query: its text, and values that never become part of it.
//!
//! Statements are prepared once a connection and kept by sqlx, as with its own `query`.

use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Error, SqlSafeStr, SqlStr};

use super::connection::Connection;
use super::value::{IntoValue, Value};

/// Begins a query with `$1`, `$2`, ... where values go.
pub(crate) fn query<'q>(sql: impl SqlSafeStr) -> Query<'q> {
    Query { text: Text::Whole(sql.into_sql_str()), values: Vec::new() }
}

/// A query with its values.
#[derive(Debug)]
#[must_use = "it does nothing until it is executed or fetched"]
pub(crate) struct Query<'q> {
    text: Text<'q>,
    values: Vec<Value<'q>>,
}

#[derive(Debug)]
enum Text<'q> {
    Whole(SqlStr),
    Built(Vec<Part<'q>>),
}

#[derive(Debug)]
enum Part<'q> {
    Sql(String),
    Value(Value<'q>),
    Rows(Vec<Vec<Value<'q>>>),
}

/// A row; see [`super::rows::Columns`].
pub(crate) type Row = SqliteRow;

/// What a query did that gives no rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    rows: u64,
}

impl Done {
    /// How many rows were written, changed or deleted.
    pub(crate) fn rows_affected(self) -> u64 {
        self.rows
    }
}

impl<'q> Query<'q> {
    /// Gives the next value.
    pub(crate) fn bind(mut self, value: impl IntoValue<'q>) -> Self {
        self.values.push(value.into_value());
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn execute(self, c: &mut Connection) -> Result<Done, Error> {
        let done = self.for_sqlite()?.execute(c).await?;
        Ok(Done { rows: done.rows_affected() })
    }

    /// All rows.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn fetch_all(self, c: &mut Connection) -> Result<Vec<Row>, Error> {
        self.for_sqlite()?.fetch_all(c).await
    }

    /// The first row, if there is any.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn fetch_optional(self, c: &mut Connection) -> Result<Option<Row>, Error> {
        self.for_sqlite()?.fetch_optional(c).await
    }

    /// The one row.
    ///
    /// # Errors
    /// [`Error::RowNotFound`]; else what the database says.
    pub(crate) async fn fetch_one(self, c: &mut Connection) -> Result<Row, Error> {
        self.fetch_optional(c).await?.ok_or(Error::RowNotFound)
    }

    fn for_sqlite(self) -> Result<sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>, Error> {
        let mut arguments = SqliteArguments::default();
        let sql = self.written(&mut arguments).map_err(Error::Encode)?;
        Ok(sqlx::query_with(sql, arguments))
    }

    fn written(self, arguments: &mut SqliteArguments) -> Result<SqlStr, BoxDynError> {
        for value in self.values {
            value.add_to(arguments)?;
        }
        let parts = match self.text {
            Text::Whole(sql) => return Ok(sql),
            Text::Built(parts) => parts,
        };
        let mut sql = String::new();
        for part in parts {
            match part {
                Part::Sql(text) => sql.push_str(&text),
                Part::Value(value) => push_value(&mut sql, value, arguments)?,
                Part::Rows(rows) => push_rows(&mut sql, rows, arguments)?,
            }
        }
        // Every piece is the program's own words: values went to the arguments.
        Ok(AssertSqlSafe(sql).into_sql_str())
    }
}

fn push_value(
    sql: &mut String,
    value: Value<'_>,
    arguments: &mut SqliteArguments,
) -> Result<(), BoxDynError> {
    value.add_to(arguments)?;
    sql.push('$');
    sql.push_str(&arguments.len().to_string());
    Ok(())
}

fn push_rows(
    sql: &mut String,
    rows: Vec<Vec<Value<'_>>>,
    arguments: &mut SqliteArguments,
) -> Result<(), BoxDynError> {
    for (i, row) in rows.into_iter().enumerate() {
        sql.push_str(if i == 0 { "VALUES (" } else { ", (" });
        for (j, value) in row.into_iter().enumerate() {
            if j > 0 {
                sql.push_str(", ");
            }
            push_value(sql, value, arguments)?;
        }
        sql.push(')');
    }
    Ok(())
}

/// A query whose text depends on what is asked. Words are pushed, values bound; a value never becomes part of the text.
#[derive(Debug, Default)]
pub(crate) struct QueryBuilder<'q> {
    parts: Vec<Part<'q>>,
}

impl<'q> QueryBuilder<'q> {
    /// Begins with these words.
    pub(crate) fn new(sql: &'static str) -> Self {
        let mut builder = Self::default();
        builder.push(sql);
        builder
    }

    /// Adds words.
    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        match self.parts.last_mut() {
            Some(Part::Sql(text)) => text.push_str(sql),
            Some(Part::Value(_) | Part::Rows(_)) | None => self.parts.push(Part::Sql(sql.to_owned())),
        }
        self
    }

    /// Adds a value.
    pub(crate) fn push_bind(&mut self, value: impl IntoValue<'q>) -> &mut Self {
        self.parts.push(Part::Value(value.into_value()));
        self
    }

    /// Adds values with a separator between them.
    pub(crate) fn separated(&mut self, separator: &'static str) -> Separated<'_, 'q> {
        Separated { builder: self, separator, is_first: true }
    }

    /// Adds rows to insert, of which there must be one at least. Every row binds as many values, of the same kinds.
    pub(crate) fn push_values<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut bind: impl FnMut(RowValues<'_, 'q>, T),
    ) -> &mut Self {
        let mut rows = Vec::new();
        for item in items {
            let mut row = Vec::new();
            bind(RowValues(&mut row), item);
            rows.push(row);
        }
        self.parts.push(Part::Rows(rows));
        self
    }

    /// The query.
    pub(crate) fn build(self) -> Query<'q> {
        Query { text: Text::Built(self.parts), values: Vec::new() }
    }
}

/// Adds values with a separator between them.
#[derive(Debug)]
pub(crate) struct Separated<'b, 'q> {
    builder: &'b mut QueryBuilder<'q>,
    separator: &'static str,
    is_first: bool,
}

impl<'q> Separated<'_, 'q> {
    /// Adds a value.
    pub(crate) fn push_bind(&mut self, value: impl IntoValue<'q>) -> &mut Self {
        if !self.is_first {
            self.builder.push(self.separator);
        }
        self.is_first = false;
        self.builder.push_bind(value);
        self
    }
}

/// The values of one row.
#[derive(Debug)]
pub(crate) struct RowValues<'b, 'q>(&'b mut Vec<Value<'q>>);

impl<'q> RowValues<'_, 'q> {
    /// Adds the value of the next column.
    pub(crate) fn push_bind(&mut self, value: impl IntoValue<'q>) -> &mut Self {
        self.0.push(value.into_value());
        self
    }
}
