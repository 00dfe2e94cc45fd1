//! One transaction, and what is known of it when it fails.

use rusqlite::{Connection, Error, ErrorCode};

/// Why a transaction has no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Surely not in the file, now and later.
    RolledBack(String),
    /// The commit itself failed at the disk: not in the file as long as this process lives, yet a crash may still bring
    /// it back from the write-ahead file. The connection must not be used again before it is [healed](heal).
    Unknown(String),
}

/// Runs `work` between BEGIN and COMMIT.
pub(super) fn transact<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Broken> {
    let begun = conn.execute_batch("BEGIN IMMEDIATE").and_then(|()| work(conn));
    let done = match begun {
        Ok(done) => done,
        // No commit was asked for, so whatever reached the disk is not valid.
        Err(error) => return Err(Broken::RolledBack(undo(conn, &error))),
    };
    match conn.execute_batch("COMMIT") {
        Ok(()) => Ok(done),
        Err(error) if leaves_nothing(&error) => Err(Broken::RolledBack(undo(conn, &error))),
        Err(error) => Err(Broken::Unknown(undo(conn, &error))),
    }
}

/// Whether a failed COMMIT surely wrote no commit mark: on a full disk it is the write of a page that failed,
/// and a lock or a constraint stops it before the first page.
fn leaves_nothing(error: &Error) -> bool {
    let stops_early =
        [ErrorCode::DiskFull, ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked, ErrorCode::ConstraintViolation];
    error.sqlite_error_code().is_some_and(|code| stops_early.contains(&code))
}

fn undo(conn: &Connection, error: &Error) -> String {
    if !conn.is_autocommit()
        && let Err(again) = conn.execute_batch("ROLLBACK")
    {
        return format!("{error}, and then: {again}");
    }
    error.to_string()
}

/// Writes everything that was committed into the file itself and empties the write-ahead file, so that nothing of a
/// commit that failed is left to come back, and nothing rests on a sync that failed.
pub(super) fn heal(conn: &Connection) -> Result<(), String> {
    let busy: i64 =
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(|error| error.to_string())?;
    match busy {
        0 => Ok(()),
        _ => Err("the write-ahead file is in use".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(folder: &tempfile::TempDir) -> Connection {
        let conn = Connection::open(folder.path().join("test.db")).unwrap();
        conn.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (value BLOB)").unwrap();
        conn
    }

    fn insert(conn: &Connection, bytes: usize) -> rusqlite::Result<usize> {
        conn.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes as i64])
    }

    fn rows(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_full_disk_rolls_back_and_the_next_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let conn = conn(&folder);
        conn.execute_batch("PRAGMA max_page_count=10").unwrap();
        let full = transact(&conn, |conn| {
            insert(conn, 10)?;
            insert(conn, 100_000)
        });
        assert!(matches!(full, Err(Broken::RolledBack(_))), "{full:?}");
        assert_eq!(rows(&conn), 0);
        transact(&conn, |conn| insert(conn, 10)).unwrap();
        assert_eq!(rows(&conn), 1);
    }

    #[test]
    fn a_commit_that_is_stopped_before_it_writes_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let conn = conn(&folder);
        conn.commit_hook(Some(|| true)).unwrap();
        assert!(matches!(transact(&conn, |conn| insert(conn, 10)), Err(Broken::RolledBack(_))));
        conn.commit_hook(None::<fn() -> bool>).unwrap();
        assert_eq!(rows(&conn), 0);
    }

    #[test]
    fn only_what_surely_wrote_nothing_counts_as_rolled_back() {
        let error = |code| Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        for code in
            [rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_BUSY, rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK]
        {
            assert!(leaves_nothing(&error(code)), "{code}");
        }
        for code in
            [rusqlite::ffi::SQLITE_IOERR_FSYNC, rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_CORRUPT]
        {
            assert!(!leaves_nothing(&error(code)), "{code}");
        }
    }

    #[test]
    fn healing_empties_the_write_ahead_file() {
        let folder = tempfile::tempdir().unwrap();
        let conn = conn(&folder);
        transact(&conn, |conn| insert(conn, 10_000)).unwrap();
        let wal = folder.path().join("test.db-wal");
        assert!(wal.metadata().unwrap().len() > 10_000);
        heal(&conn).unwrap();
        assert_eq!(wal.metadata().unwrap().len(), 0);
        assert_eq!(rows(&conn), 1);
    }
}
