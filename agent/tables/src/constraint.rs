//! What a query asks of a table's columns, as far as a table can use it before it makes any row.

use std::collections::BTreeMap;

use crate::error::QueryError;

/// The comparisons that are handed to a table. SQLite checks each row again, so a table may give too many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `IS`, and each value of `IN` in turn.
    Equal,
    Like,
    Glob,
}

/// Constraints by column. A value is the text that SQLite holds; a comparison with NULL has none.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    by_column: BTreeMap<usize, Vec<(Operator, Option<String>)>>,
}

impl Constraints {
    pub(crate) fn add(&mut self, column: usize, operator: Operator, value: Option<String>) {
        self.by_column.entry(column).or_default().push((operator, value));
    }

    pub(crate) fn on(&self, column: usize) -> bool {
        self.by_column.contains_key(&column)
    }

    pub(crate) fn values(&self, column: usize, wanted: Operator) -> impl Iterator<Item = &str> {
        let all = self.by_column.get(&column).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |(op, _)| *op == wanted).filter_map(|(_, value)| value.as_deref())
    }
}

/// One reading of a table: what the query wants of it and what the agent knows of itself.
pub struct Scan<'a> {
    pub context: &'a crate::Context,
    pub(crate) schema: &'static crate::Schema,
    pub(crate) constraints: Constraints,
    /// A bit for each column that the query reads; the last bit stands for all from the 64th on.
    pub(crate) used: u64,
}

impl Scan<'_> {
    /// Values that the column must be equal to, all of them (so more than one leaves no row).
    pub fn equal<'s>(&'s self, column: &str) -> impl Iterator<Item = &'s str> {
        self.constraints.values(self.position(column), Operator::Equal)
    }

    /// The first value that the column must be equal to.
    pub fn equal_to(&self, column: &str) -> Option<&str> {
        self.equal(column).next()
    }

    pub fn like<'s>(&'s self, column: &str) -> impl Iterator<Item = &'s str> {
        self.constraints.values(self.position(column), Operator::Like)
    }

    pub fn glob<'s>(&'s self, column: &str) -> impl Iterator<Item = &'s str> {
        self.constraints.values(self.position(column), Operator::Glob)
    }

    /// False when the query cannot see the column, so that a costly value need not be made.
    pub fn reads(&self, column: &str) -> bool {
        self.used & (1 << self.position(column).min(63)) != 0
    }

    fn position(&self, column: &str) -> usize {
        // A wrong name here is a mistake in a table; every table is read by a test, which then fails.
        self.schema.position(column).unwrap_or_else(|| panic!("table {} has no column {column}", self.schema.name))
    }

    /// Refuses a query that constrains none of the required columns, and one about another process's namespace.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        let required: Vec<&str> = self.schema.required().map(|c| c.name.as_str()).collect();
        let met = required.iter().any(|name| self.constraints.on(self.position(name)));
        if !required.is_empty() && !met {
            return Err(QueryError::Sql(format!(
                "table {} needs a constraint on {} in the WHERE clause (=, IN, LIKE or GLOB)",
                self.schema.name,
                required.join(" or "),
            )));
        }
        let namespace = "pid_with_namespace";
        if self.schema.position(namespace).is_some() && self.equal(namespace).any(|pid| pid != "0") {
            return Err(QueryError::Sql(format!(
                "table {} cannot look into another process's namespace ({namespace})",
                self.schema.name,
            )));
        }
        Ok(())
    }
}
