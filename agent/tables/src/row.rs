//! How a table makes its rows: by column name, checked against the schema.
//!
//! A wrong name or a wrong type does not vanish: it makes the scan fail, so that reading the table once in a test
//! shows it.

use rusqlite::types::Value;

use crate::error::QueryError;
use crate::schema::{ColumnType, Schema};

/// The rows of one scan.
pub struct Rows {
    schema: &'static Schema,
    rows: Vec<Vec<Value>>,
    mistake: Option<String>,
}

/// A row that is being filled. Columns that are not set are NULL, which a query shows as an empty string.
pub struct NewRow<'a> {
    schema: &'static Schema,
    values: &'a mut [Value],
    mistake: &'a mut Option<String>,
}

impl Rows {
    pub(crate) fn new(schema: &'static Schema) -> Self {
        Self { schema, rows: Vec::new(), mistake: None }
    }

    /// Starts a row.
    pub fn add(&mut self) -> NewRow<'_> {
        self.rows.push(vec![Value::Null; self.schema.columns.len()]);
        let values = self.rows.last_mut().expect("just pushed");
        NewRow { schema: self.schema, values, mistake: &mut self.mistake }
    }

    pub(crate) fn finish(self) -> Result<Vec<Vec<Value>>, QueryError> {
        match self.mistake {
            Some(mistake) => Err(QueryError::Sql(format!("table {}: {mistake}", self.schema.name))),
            None => Ok(self.rows),
        }
    }
}

impl NewRow<'_> {
    pub fn text(&mut self, column: &str, value: impl Into<String>) -> &mut Self {
        self.set(column, Value::Text(value.into()), &[ColumnType::Text])
    }

    /// A whole number; what does not fit (above 2^63) wraps, as in osquery.
    pub fn int(&mut self, column: &str, value: impl Number) -> &mut Self {
        const INTEGERS: &[ColumnType] = &[ColumnType::Integer, ColumnType::Bigint, ColumnType::UnsignedBigint];
        self.set(column, Value::Integer(value.wrapped()), INTEGERS)
    }

    /// Sets the column only where there is a value.
    pub fn text_opt(&mut self, column: &str, value: Option<impl Into<String>>) -> &mut Self {
        match value {
            Some(value) => self.text(column, value),
            None => self,
        }
    }

    pub fn int_opt(&mut self, column: &str, value: Option<impl Number>) -> &mut Self {
        match value {
            Some(value) => self.int(column, value),
            None => self,
        }
    }

    fn set(&mut self, column: &str, value: Value, kinds: &[ColumnType]) -> &mut Self {
        match self.schema.position(column) {
            None => {
                self.mistake.get_or_insert(format!("no column {column} in the schema"));
            }
            Some(at) if !kinds.contains(&self.schema.columns[at].kind) => {
                self.mistake.get_or_insert(format!("column {column} is not of that type"));
            }
            Some(at) => self.values[at] = value,
        }
        self
    }
}

/// Integers of any width, as the signed 64 bits that SQLite has.
pub trait Number {
    fn wrapped(self) -> i64;
}

macro_rules! number {
    ($($kind:ty),*) => { $(impl Number for $kind { fn wrapped(self) -> i64 { self as i64 } })* };
}
number!(bool, i16, i32, i64, isize, u8, u16, u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table_schema;

    fn rows() -> Rows {
        Rows::new(table_schema("uptime").unwrap())
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let mut rows = rows();
        rows.add().int("total_seconds", 7u64);
        let made = rows.finish().unwrap();
        assert_eq!(made, [vec![Value::Null, Value::Null, Value::Null, Value::Null, Value::Integer(7)]]);
    }

    #[test]
    fn an_unknown_column_is_an_error() {
        let mut rows = rows();
        rows.add().int("totl_seconds", 7u64);
        assert_eq!(rows.finish().unwrap_err().to_string(), "table uptime: no column totl_seconds in the schema");
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        let mut rows = rows();
        rows.add().text("total_seconds", "7");
        assert_eq!(rows.finish().unwrap_err().to_string(), "table uptime: column total_seconds is not of that type");
    }
}
