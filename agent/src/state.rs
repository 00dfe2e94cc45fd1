//! What musterd keeps on disk: one SQLite file in its data folder. The node key alone has a file of its own.
//!
//! Every call is short and holds the one connection; nothing here waits for anything but the disk.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

mod denied;
mod lines;
mod results;
mod splay;

pub use lines::{Kind, Limits, Line};
pub use results::{Memory, Outcome};

use lines::Held;

/// The file's name in the data folder.
pub const FILE: &str = "musterd.db";

/// Why the state file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {FILE}: {0}")]
    File(std::io::Error),
    #[error("the state file {FILE}: {0}")]
    Sqlite(rusqlite::Error),
    #[error(
        "the state file {FILE} is damaged ({0}); move it away to begin with an empty one, which loses the lines that wait"
    )]
    Damaged(rusqlite::Error),
    #[error("the state file {FILE} holds rows of {name} that cannot be read: {cause}")]
    Rows { name: String, cause: serde_json::Error },
    #[error("the state file {FILE} was written by a later musterd (layout {0}); install that or a newer one")]
    Newer(i64),
}

impl From<rusqlite::Error> for StateError {
    fn from(cause: rusqlite::Error) -> Self {
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StateError::Damaged(cause),
            _ => StateError::Sqlite(cause),
        }
    }
}

pub type Result<T> = std::result::Result<T, StateError>;

/// The layout that this release writes.
const LAYOUT: i64 = 1;

pub struct State {
    connection: Mutex<Connection>,
    held: Mutex<[Held; 2]>,
}

impl State {
    /// Opens or makes the file in `folder`.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        // SQLite gives its other files the mode of this one.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&file).map_err(StateError::File)?;
        Self::with(Connection::open(file)?)
    }

    /// A state that ends with the process.
    pub fn in_memory() -> Result<Self> {
        Self::with(Connection::open_in_memory()?)
    }

    fn with(connection: Connection) -> Result<Self> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if layout > LAYOUT {
            return Err(StateError::Newer(layout));
        }
        connection.execute_batch(include_str!("state/layout.sql"))?;
        connection.pragma_update(None, "user_version", LAYOUT)?;
        let held = lines::count(&connection)?;
        Ok(State { connection: Mutex::new(connection), held: Mutex::new(held) })
    }

    /// A single remembered text.
    pub fn get(&self, name: &str) -> Result<Option<String>> {
        let connection = self.connection();
        Ok(connection.query_row("SELECT value FROM setting WHERE name = ?", [name], |row| row.get(0)).optional()?)
    }

    /// Remembers texts, all or none.
    pub fn set(&self, settings: &[(&str, &str)]) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (name, value) in settings {
            transaction.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", params![name, value])?;
        }
        Ok(transaction.commit()?)
    }

    /// Makes every write fail, as on a full disk, or no longer.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&self, refuse: bool) {
        self.connection().pragma_update(None, "query_only", refuse).unwrap();
    }

    /// A transaction that a panic cut short is rolled back by SQLite, so the connection stays good.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, [Held; 2]> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        state.set(&[("a", "1"), ("b", "2")]).unwrap();
        state.set(&[("a", "3")]).unwrap();
        drop(state);
        let state = State::open(folder.path()).unwrap();
        assert_eq!(state.get("a").unwrap().as_deref(), Some("3"));
        assert_eq!(state.get("b").unwrap().as_deref(), Some("2"));
        assert_eq!(state.get("c").unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "no database, but long enough to be read as one".repeat(100)).unwrap();
        let Err(why) = State::open(folder.path()) else { panic!("a text file is no state") };
        assert!(why.to_string().starts_with("the state file musterd.db is damaged"), "{why}");
    }

    #[test]
    fn a_later_layout_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(State::open(folder.path()).unwrap());
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        connection.pragma_update(None, "user_version", LAYOUT + 1).unwrap();
        drop(connection);
        assert!(matches!(State::open(folder.path()), Err(StateError::Newer(2))));
    }
}
