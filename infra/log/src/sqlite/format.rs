//! How a file is laid out: one table per partition with the position as its key, and where each partition begins.
//!
//! A table of its own keeps every partition's rows side by side, and every insert at the right end of its tree.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::{Partition, Position};

/// `PRAGMA application_id`: "MuLo".
pub(super) const APPLICATION: u32 = 0x4D75_4C6F;
/// `PRAGMA user_version`.
pub(super) const VERSION: u32 = 1;

/// `hosts_3`
pub(super) fn table(partition: Partition) -> String {
    format!("{}_{}", short(partition), partition.index)
}

/// `hosts`
fn short(partition: Partition) -> &'static str {
    let name = partition.topic.name();
    name.strip_prefix("muster.").unwrap_or(name)
}

/// Makes a new file at `path`, complete or not at all, whose partitions begin at these positions.
pub(super) fn create(path: &Path, partitions: &[(Partition, Position)]) -> rusqlite::Result<()> {
    if path.exists() {
        let there = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(there)));
    }
    let draft = draft_of(path);
    remove(&draft);
    let conn = Connection::open(&draft)?;
    conn.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION};
         BEGIN;
         CREATE TABLE base (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE shelf (name TEXT PRIMARY KEY, newest TEXT NOT NULL, reserved INTEGER NOT NULL) WITHOUT ROWID;"
    ))?;
    for &(partition, position) in partitions {
        let table = table(partition);
        conn.execute_batch(&format!(
            "CREATE TABLE {table} (position INTEGER PRIMARY KEY, appended INTEGER NOT NULL, key BLOB, headers TEXT NOT NULL, value BLOB NOT NULL);
             INSERT INTO base VALUES ('{table}', {position});"
        ))?;
    }
    conn.execute_batch("COMMIT")?;
    conn.close().map_err(|(_, error)| error)?;
    let publish = || -> std::io::Result<()> {
        File::open(&draft)?.sync_all()?;
        std::fs::rename(&draft, path)?;
        sync_folder(path)
    };
    publish().map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Where a file is made before it gets its name.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    with_suffix(path, ".new")
}

/// Removes a file and what SQLite keeps beside it. What is not there need not be removed.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = with_suffix(path, suffix);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), "file cannot be removed: {error}");
            }
            _ => {}
        }
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes what was renamed or removed in a file's folder outlive a power cut.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// A connection that writes.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    // A burst may leave a large write-ahead file; it is cut back when it starts again.
    conn.execute_batch("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;")?;
    Ok(conn)
}

/// A connection that reads. It may write back what its writer left in the write-ahead file, when it is the last to close.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.execute_batch("PRAGMA query_only=ON;")?;
    Ok(conn)
}
