//! The embedded log: SQLite files in one folder that one process owns.
//!
//! `ledger.db` holds the ledger and what hosts reported; every other topic has one file per UTC day
//! (`results-2026-11-22.db`), so that retention is deleting a file. Each set of files has one writer thread, which
//! commits whatever waits in one transaction (group commit: WAL, `synchronous=FULL`); readers have connections of
//! their own and never hold a writer up.

mod check;
mod day;
mod error;
mod expire;
mod folder;
mod format;
mod lock;
mod queue;
mod reserve;
mod shelf;
mod tide;
mod transact;
mod volume;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{AppendError, Clock, Counts, Draft, Log, Partition, Position, RECORD_LIMIT, ReadError, Record, Topic};

pub use error::OpenError;
pub use expire::{ExpireError, Expired};
pub use lock::FolderLock;
use queue::Queue;
use shelf::Shelf;

/// A log in SQLite files. Dropping it writes what waits, stops its threads and frees the folder.
pub struct Sqlite {
    /// By topic, in the order of [`Topic::ALL`]; the ledger and hosts share one.
    shelves: Vec<Arc<Shelf>>,
    /// One writer for each distinct shelf, the ledger's last: the others may ask it for positions until they have stopped.
    writers: Vec<Arc<Queue>>,
    counts: Arc<Counts>,
    folder: PathBuf,
    _lock: FolderLock,
}

impl Sqlite {
    /// Opens the log in a folder, or begins one there. Blocks while it checks the files.
    ///
    /// Nothing is changed before every check has passed. See [`OpenError`] for what it refuses.
    pub fn open(folder: &Path, clock: Clock) -> Result<Self, OpenError> {
        folder::open(folder, clock)
    }

    /// What was appended since the log was opened.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// The folder that it owns.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn shelf(&self, topic: Topic) -> &Arc<Shelf> {
        &self.shelves[topic as usize]
    }

    fn writer(&self, topic: Topic) -> &Arc<Queue> {
        let shelf = self.shelf(topic);
        self.writers.iter().find(|writer| Arc::ptr_eq(writer.shelf(), shelf)).expect("every shelf has a writer")
    }
}

#[async_trait]
impl Log for Sqlite {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        self.counts.append(drafts.len());
        if let Some(size) = drafts.iter().map(Draft::size).find(|&size| size > RECORD_LIMIT) {
            return Err(AppendError::TooLarge { size });
        }
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.writer(partition.topic).append(partition, drafts).await
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let shelf = self.shelf(partition.topic);
        let end = shelf.tide(partition).end();
        if from == end {
            return Ok(Vec::new()); // most reads of a follower: no thread, no file
        }
        if from > end {
            return Err(ReadError::Failed(format!("position {from} of {partition} lies past its end at {end}")));
        }
        let shelf = shelf.clone();
        tokio::task::spawn_blocking(move || shelf.read(partition, from, max_records, max_bytes))
            .await
            .map_err(|stopped| ReadError::Failed(stopped.to_string()))?
    }

    async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        self.shelf(partition.topic).tide(partition).passed(from, patience).await;
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        Ok(self.shelf(partition.topic).tide(partition).end())
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        Ok(self.shelf(partition.topic).start(partition))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.writers.iter().for_each(|writer| writer.stop());
    }
}
