//! A snapshot as osquery logs it: all rows in one line, or one row a line.

use domain::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Rows that are kept of one snapshot.
const ROWS: usize = 1000;
/// Bytes of rows that are kept of one snapshot.
const BYTES: usize = 1 << 20;

/// What a line says.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The host's clock, if it told.
    pub unix_time: Option<Timestamp>,
    pub rows: Rows,
    /// The line holds one row of several lines.
    pub is_row: bool,
}

/// Rows as JSON objects, as the host sent them.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    kept: Vec<Box<RawValue>>,
    bytes: usize,
    /// How many the host gave, kept or not.
    pub given: u64,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    action: String,
    snapshot: Option<Vec<Box<RawValue>>>,
    columns: Option<Box<RawValue>>,
    #[serde(rename = "unixTime")]
    unix_time: Option<serde_json::Value>,
}

impl Snapshot {
    /// `None` for a line that is no snapshot.
    pub fn parse(line: &[u8]) -> Option<Snapshot> {
        let wire: Wire = serde_json::from_slice(line).ok()?;
        let unix_time = wire.unix_time.as_ref().and_then(seconds);
        let (rows, is_row) = match (wire.snapshot, wire.columns) {
            (Some(rows), _) => (rows, false),
            (None, Some(columns)) if wire.action == "snapshot" => (vec![columns], true),
            _ => return None,
        };
        Some(Snapshot { unix_time, rows: Rows::of(rows), is_row })
    }
}

impl Rows {
    pub fn of(rows: Vec<Box<RawValue>>) -> Rows {
        let mut all = Rows::default();
        rows.into_iter().filter(|row| row.get().starts_with('{')).for_each(|row| all.push(row));
        all
    }

    /// The number alone, of rows that stay in the store.
    pub fn left_behind(given: u64) -> Rows {
        Rows { given, ..Rows::default() }
    }

    /// Reads what [`Rows::json`] wrote.
    pub fn stored(json: &[u8], given: u64) -> Option<Rows> {
        let rows: Vec<Box<RawValue>> = serde_json::from_slice(json).ok()?;
        Some(Rows { given, ..Rows::of(rows) })
    }

    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.kept).expect("raw JSON is written as it is")
    }

    pub fn extend(&mut self, more: Rows) {
        let left_out = more.given - more.kept.len() as u64;
        more.kept.into_iter().for_each(|row| self.push(row));
        self.given += left_out;
    }

    /// Whether rows were left out.
    pub fn cut(&self) -> bool {
        self.given > self.kept.len() as u64
    }

    fn push(&mut self, row: Box<RawValue>) {
        let full = self.cut() || self.kept.len() == ROWS || self.bytes + row.get().len() > BYTES;
        self.given += 1;
        if !full {
            self.bytes += row.get().len();
            self.kept.push(row);
        }
    }
}

/// A number of seconds, or a text that is one; a time that no clock can show is none.
fn seconds(value: &serde_json::Value) -> Option<Timestamp> {
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (0..=253_402_300_799).contains(&number).then(|| Timestamp::from_secs(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<(Option<i64>, String, bool)> {
        let snapshot = Snapshot::parse(line.as_bytes())?;
        let rows = String::from_utf8(snapshot.rows.json()).unwrap();
        Some((snapshot.unix_time.map(Timestamp::secs), rows, snapshot.is_row))
    }

    #[test]
    fn both_forms_are_read() {
        let whole = r#"{"name":"q","action":"snapshot","snapshot":[{"a":"1"},{"a":2}],"unixTime":7}"#;
        assert_eq!(parse(whole), Some((Some(7), r#"[{"a":"1"},{"a":2}]"#.into(), false)));
        let row = r#"{"name":"q","action":"snapshot","columns":{"a":"1"},"unixTime":"7"}"#;
        assert_eq!(parse(row), Some((Some(7), r#"[{"a":"1"}]"#.into(), true)));
        let empty = r#"{"name":"q","action":"snapshot","snapshot":[],"unixTime":"soon"}"#;
        assert_eq!(parse(empty), Some((None, "[]".into(), false)));
    }

    #[test]
    fn other_lines_are_no_snapshots() {
        for line in
            [r#"{"action":"added","columns":{"a":"1"}}"#, r#"{"diffResults":{"added":[],"removed":[]}}"#, "[]", ""]
        {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_over_the_limits_is_counted_and_left_out() {
        let many = format!(r#"{{"snapshot":[{}]}}"#, vec![r#"{"a":"1"}"#; 1001].join(","));
        let rows = Snapshot::parse(many.as_bytes()).unwrap().rows;
        assert_eq!((rows.kept.len(), rows.given, rows.cut()), (1000, 1001, true));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(400_000));
        let mut rows = Rows::of(vec![RawValue::from_string(long.clone()).unwrap(); 2]);
        assert!(!rows.cut());
        rows.extend(Rows::of(vec![RawValue::from_string(long).unwrap()]));
        assert_eq!((rows.kept.len(), rows.given, rows.cut()), (2, 3, true));
        let again = Rows::stored(&rows.json(), rows.given).unwrap();
        assert_eq!((again.kept.len(), again.given, again.cut()), (2, 3, true));
    }
}
