//! Snapshots of folds: what makes a start quick, and nothing else. Deleting them costs time only.
//!
//! A snapshot names its fold's version, the last record that was folded, and where that lies. A start reads that record
//! again: another one there, or none, means that the log is not the one that was folded, and the fold begins anew.
//! Every fold of a partition can be kept this way, the Registry's as well as the ledger's.

mod format;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Digest;
use domain::ledger::Fold;
use domain::state::FOLD_VERSION;
use infra_blobs::{BlobError, Blobs};
use infra_log::{Log, Partition, Position};

use crate::Follower;
use crate::tail::{LEDGER, Seen};

/// How many snapshots of one fold are kept: the newest, and the one before it in case that is torn.
const KEPT: usize = 2;

/// The name of the ledger's own fold.
pub const LEDGER_KIND: &str = "ledger";

/// A fold of one partition, as bytes, and what it was folded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which fold it is: letters, digits, `-`.
    pub kind: String,
    pub fold_version: u32,
    pub partition: Partition,
    /// Where the last record that was folded lies.
    pub position: Position,
    /// SHA-256 of that record's value.
    pub last_record_id: Digest,
    /// The fold. Compressed when stored.
    pub body: Bytes,
}

/// Why bytes are no snapshot that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// Why no snapshot was taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error("the snapshot could not be made: {0}")]
    Failed(String),
}

/// The snapshots in a blob store, under `snapshots/KIND/PARTITION/POSITION`.
#[derive(Clone)]
pub struct Snapshots(Arc<dyn Blobs>);

impl Snapshots {
    pub fn new(blobs: Arc<dyn Blobs>) -> Snapshots {
        Snapshots(blobs)
    }

    /// Stores a snapshot and removes those that it replaces.
    pub async fn store(&self, snapshot: Snapshot) -> Result<(), SnapshotError> {
        let folder = folder(&snapshot.kind, snapshot.partition);
        let key = format!("{folder}{:020}", snapshot.position);
        // Compressing takes a while and waits for nothing.
        let bytes = off_the_runtime(move || snapshot.encode()).await?;
        self.0.put(&key, bytes.into()).await?;
        // Others may lie at higher positions of a log that is no more, so what has just come is not judged by its own.
        let others = self.0.list(&folder).await?.into_iter().rev().filter(|other| *other != key);
        for old in others.skip(KEPT - 1) {
            self.0.delete(&old).await?;
        }
        Ok(())
    }

    /// The newest snapshot that is of this kind and version and that was taken of this log. What is passed over is told
    /// in the process's log; a blob store that cannot be read is as good as empty.
    pub async fn newest(&self, log: &dyn Log, kind: &str, fold_version: u32, partition: Partition) -> Option<Snapshot> {
        let folder = folder(kind, partition);
        let keys = self.0.list(&folder).await.unwrap_or_else(|error| {
            tracing::warn!("snapshots of {kind} cannot be listed, folding anew: {error}");
            vec![]
        });
        for key in keys.iter().rev() {
            match self.read(log, key, kind, fold_version, partition).await {
                Ok(snapshot) => {
                    tracing::debug!(kind, %partition, position = snapshot.position, "the fold goes on from a snapshot");
                    return Some(snapshot);
                }
                Err(Unusable(reason)) => tracing::warn!(key, "a snapshot is not used: {reason}"),
            }
        }
        None
    }

    async fn read(
        &self,
        log: &dyn Log,
        key: &str,
        kind: &str,
        fold_version: u32,
        partition: Partition,
    ) -> Result<Snapshot, Unusable> {
        let bytes = self.0.get(key).await.map_err(|error| Unusable(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| Unusable("it is gone".to_owned()))?;
        let decoded = off_the_runtime(move || Snapshot::decode(&bytes)).await;
        let snapshot = decoded.map_err(|error| Unusable(error.to_string()))??;
        if (snapshot.kind.as_str(), snapshot.partition) != (kind, partition) {
            return Err(Unusable(format!("it is of {} on {}", snapshot.kind, snapshot.partition)));
        }
        if snapshot.fold_version != fold_version {
            let other = snapshot.fold_version;
            return Err(Unusable(format!("it is of version {other} of the fold, this release has {fold_version}")));
        }
        snapshot.check(log).await?;
        Ok(snapshot)
    }
}

impl Snapshot {
    /// The position to go on reading at.
    pub fn next(&self) -> Position {
        self.position + 1
    }

    /// Reads the last record again.
    async fn check(&self, log: &dyn Log) -> Result<(), Unusable> {
        let records = log.read(self.partition, self.position, 1, 1).await;
        let records = records.map_err(|error| Unusable(format!("its last record cannot be read: {error}")))?;
        match records.first().filter(|record| record.position == self.position) {
            Some(record) if Digest::of(&record.value) == self.last_record_id => Ok(()),
            Some(_) => Err(Unusable(format!(
                "another record lies at {}, the log is not the one it was taken of",
                self.position
            ))),
            None => Err(Unusable(format!("no record lies at {} any more", self.position))),
        }
    }

    /// The ledger's fold; `None` when it is halted or nothing was read since it was opened.
    fn of_ledger(seen: &Seen) -> Option<Snapshot> {
        let last = seen.last?;
        Some(Snapshot {
            kind: LEDGER_KIND.to_owned(),
            fold_version: FOLD_VERSION,
            partition: LEDGER,
            position: last.position,
            last_record_id: last.id,
            body: seen.fold.snapshot()?.into(),
        })
    }
}

impl Snapshots {
    /// The ledger's fold and the position to go on at, for [`Ledger::open`](crate::Ledger::open).
    pub async fn ledger(&self, log: &dyn Log) -> Option<(Fold, Position)> {
        self.fold(log, LEDGER_KIND).await
    }

    /// A fold of the ledger that was kept under some kind.
    pub(crate) async fn fold(&self, log: &dyn Log, kind: &str) -> Option<(Fold, Position)> {
        let snapshot = self.newest(log, kind, FOLD_VERSION, LEDGER).await?;
        let next = snapshot.next();
        let restored = off_the_runtime(move || Fold::restore(&snapshot.body)).await;
        match restored.map_err(|error| error.to_string()).and_then(|fold| fold) {
            Ok(fold) => Some((fold, next)),
            Err(reason) => {
                tracing::warn!(kind, "the snapshot of the ledger cannot be restored, folding anew: {reason}");
                None
            }
        }
    }

    /// Takes a snapshot of what a follower has now. `None`: there is nothing new, or the ledger is halted.
    pub async fn take_ledger(&self, follower: &Follower) -> Result<Option<Position>, SnapshotError> {
        let seen = follower.seen();
        let Some(snapshot) = off_the_runtime(move || Snapshot::of_ledger(&seen)).await? else { return Ok(None) };
        let position = snapshot.position;
        self.store(snapshot).await?;
        Ok(Some(position))
    }

    /// Takes one every so often, while there is something new. Never ends.
    pub async fn keep_ledger(&self, follower: Follower, every: Duration) {
        let mut newest = None;
        loop {
            tokio::time::sleep(every).await;
            let last = follower.seen().last;
            if last == newest {
                continue;
            }
            match self.take_ledger(&follower).await {
                Ok(_) => newest = last,
                Err(error) => tracing::warn!("no snapshot of the ledger was taken: {error}"),
            }
        }
    }
}

fn folder(kind: &str, partition: Partition) -> String {
    format!("snapshots/{kind}/{}/", partition.index)
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SnapshotError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| SnapshotError::Failed(error.to_string()))
}
