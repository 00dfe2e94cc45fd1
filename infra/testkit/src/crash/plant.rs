//! Faults that are put in on purpose, to see that they are found.

use std::path::Path;

use anyhow::Context;
use rusqlite::Connection;

use super::book::Book;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// An acknowledged line is removed from the log while the server is down.
    Loss,
    /// A follower goes on from before the place where it was.
    Double,
}

/// Removes one acknowledged result line from the log's files. False if there is none yet.
pub fn lose(data: &Path, book: &Book) -> anyhow::Result<bool> {
    let lines: std::collections::HashSet<String> =
        book.pages().lines.iter().filter(|line| line.kind == "result").map(|line| line.text.clone()).collect();
    for file in crate::folder::files(&data.join("log")) {
        if file.extension().is_none_or(|extension| extension != "db") {
            continue;
        }
        let store = Connection::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
        let mut tables =
            store.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'results_%'")?;
        let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for table in tables {
            // Not the last one, so that it is a hole and no cut tail.
            let mut rows = store
                .prepare(&format!("SELECT position, value FROM {table} ORDER BY position DESC LIMIT -1 OFFSET 1"))?;
            let rows: Vec<(i64, Vec<u8>)> =
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            // A line that was sent twice is there twice.
            let alone = |value: &Vec<u8>| rows.iter().filter(|(_, other)| other == value).count() == 1;
            let found = rows
                .iter()
                .find(|(_, value)| std::str::from_utf8(value).is_ok_and(|text| lines.contains(text)) && alone(value));
            if let Some((position, _)) = found {
                store.execute(&format!("DELETE FROM {table} WHERE position = ?"), [position])?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}
