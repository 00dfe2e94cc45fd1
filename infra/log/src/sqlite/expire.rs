//! What is older than its topic keeps: daily files are deleted, hosts' rows in `ledger.db` are removed in small steps.

use std::path::PathBuf;

use domain::Timestamp;
use rusqlite::Connection;

use super::Sqlite;
use super::shelf::Shelf;
use crate::Position;

/// Rows looked at in one transaction, so that appends are not held up.
const ROWS: i64 = 2000;

/// What retention removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Daily files, deleted.
    pub files: Vec<PathBuf>,
    /// Rows removed from `ledger.db`.
    pub records: u64,
}

/// Retention could not do its work; what it had not removed yet stays.
#[derive(Debug, thiserror::Error)]
#[error("what is too old cannot be removed: {0}")]
pub struct ExpireError(String);

impl Sqlite {
    /// Removes what is older than [`Topic::retention`](crate::Topic::retention) at `now`. To be called now and then.
    pub async fn expire(&self, now: Timestamp) -> Result<Expired, ExpireError> {
        let mut all = Expired::default();
        for writer in &self.writers {
            loop {
                let (Expired { files, records }, more) = writer.expire(now).await.map_err(ExpireError)?;
                all.files.extend(files);
                all.records += records;
                if !more {
                    break;
                }
            }
        }
        Ok(all)
    }
}

/// What one step removed from a file.
#[derive(Default)]
pub(super) struct Trimmed {
    pub(super) rows: u64,
    /// Slots and their new first positions.
    pub(super) bases: Vec<(usize, Position)>,
    pub(super) more: bool,
}

/// One step in a file that holds topics with and without retention. To be called in a transaction.
pub(super) fn trim(conn: &Connection, shelf: &Shelf, now: Timestamp) -> rusqlite::Result<Trimmed> {
    let mut trimmed = Trimmed::default();
    for (slot, partition) in shelf.partitions().iter().enumerate() {
        let Some(kept) = partition.topic.retention() else { continue };
        let table = shelf.table(slot);
        let oldest = now.minus(kept).micros();
        let mut statement =
            conn.prepare_cached(&format!("SELECT position, appended FROM {table} ORDER BY position LIMIT ?1"))?;
        let rows = statement.query_map([ROWS], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let old = rows.iter().take_while(|(_, appended)| *appended < oldest);
        let Some((last, _)) = old.last() else { continue };
        let count = conn.prepare_cached(&format!("DELETE FROM {table} WHERE position <= ?1"))?.execute([last])?;
        conn.prepare_cached("UPDATE base SET position = ?1 WHERE name = ?2")?.execute((last + 1, &table))?;
        trimmed.rows += count as u64;
        trimmed.bases.push((slot, (last + 1) as Position));
        trimmed.more |= count as i64 == ROWS;
    }
    Ok(trimmed)
}
