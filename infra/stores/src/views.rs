//! The store, opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Executor, Row as _, Sqlite, SqlitePool, TypeInfo as _, ValueRef as _,
};

use crate::error::is_damage;
use crate::migration::{self, MigrationError};
use crate::{Counts, Dialect, OpenError, Row, Statement, StoreError, Value, Write};

/// Connections that read at once.
const READERS: u32 = 4;
/// How long a statement waits for a lock; only another process can hold one, since all writes take turns.
const BUSY: Duration = Duration::from_secs(10);
/// Prepared statements that a connection remembers.
const PREPARED: usize = 256;

/// The store of views: one SQLite file in WAL mode. Cloning is cheap.
///
/// A commit is not flushed to disk: after a power cut, rows and the checkpoint beside them are missing together, and
/// the log, which is flushed, brings both back.
#[derive(Clone)]
pub struct Views(Arc<Inner>);

struct Inner {
    readers: SqlitePool,
    writer: SqlitePool,
    counts: Arc<Counts>,
}

impl Views {
    /// Opens the file, makes it if it is not there, and brings its tables to the shape of this release.
    ///
    /// Errors: each names the file and, where something can be done, what.
    pub async fn open(path: &Path) -> Result<Views, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .statement_cache_capacity(PREPARED)
            .pragma("cache_size", "-32768")
            .pragma("temp_store", "MEMORY");
        let failed = |error: sqlx::Error| match is_damage(&error) {
            true => OpenError::Damaged { path: path.to_owned() },
            false => OpenError::Failed { path: path.to_owned(), reason: error.to_string() },
        };
        let pool = |size| SqlitePoolOptions::new().max_connections(size).idle_timeout(None).max_lifetime(None);
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        migration::run(&writer).await.map_err(|error| match error {
            MigrationError::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
            MigrationError::Sql(error) => failed(error),
        })?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(failed)?;
        Ok(Views(Arc::new(Inner { readers, writer, counts: Arc::default() })))
    }

    /// All rows of a statement that only reads.
    pub async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.0.counts.statement();
        fetch(&self.0.readers, statement).await
    }

    /// The first row of a statement that only reads, if there is one.
    pub async fn first(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Waits for its turn and begins a transaction; dropped before its commit, it leaves nothing behind.
    pub async fn write(&self) -> Result<Write, StoreError> {
        self.0.counts.write();
        let transaction = self.0.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write::new(transaction, self.dialect(), self.0.counts.clone()))
    }

    pub fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    /// What was asked so far.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Waits for what runs and closes every connection.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}

pub(crate) async fn fetch(
    executor: impl Executor<'_, Database = Sqlite>,
    statement: Statement,
) -> Result<Vec<Row>, StoreError> {
    let (sql, arguments) = statement.into_parts();
    let rows = sqlx::query_with(AssertSqlSafe(sql.into_owned()), bound(arguments)?).fetch_all(executor).await?;
    rows.iter().map(read).collect()
}

/// Returns how many rows the statement touched.
pub(crate) async fn execute(
    executor: impl Executor<'_, Database = Sqlite>,
    statement: Statement,
) -> Result<u64, StoreError> {
    let (sql, arguments) = statement.into_parts();
    let done = sqlx::query_with(AssertSqlSafe(sql.into_owned()), bound(arguments)?).execute(executor).await?;
    Ok(done.rows_affected())
}

fn bound(arguments: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    let mut bound = SqliteArguments::default();
    for argument in arguments {
        match argument {
            Value::Null => bound.add(None::<i64>),
            Value::Int(number) => bound.add(number),
            Value::Text(text) => bound.add(text),
            Value::Blob(bytes) => bound.add(bytes),
        }
        .map_err(|error| StoreError::Failed(error.to_string()))?;
    }
    Ok(bound)
}

fn read(row: &SqliteRow) -> Result<Row, StoreError> {
    let cells = row.columns().iter().map(|column| {
        let raw = row.try_get_raw(column.ordinal())?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let kind = raw.type_info();
        match kind.name() {
            "INTEGER" => row.try_get_unchecked(column.ordinal()).map(Value::Int),
            "TEXT" => row.try_get_unchecked(column.ordinal()).map(Value::Text),
            "BLOB" => row.try_get_unchecked(column.ordinal()).map(Value::Blob),
            _ => return Err(StoreError::Shape { column: column.ordinal() + 1 }),
        }
        .map_err(StoreError::from)
    });
    Ok(Row::new(cells.collect::<Result<Vec<_>, StoreError>>()?))
}
