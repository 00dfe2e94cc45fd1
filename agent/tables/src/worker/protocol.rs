//! What pool and worker say to each other: JSON with its length before it, four bytes, the highest first.
//!
//! The pool sends one [`Setup`], then requests; the worker answers each in turn.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Context, QueryError, QueryOutput, Row};

/// How the worker limits itself, once for its life.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    /// Address space of the process.
    pub memory_bytes: u64,
    pub nice: i32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub id: u64,
    pub sql: String,
    pub context: Context,
    pub views: BTreeMap<String, String>,
    pub time_limit: Duration,
    pub output_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    pub id: u64,
    pub result: Result<Vec<Set>, QueryError>,
    pub user_time: Duration,
    pub system_time: Duration,
    /// What the query needed at its peak beyond what the worker held before.
    pub memory_bytes: u64,
    /// What the worker holds now.
    pub held_bytes: u64,
}

/// Rows of the same columns. The first set's columns count even without rows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Set {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Set {
    /// An output has one set, and one more for each change of columns among its rows.
    pub fn of(output: QueryOutput) -> Vec<Self> {
        let mut sets: Vec<Self> = Vec::new();
        for row in output.rows {
            match sets.last_mut().filter(|set| set.columns == row.columns()) {
                Some(set) => set.rows.push(row.into_values()),
                None => sets.push(Self { columns: row.columns().to_vec(), rows: vec![row.into_values()] }),
            }
        }
        if sets.last().is_none_or(|set| set.columns != output.columns) {
            sets.push(Self { columns: output.columns, rows: Vec::new() });
        }
        sets
    }

    pub fn together(sets: Vec<Self>) -> QueryOutput {
        let mut output = QueryOutput::default();
        for set in sets {
            let columns: Arc<[String]> = set.columns.into();
            let whole = set.rows.into_iter().filter(|row| row.len() == columns.len());
            output.rows.extend(whole.map(|row| Row::new(columns.clone(), row)));
            output.columns = columns.to_vec();
        }
        output
    }
}

/// A message as it travels.
pub(super) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(|_| io::Error::other("message too long for a frame"))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

pub(super) fn write(sink: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    sink.write_all(&frame(message)?)?;
    sink.flush()
}

/// `None` at the end of the stream.
pub(super) fn read<T: DeserializeOwned>(source: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match source.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    source.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)]) -> Row {
        pairs.iter().copied().collect()
    }

    #[test]
    fn outputs_survive_being_sent() {
        let columns = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
        for output in [
            QueryOutput::default(),
            QueryOutput { columns: columns(&["a", "b"]), rows: vec![] },
            QueryOutput { columns: columns(&["a"]), rows: vec![row(&[("a", "1")]), row(&[("a", "")])] },
            QueryOutput { columns: columns(&["b"]), rows: vec![row(&[("a", "1")]), row(&[("b", "2")])] },
            QueryOutput { columns: columns(&["b"]), rows: vec![row(&[("a", "1")])] },
        ] {
            assert_eq!(Set::together(Set::of(output.clone())), output);
        }
    }

    #[test]
    fn frames_are_read_as_written_and_the_end_is_seen() {
        let mut stream = Vec::new();
        write(&mut stream, &Setup { memory_bytes: 7, nice: 3 }).unwrap();
        let mut source = stream.as_slice();
        let setup: Setup = read(&mut source).unwrap().unwrap();
        assert_eq!((setup.memory_bytes, setup.nice), (7, 3));
        assert!(read::<Setup>(&mut source).unwrap().is_none());
        assert!(read::<Setup>(&mut &stream[..9]).is_err(), "a cut frame");
    }
}
