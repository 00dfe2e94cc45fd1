//! Why a query gave no answer, in words that an admin on the other side of the fleet can act on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What went wrong with a query. The message is SQLite's own where SQLite refused it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryError {
    /// SQLite or a table refused: a wrong name, bad syntax, a missing constraint, something not allowed.
    #[error("{0}")]
    Sql(String),
    #[error("query took longer than {} s and was ended", .0.as_secs_f64())]
    TooLong(Duration),
    #[error("query used more than {mib} MiB of memory and was ended")]
    TooMuchMemory { mib: u64 },
    #[error("query returned more than {mib} MiB and was ended")]
    TooMuchOutput { mib: u64 },
    /// The worker process died of the query: a fault in a table, or the system's own lack of memory.
    #[error("query crashed its worker: {0}")]
    Crashed(String),
    /// The worker process could not be started, or ended for a reason of its own.
    #[error("query worker failed: {0}")]
    Worker(String),
}

impl QueryError {
    /// Takes SQLite's message without what rusqlite adds to it (the statement, the error code).
    pub(crate) fn from_sqlite(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        Self::Sql(match error {
            Error::SqlInputError { msg, .. } => msg,
            Error::SqliteFailure(_, Some(message)) => message,
            Error::SqliteFailure(code, None) => code.to_string(),
            other => other.to_string(),
        })
    }
}
