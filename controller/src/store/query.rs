//! A query of either database.
//!
//! ```text
//! query("... $1 ...").bind(x) ──┐                         ┌─ sqlx::query_with::<Sqlite>
//!                               ├─ SQL and values ──> run ┤
//! QueryBuilder ── push ─────────┘    (the connection      └─ sqlx::query_with::<Postgres>
//!                                     says which)
//! ```
//!
//! Statements are prepared once a connection and kept by sqlx, as with its own `query`.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Error, SqlSafeStr, SqlStr};

use super::connection::{Connection, Inner};
use super::value::{IntoValue, Value, add_column_to_postgres};

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

/// A row of either database; see [`super::rows::Columns`].
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

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
        let rows = match c.inner() {
            Inner::Sqlite(tx) => self.for_sqlite()?.execute(&mut **tx).await?.rows_affected(),
            Inner::Postgres(tx) => self.for_postgres()?.execute(&mut **tx).await?.rows_affected(),
        };
        Ok(Done { rows })
    }

    /// All rows.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn fetch_all(self, c: &mut Connection) -> Result<Vec<Row>, Error> {
        Ok(match c.inner() {
            Inner::Sqlite(tx) => {
                self.for_sqlite()?.fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Inner::Postgres(tx) => {
                self.for_postgres()?.fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, if there is any.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn fetch_optional(self, c: &mut Connection) -> Result<Option<Row>, Error> {
        Ok(match c.inner() {
            Inner::Sqlite(tx) => self.for_sqlite()?.fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Inner::Postgres(tx) => self.for_postgres()?.fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
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

    fn for_postgres(self) -> Result<sqlx::query::Query<'q, sqlx::Postgres, PgArguments>, Error> {
        let mut arguments = PgArguments::default();
        let sql = self.written(&mut arguments).map_err(Error::Encode)?;
        Ok(sqlx::query_with(sql, arguments))
    }

    fn written(self, arguments: &mut impl Dialect) -> Result<SqlStr, BoxDynError> {
        for value in self.values {
            arguments.take(value)?;
        }
        let parts = match self.text {
            Text::Whole(sql) => return Ok(sql),
            Text::Built(parts) => parts,
        };
        let mut sql = String::new();
        for part in parts {
            match part {
                Part::Sql(text) => sql.push_str(&text),
                Part::Value(value) => {
                    arguments.take(value)?;
                    push_placeholder(&mut sql, arguments.len());
                }
                Part::Rows(rows) => arguments.take_rows(&mut sql, rows)?,
            }
        }
        // Every piece is the program's own words: values went to the arguments.
        Ok(AssertSqlSafe(sql).into_sql_str())
    }
}

fn push_placeholder(sql: &mut String, number: usize) {
    sql.push('$');
    sql.push_str(&number.to_string());
}

/// The arguments of one database, and how many rows at once are written there.
trait Dialect {
    fn len(&self) -> usize;
    fn take(&mut self, value: Value<'_>) -> Result<(), BoxDynError>;
    fn take_rows(&mut self, sql: &mut String, rows: Vec<Vec<Value<'_>>>) -> Result<(), BoxDynError>;
}

impl Dialect for SqliteArguments {
    fn len(&self) -> usize {
        sqlx::Arguments::len(self)
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), BoxDynError> {
        value.add_to_sqlite(self)
    }

    fn take_rows(&mut self, sql: &mut String, rows: Vec<Vec<Value<'_>>>) -> Result<(), BoxDynError> {
        for (i, row) in rows.into_iter().enumerate() {
            sql.push_str(if i == 0 { "VALUES (" } else { ", (" });
            for (j, value) in row.into_iter().enumerate() {
                if j > 0 {
                    sql.push_str(", ");
                }
                self.take(value)?;
                push_placeholder(sql, Dialect::len(self));
            }
            sql.push(')');
        }
        Ok(())
    }
}

impl Dialect for PgArguments {
    fn len(&self) -> usize {
        sqlx::Arguments::len(self)
    }

    fn take(&mut self, value: Value<'_>) -> Result<(), BoxDynError> {
        value.add_to_postgres(self)
    }

    /// One array a column: the same statement however many rows there are, and no bound on their number.
    fn take_rows(&mut self, sql: &mut String, rows: Vec<Vec<Value<'_>>>) -> Result<(), BoxDynError> {
        let kinds: Vec<_> = rows.first().into_iter().flatten().map(Value::kind).collect();
        let mut columns: Vec<Vec<Value<'_>>> = kinds.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        sql.push_str("SELECT * FROM UNNEST(");
        for (i, (kind, column)) in kinds.into_iter().zip(columns).enumerate() {
            if i > 0 {
                sql.push_str(", ");
            }
            add_column_to_postgres(kind, column, self)?;
            push_placeholder(sql, Dialect::len(self));
            sql.push_str("::");
            sql.push_str(kind.array_type());
        }
        sql.push(')');
        Ok(())
    }
}

/// A query whose text depends on what is asked. Words are pushed, values bound; a value never becomes part of the text.
#[derive(Debug, Default)]
pub(crate) struct QueryBuilder<'q> {
    parts: Vec<Part<'q>>,
}

impl<'q> QueryBuilder<'q> {
    /// Begins with words that were made of the names of tables and columns alone.
    pub(super) fn of_names(sql: String) -> Self {
        Self { parts: vec![Part::Sql(sql)] }
    }

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

    /// Adds rows to insert, of which there must be one at least: `VALUES` on SQLite, arrays through `UNNEST` on
    /// PostgreSQL. Every row binds as many values, of the same kinds.
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
        self.push_value(value.into_value());
        self
    }

    /// The same, of a value whose kind is known only now.
    pub(super) fn push_value(&mut self, value: Value<'q>) {
        self.0.push(value);
    }
}
