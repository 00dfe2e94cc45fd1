//! How a table makes its rows: by column name, checked against the schema.
//!
//! A wrong name or a wrong type does not vanish: it makes the scan fail, so that reading the table once in a test
//! shows it.

use rusqlite::types::Value;

use crate::error::QueryError;
use crate::schema::{Column, ColumnType, Schema};

/// The rows of one scan. Only columns that the query reads are kept: a row of `file` has more than thirty, and a
/// scan may have hundreds of thousands of rows.
pub struct Rows {
    schema: &'static Schema,
    /// Where each column is kept in a row, if it is.
    places: Vec<Option<usize>>,
    width: usize,
    rows: Vec<Box<[Value]>>,
    mistake: Option<String>,
}

/// A row that is being filled. Columns that are not set are NULL, which a query shows as an empty string.
pub struct NewRow<'a> {
    schema: &'static Schema,
    places: &'a [Option<usize>],
    values: &'a mut [Value],
    mistake: &'a mut Option<String>,
}

/// A scan's rows when the table has made them.
#[derive(Default, Debug)]
pub(crate) struct Filled {
    places: Vec<Option<usize>>,
    rows: Vec<Box<[Value]>>,
}

impl Rows {
    /// `used` has a bit for each column that the query reads, the last one for all from the 64th on. Index columns
    /// are kept in any case: they tell rows apart.
    pub(crate) fn new(schema: &'static Schema, used: u64) -> Self {
        let mut width = 0;
        let kept = |(at, column): (usize, &Column)| {
            (column.index || used & (1 << at.min(63)) != 0).then(|| {
                width += 1;
                width - 1
            })
        };
        let places = schema.columns.iter().enumerate().map(kept).collect();
        Self { schema, places, width, rows: Vec::new(), mistake: None }
    }

    /// Starts a row.
    pub fn add(&mut self) -> NewRow<'_> {
        self.rows.push(vec![Value::Null; self.width].into());
        let values = self.rows.last_mut().expect("just pushed");
        NewRow { schema: self.schema, places: &self.places, values, mistake: &mut self.mistake }
    }

    pub(crate) fn finish(self) -> Result<Filled, QueryError> {
        match self.mistake {
            Some(mistake) => Err(QueryError::Sql(format!("table {}: {mistake}", self.schema.name))),
            None => Ok(Filled { places: self.places, rows: self.rows }),
        }
    }
}

impl Filled {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// NULL for a column that the query does not read.
    pub fn value(&self, row: usize, column: usize) -> &Value {
        self.places[column].map_or(&Value::Null, |place| &self.rows[row][place])
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
            Some(at) => {
                if let Some(place) = self.places[at] {
                    self.values[place] = value;
                }
            }
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
        Rows::new(table_schema("uptime").unwrap(), u64::MAX)
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let mut rows = rows();
        rows.add().int("total_seconds", 7u64);
        let made = rows.finish().unwrap();
        let values: Vec<_> = (0..5).map(|column| made.value(0, column).clone()).collect();
        assert_eq!(values, [Value::Null, Value::Null, Value::Null, Value::Null, Value::Integer(7)]);
    }

    #[test]
    fn only_columns_that_are_read_or_tell_rows_apart_are_kept() {
        let schema = table_schema("users").unwrap();
        let (uid, name) = (schema.position("uid").unwrap(), schema.position("username").unwrap());
        let mut rows = Rows::new(schema, 1 << name);
        assert_eq!(rows.width, 3, "uid, username and uuid");
        rows.add().int("uid", 5).int("gid", 6).text("username", "five");
        let made = rows.finish().unwrap();
        assert_eq!((made.value(0, uid), made.value(0, name)), (&Value::Integer(5), &Value::Text("five".into())));
        assert_eq!(made.value(0, schema.position("gid").unwrap()), &Value::Null);
    }

    #[test]
    fn an_unknown_column_is_an_error() {
        let mut rows = rows();
        rows.add().int("totl_seconds", 7u64);
        let error = rows.finish().unwrap_err();
        assert_eq!(error.to_string(), "table uptime: no column totl_seconds in the schema");
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        let mut rows = rows();
        rows.add().text("total_seconds", "7");
        assert_eq!(rows.finish().unwrap_err().to_string(), "table uptime: column total_seconds is not of that type");
    }
}
