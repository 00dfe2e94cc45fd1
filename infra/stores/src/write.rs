//! A write transaction, with the rows that wait to be written in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{Sqlite, Transaction};

use crate::views::{execute, fetch};
use crate::{Counts, Dialect, Row, Statement, StoreError, Table, Value};

/// Rows in one statement. Few sizes, so that few texts have to be prepared.
const CHUNKS: [usize; 3] = [128, 16, 1];

/// A transaction. Rows are collected, the last word on each primary key wins, and they are written sorted by table and
/// key when something is read, or at the commit.
pub struct Write {
    transaction: Transaction<'static, Sqlite>,
    dialect: Dialect,
    counts: Arc<Counts>,
    waiting: BTreeMap<&'static Table, BTreeMap<Vec<Value>, Option<Vec<Value>>>>,
}

impl Write {
    pub(crate) fn new(transaction: Transaction<'static, Sqlite>, dialect: Dialect, counts: Arc<Counts>) -> Self {
        Write { transaction, dialect, counts, waiting: BTreeMap::new() }
    }

    /// Writes a whole row: the key's values in order, then the others. A row with the same key is replaced.
    pub fn put(&mut self, table: &'static Table, key: Vec<Value>, others: Vec<Value>) {
        debug_assert_eq!((key.len(), others.len()), (table.key.len(), table.columns.len()), "{}", table.name);
        self.waiting.entry(table).or_default().insert(key, Some(others));
    }

    /// Deletes the row with this key, if there is one.
    pub fn delete(&mut self, table: &'static Table, key: Vec<Value>) {
        debug_assert_eq!(key.len(), table.key.len(), "{}", table.name);
        self.waiting.entry(table).or_default().insert(key, None);
    }

    /// All rows of a statement, which sees what this transaction wrote.
    pub async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.flush().await?;
        self.counts.statement();
        fetch(&mut *self.transaction, statement).await
    }

    /// Runs a statement that changes rows; returns how many.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.flush().await?;
        self.run(statement).await
    }

    /// Writes what waits and makes all of it visible at once.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.flush().await?;
        Ok(self.transaction.commit().await?)
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        for (table, rows) in std::mem::take(&mut self.waiting) {
            let (mut puts, mut deletes) = (vec![], vec![]);
            for (key, row) in rows {
                match row {
                    Some(others) => puts.push([key, others].concat()),
                    None => deletes.push(key),
                }
            }
            let dialect = self.dialect;
            self.in_chunks(deletes, |keys| dialect.delete(table, keys)).await?;
            self.in_chunks(puts, |rows| dialect.upsert(table, rows)).await?;
        }
        Ok(())
    }

    async fn in_chunks(
        &mut self,
        rows: Vec<Vec<Value>>,
        statement: impl Fn(Vec<Vec<Value>>) -> Statement,
    ) -> Result<(), StoreError> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let size = CHUNKS.into_iter().find(|size| *size <= rows.len()).unwrap_or(1);
            self.run(statement(rows.by_ref().take(size).collect())).await?;
        }
        Ok(())
    }

    async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.counts.statement();
        execute(&mut *self.transaction, statement).await
    }
}
