//! What can be wrong with a store.

use std::path::PathBuf;

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path} is damaged or is no database of views; stop the server and move it away with its -wal and -shm files: the views are built again from the log, but answers of live queries and latest results that the log no longer holds are lost", path = path.display())]
    Damaged { path: PathBuf },
    #[error("{path} was written by a newer release (schema {found}, this release knows {known}); run that release", path = path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{path} cannot be opened: {reason}", path = path.display())]
    Failed { path: PathBuf, reason: String },
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store of views is damaged: {0}")]
    Damaged(String),
    #[error("the store of views failed: {0}")]
    Failed(String),
    #[error("column {column} of a view holds what this release does not expect")]
    Shape { column: usize },
    /// Somebody else moved the checkpoint: nothing may be written.
    #[error("another writer has moved the checkpoint of {view} on {topic}/{part}")]
    Overtaken { view: String, topic: String, part: u32 },
}

/// SQLITE_CORRUPT and SQLITE_NOTADB, as primary result codes.
const DAMAGED: [i32; 2] = [11, 26];

/// Whether the file itself is at fault.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| DAMAGED.contains(&(code & 0xff)))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match is_damage(&error) {
            true => StoreError::Damaged(error.to_string()),
            false => StoreError::Failed(error.to_string()),
        }
    }
}
