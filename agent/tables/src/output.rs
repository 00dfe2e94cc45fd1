//! Answers: every value is a string, as osquery sends them, and the columns keep the order of the query.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The rows of one query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryOutput {
    /// The columns in the query's order, known also without rows. Of columns with one name the first place counts.
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// One row: names and values in order. Of columns with one name the last value counts, as in osquery.
///
/// JSON: an object of strings.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<String>,
}

impl Row {
    /// `columns` and `values` must be of one length.
    pub fn new(columns: Arc<[String]>, values: Vec<String>) -> Self {
        assert_eq!(columns.len(), values.len(), "a value for each column");
        Self { columns, values }
    }

    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|c| c == column)?;
        Some(&self.values[at])
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn values(&self) -> &[String] {
        &self.values
    }

    pub fn into_values(self) -> Vec<String> {
        self.values
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(String::as_str).zip(self.values.iter().map(String::as_str))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Row {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let (columns, values): (Vec<String>, Vec<String>) =
            pairs.into_iter().map(|(k, v)| (k.into(), v.into())).unzip();
        Self { columns: columns.into(), values }
    }
}

impl std::ops::Index<&str> for Row {
    type Output = str;
    /// Panics where [`Row::get`] gives `None`.
    fn index(&self, column: &str) -> &str {
        self.get(column).unwrap_or_else(|| panic!("no column {column} in {self:?}"))
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (column, value) in self.iter() {
            map.serialize_entry(column, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, String>()? {
                    pairs.push(pair);
                }
                Ok(pairs.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_an_object_that_keeps_its_order() {
        let row: Row = [("zeta", "1"), ("alpha", "")].into_iter().collect();
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(json, r#"{"zeta":"1","alpha":""}"#);
        assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
        assert_eq!(row.get("alpha"), Some(""));
        assert_eq!(row.get("beta"), None);
    }
}
