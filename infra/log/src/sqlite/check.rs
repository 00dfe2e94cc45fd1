//! Is a file whole? Asked of every file before any is changed, within a bound on time.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::OpenError;
use super::format::{APPLICATION, VERSION, with_suffix};

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Reads a file's first hundred bytes, without SQLite, which may touch what it opens.
///
/// Finds files that are empty, cut short, not ours, or from a newer release.
pub(super) fn header(path: &Path) -> Result<(), OpenError> {
    let damaged = |what: &str| OpenError::Damaged { file: path.into(), what: what.into() };
    let failed = |error: std::io::Error| OpenError::Failed { file: path.into(), what: error.to_string() };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = [0; 100];
    match file.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(damaged("it is empty or cut short")),
        Err(error) => return Err(failed(error)),
    }
    if &bytes[..16] != MAGIC {
        return Err(damaged("it is no SQLite file"));
    }
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    if number(68) != APPLICATION {
        return Err(damaged("it is no file of this log"));
    }
    if number(60) > VERSION {
        return Err(OpenError::Newer { file: path.into(), found: number(60), known: VERSION });
    }
    let page = match u16::from_be_bytes([bytes[16], bytes[17]]) {
        1 => 65_536,
        page => u64::from(page),
    };
    // While pages wait in the write-ahead file, this one may rightly be short; SQLite itself then tells, below.
    let waiting = with_suffix(path, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);
    if !waiting && length < page * u64::from(number(28)) {
        return Err(damaged("it is cut short"));
    }
    Ok(())
}

/// Lets SQLite look for broken pages, for `budget` at most: what lies beyond is found when it is read.
pub(super) fn pages(path: &Path, budget: Duration) -> Result<(), OpenError> {
    match quick_check(path, budget) {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => Err(OpenError::Damaged { file: path.into(), what: answer.replace('\n', ", ") }),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Err(OpenError::Damaged { file: path.into(), what: error.to_string() })
            }
            _ => Err(OpenError::Failed { file: path.into(), what: error.to_string() }),
        },
    }
}

fn quick_check(path: &Path, budget: Duration) -> rusqlite::Result<String> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // A damaged file must not be written to, not even by the checkpoint that a close makes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let until = Instant::now() + budget;
    conn.progress_handler(10_000, Some(move || Instant::now() > until))?;
    conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}
