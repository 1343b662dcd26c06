//! All rows of one database into another: from SQLite to PostgreSQL, when a commune's machine becomes a province's.

use sqlx::AssertSqlSafe;

use super::connection::{Connection, Inner};
use super::query::{QueryBuilder, Row, query};
use super::rows::Columns as _;
use super::value::{Kind, Value};
use super::{Store, StoreError};

/// How many rows are read and written at once.
const ROWS: i64 = 2_000;

/// A table as it is in both databases.
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
    /// In which order its rows are read, so that a page of them can follow another.
    order: Order,
}

enum Order {
    /// As they were written.
    Rowid,
    /// By columns that tell rows apart.
    Columns(String),
}

impl Store {
    /// Copies every row to another database, which has to be PostgreSQL, up to this version and empty. Gives the tables with the
    /// number of their rows. It writes all or nothing; meanwhile nobody else writes to either.
    ///
    /// # Errors
    /// [`StoreError::Copy`] when it is not so; else what reading or writing gives.
    pub async fn copy_to(&self, other: &Self) -> Result<Vec<(String, u64)>, StoreError> {
        let (mut from, mut to) = (self.write().await?, other.write().await?);
        let is_supported = matches!((from.inner(), to.inner()), (Inner::Sqlite(_), Inner::Postgres(_)));
        if !is_supported {
            return Err(StoreError::Copy(
                "only a SQLite file can be copied, and only to PostgreSQL".to_owned(),
            ));
        }
        let tables = tables(&mut from).await?;
        for table in &tables {
            if count(&mut to, table).await? > 0 {
                let problem =
                    format!("the table {} holds rows already: make an empty database for it", table.name);
                return Err(StoreError::Copy(problem));
            }
        }
        let mut copied = Vec::with_capacity(tables.len());
        for table in &tables {
            let rows = copy_table(&mut from, &mut to, table).await?;
            if rows != count(&mut from, table).await? || rows != count(&mut to, table).await? {
                return Err(StoreError::Copy(format!("the table {} has other rows than before", table.name)));
            }
            copied.push((table.name.clone(), rows));
        }
        // Numbers that the database gives go on after the last one.
        query("SELECT setval(pg_get_serial_sequence('audit', 'id'), COALESCE(MAX(id), 0) + 1, false) FROM audit")
            .execute(&mut to)
            .await?;
        to.commit().await?;
        Ok(copied)
    }
}

/// The tables of a SQLite file, in the order in which they were made: what a row names is in an earlier one.
async fn tables(from: &mut Connection) -> Result<Vec<Table>, StoreError> {
    let listed = query(
        "SELECT name, instr(sql, 'WITHOUT ROWID') > 0 AS without_rowid FROM sqlite_master
         WHERE type = 'table' AND substr(name, 1, 6) <> 'sqlite' AND substr(name, 1, 5) <> '_sqlx' ORDER BY rowid",
    )
    .fetch_all(from)
    .await?;
    let mut tables = Vec::with_capacity(listed.len());
    for row in &listed {
        let name = row.text("name")?;
        let described =
            query("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY pk, cid").bind(&name);
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        for column in &described.fetch_all(from).await? {
            let kind = match column.text("type")?.as_str() {
                "INTEGER" => Kind::Integer,
                "REAL" => Kind::Real,
                "BLOB" => Kind::Blob,
                _ => Kind::Text,
            };
            let quoted = format!("\"{}\"", column.text("name")?);
            if column.number::<u32>("pk")? > 0 {
                keys.push(quoted);
            }
            columns.push((column.text("name")?, kind));
        }
        let order = match (name.as_str(), row.flag("without_rowid")?) {
            // What contains an area comes before it.
            ("area", _) => Order::Columns("path".to_owned()),
            (_, true) => Order::Columns(keys.join(", ")),
            (_, false) => Order::Rowid,
        };
        tables.push(Table { name, columns, order });
    }
    Ok(tables)
}

async fn count(c: &mut Connection, table: &Table) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) AS number FROM \"{}\"", table.name);
    query(AssertSqlSafe(sql)).fetch_one(c).await?.number("number")
}

async fn copy_table(from: &mut Connection, to: &mut Connection, table: &Table) -> Result<u64, StoreError> {
    let names = table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let name = &table.name;
    let (page, rowid, mut after) = match &table.order {
        Order::Rowid => ("rowid > $1 ORDER BY rowid LIMIT $2".to_owned(), ", rowid AS row_number", i64::MIN),
        Order::Columns(keys) => (format!("TRUE ORDER BY {keys} LIMIT $2 OFFSET $1"), "", 0),
    };
    let select = format!("SELECT {names}{rowid} FROM \"{name}\" WHERE {page}");
    let mut copied = 0;
    loop {
        let rows = query(AssertSqlSafe(select.clone())).bind(after).bind(ROWS).fetch_all(from).await?;
        let Some(last) = rows.last() else { return Ok(copied) };
        after = match &table.order {
            Order::Rowid => last.number("row_number")?,
            Order::Columns(_) => after + ROWS,
        };
        copied += rows.len() as u64;
        let mut values = Vec::with_capacity(rows.len());
        for row in &rows {
            let cells = table.columns.iter().map(|(name, kind)| cell(row, name, *kind));
            values.push(cells.collect::<Result<Vec<_>, _>>()?);
        }
        let mut insert = QueryBuilder::of_names(format!("INSERT INTO \"{name}\" ({names}) "));
        insert.push_values(values, |mut row, cells| {
            for cell in cells {
                row.push_value(cell);
            }
        });
        insert.build().execute(to).await?;
    }
}

fn cell(row: &Row, name: &str, kind: Kind) -> Result<Value<'static>, StoreError> {
    Ok(match kind {
        Kind::Integer => row.number_opt(name)?.map_or(Value::Null(kind), Value::Integer),
        Kind::Real => row.real_opt(name)?.map_or(Value::Null(kind), Value::Real),
        Kind::Text => row.text_opt(name)?.map_or(Value::Null(kind), |text| Value::Text(text.into())),
        Kind::Blob => row.bytes_opt(name)?.map_or(Value::Null(kind), |bytes| Value::Blob(bytes.into())),
    })
}
