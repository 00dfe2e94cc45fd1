//! One row of a result: column names and texts, in column order.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::members;

/// A row as osquery writes it. Every cell is text; the order of the columns is the query's.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(Vec<(String, String)>);

impl Row {
    /// The cell of `column`, if the row has it.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == column).map(|(_, value)| value.as_str())
    }

    /// Columns and cells in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a row leniently. Numbers and booleans become text as they are written, `null` becomes empty, and an array
    /// or object its JSON. What is no object is a row without columns, as Fleet has it.
    pub(crate) fn lenient(value: &RawValue) -> Row {
        match members::object(value.get()) {
            Some(Ok(cells)) => cells.into_iter().map(|(name, cell)| (name, cell_text(cell))).collect(),
            Some(Err(_)) | None => Row::default(),
        }
    }
}

fn cell_text(cell: &RawValue) -> String {
    members::scalar(cell).unwrap_or_else(|| cell.get().to_owned())
}

/// Of equal column names the last value stays, in the place of the first.
impl FromIterator<(String, String)> for Row {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(cells: I) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut row: Vec<(String, String)> = Vec::new();
        for (name, value) in cells {
            match places.get(&name) {
                Some(&place) => row[place].1 = value,
                None => {
                    places.insert(name.clone(), row.len());
                    row.push((name, value));
                }
            }
        }
        Row(row)
    }
}

impl IntoIterator for Row {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Strict: an object of strings, as [`Serialize`] writes it.
impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;
        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = map.next_entry::<String, String>()? {
                    cells.push(cell);
                }
                Ok(cells.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenient(json: &str) -> Row {
        Row::lenient(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn check_27_scalars_become_text() {
        let row =
            lenient(r#"{"z":"text","n":1.50,"big":123456789012345678901,"exp":1e999,"t":true,"none":null,"list":[1]}"#);
        let cells: Vec<_> = row.iter().collect();
        let expected = [
            ("z", "text"),
            ("n", "1.50"),
            ("big", "123456789012345678901"),
            ("exp", "1e999"),
            ("t", "true"),
            ("none", ""),
            ("list", "[1]"),
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn what_is_no_object_has_no_columns() {
        for json in ["null", "3", "\"x\"", "[{}]"] {
            assert!(lenient(json).is_empty(), "{json}");
        }
    }

    #[test]
    fn order_is_kept_and_a_repeated_column_stays_once() {
        let row = lenient(r#"{"b":"1","a":"2","b":"3"}"#);
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"b":"3","a":"2"}"#);
        assert_eq!(serde_json::from_str::<Row>(r#"{"b":"3","a":"2"}"#).unwrap(), row);
    }
}
