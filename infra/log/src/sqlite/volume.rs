//! One file, as readers use it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use domain::Timestamp;
use rusqlite::{Connection, Row};

use super::day::Day;
use super::format;
use crate::{Partition, Position, Record};

/// Connections kept for the next reader.
const IDLE: usize = 4;

/// A file and its reading connections.
pub(super) struct Volume {
    path: PathBuf,
    day: Option<Day>,
    /// By slot: the lowest position that the file may hold.
    base: Vec<AtomicU64>,
    /// `None` once the file is to go.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Volume {
    pub(super) fn new(path: PathBuf, day: Option<Day>, base: Vec<Position>) -> Self {
        Volume { path, day, base: base.into_iter().map(AtomicU64::new).collect(), idle: Mutex::new(Some(Vec::new())) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn day(&self) -> Option<Day> {
        self.day
    }

    pub(super) fn base(&self, slot: usize) -> Position {
        self.base[slot].load(Ordering::Acquire)
    }

    pub(super) fn raise_base(&self, slot: usize, position: Position) {
        self.base[slot].store(position, Ordering::Release);
    }

    /// Closes the connections that nobody uses, and those in use as they are given back.
    pub(super) fn close(&self) {
        self.idle.lock().expect("nothing panics while it holds the connections").take();
    }

    /// Adds records in `range`, within limits that hold for all that was found.
    pub(super) fn read(
        &self,
        partition: Partition,
        range: &Range<Position>,
        max_records: usize,
        max_bytes: usize,
        found: &mut Vec<Record>,
    ) -> rusqlite::Result<()> {
        let conn = self.connection()?;
        let mut bytes: usize = found.iter().map(|record| record.value.len()).sum();
        {
            let sql = format!(
                "SELECT position, appended, key, headers, value FROM {} WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3",
                format::table(partition)
            );
            let mut statement = conn.prepare_cached(&sql)?;
            let left = max_records.saturating_sub(found.len());
            let mut rows =
                statement.query((range.start as i64, range.end as i64, i64::try_from(left).unwrap_or(i64::MAX)))?;
            while let Some(row) = rows.next()? {
                let record = record(row)?;
                bytes += record.value.len();
                if !found.is_empty() && bytes > max_bytes {
                    break;
                }
                found.push(record);
            }
        }
        self.give_back(conn);
        Ok(())
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().expect("nothing panics while it holds the connections").as_mut().and_then(Vec::pop);
        idle.map_or_else(|| format::reader(&self.path), Ok)
    }

    fn give_back(&self, conn: Connection) {
        let mut idle = self.idle.lock().expect("nothing panics while it holds the connections");
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < IDLE) {
            idle.push(conn);
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let blob =
        |column: usize| row.get_ref(column).and_then(|value| Ok(value.as_blob_or_null()?.map(Bytes::copy_from_slice)));
    let headers = row.get_ref(3)?.as_bytes()?;
    Ok(Record {
        position: row.get::<_, i64>(0)? as u64,
        appended: Timestamp::from_micros(row.get(1)?),
        key: blob(2)?,
        headers: serde_json::from_slice(headers).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(error))
        })?,
        value: blob(4)?.unwrap_or_default(),
    })
}
