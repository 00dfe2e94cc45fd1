//! Follows one partition for the views that stand at the same place of it.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use infra_log::{Partition, Position, ReadError, Record, Topic};
use infra_stores::{Checkpoint, StoreError, Value};

use super::feed::{Batch, Dead, Feed, mark};
use super::{RETRY, Shared, Then};
use crate::projection::{FoldError, Projection};
use crate::tables::DEAD_RECORD;

/// Records in a batch.
const RECORDS: usize = 500;
/// Bytes of values in a batch, about.
const BYTES: usize = 8 << 20;
/// How long to wait for something new before the log's end is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// One view on the cursor's partition.
#[derive(Clone)]
pub(super) struct Held {
    pub projection: Arc<dyn Projection>,
    pub checkpoint: Checkpoint,
}

/// A cursor; it ends when the engine stops, when its views are halted, or when somebody else moved a checkpoint.
pub(super) struct Cursor {
    shared: Arc<Shared>,
    partition: Partition,
    held: Vec<Held>,
    next: Position,
    feed: Feed,
}

/// What a turn found.
enum Turn {
    Folded { full: bool },
    AtEnd,
    Halted,
}

/// Why a turn came to nothing.
#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("{view}: {error}")]
    Fold { view: &'static str, error: FoldError },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Cursor {
    pub fn new(shared: Arc<Shared>, partition: Partition, held: Vec<Held>) -> Cursor {
        for one in &held {
            let (view, version) = (one.projection.name(), one.checkpoint.place.version);
            shared.progress.begin(view, version, partition, one.checkpoint.position);
        }
        let mut cursor = Cursor { shared, partition, held, next: 0, feed: Feed::new(partition.topic, "") };
        cursor.rewind();
        cursor
    }

    /// Goes back to the checkpoint: whatever was read after it is read again.
    fn rewind(&mut self) {
        if let Some(one) = self.held.first() {
            self.next = one.checkpoint.position;
            self.feed = Feed::new(self.partition.topic, &one.checkpoint.note);
        }
    }

    pub async fn run(mut self) -> Then {
        let stop = self.shared.stop.clone();
        if !self.is_the_same_log().await {
            return Then::Nothing;
        }
        while !stop.is_cancelled() {
            match self.turn().await {
                Ok(Turn::Folded { full: true }) => {}
                Ok(Turn::Folded { full: false }) => self.pause(self.gathering()).await,
                Ok(Turn::AtEnd) => {
                    let log = self.shared.log.clone();
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = log.changed(self.partition, self.next, PATIENCE) => {}
                    }
                }
                Ok(Turn::Halted) => return Then::Nothing,
                Err(TurnError::Store(StoreError::Overtaken { view, .. })) => {
                    tracing::debug!(view, partition = %self.partition, "somebody else moved a checkpoint");
                    return Then::Regroup(self.held.into_iter().map(|one| one.checkpoint).collect());
                }
                Err(TurnError::Log(ReadError::Gone { start, .. })) => {
                    tracing::error!(partition = %self.partition, from = self.next, to = start, "the log has dropped records that views have not seen: they stay incomplete");
                    self.next = start;
                }
                Err(error) => {
                    tracing::error!(partition = %self.partition, "views do not go on, trying again: {error}");
                    self.rewind();
                    self.pause(RETRY).await;
                }
            }
        }
        Then::Nothing
    }

    /// Whether the log still holds the record that the checkpoint was written at. A log that was cut or exchanged would
    /// make rows out of two histories.
    async fn is_the_same_log(&mut self) -> bool {
        let Some(noted) = self.held.first().map(|one| one.checkpoint.record.clone()) else { return false };
        let Some(position) = noted.split_once(':').and_then(|(position, _)| position.parse().ok()) else { return true };
        loop {
            let found = match self.shared.log.read(self.partition, position, 1, 1).await {
                Ok(records) => records.first().map(|one| mark(one.position, &one.value)),
                Err(ReadError::Gone { .. }) => return true,
                Err(ReadError::Failed(_)) if self.ends_before(position).await => None,
                Err(error) => {
                    tracing::error!(partition = %self.partition, "the log cannot be read, trying again: {error}");
                    self.pause(RETRY).await;
                    if self.shared.stop.is_cancelled() {
                        return false;
                    }
                    continue;
                }
            };
            if found.as_ref() == Some(&noted) {
                return true;
            }
            self.halt(&format!(
                "{} is not the log that the view was folded from: it was cut or exchanged; rebuild the view",
                self.partition
            ));
            return false;
        }
    }

    async fn ends_before(&self, position: Position) -> bool {
        self.shared.log.end(self.partition).await.is_ok_and(|end| end <= position)
    }

    async fn turn(&mut self) -> Result<Turn, TurnError> {
        // Asked in this order: what was acknowledged before `now` lies below `end`, and an empty answer means that all
        // of it has been read.
        let now = self.shared.world.now();
        let end = self.shared.log.end(self.partition).await?;
        let records = self.shared.log.read(self.partition, self.next, RECORDS, BYTES).await?;
        let Some(Record { appended, .. }) = records.last() else {
            self.reach(self.next.max(end), now);
            return Ok(Turn::AtEnd);
        };
        let (appended, full) = (*appended, records.len() == RECORDS);
        let batch = self.feed.read(records);
        self.fold(&batch).await?;
        self.next = batch.next;
        if let Some(reason) = &batch.halt {
            self.halt(reason);
            return Ok(Turn::Halted);
        }
        let at = if self.next >= end { now } else { appended.min(now) };
        self.reach(self.next, at);
        Ok(Turn::Folded { full })
    }

    /// Rows and checkpoints in one transaction.
    async fn fold(&mut self, batch: &Batch) -> Result<(), TurnError> {
        let moved = self.held.iter().any(|one| one.checkpoint.position != batch.resume);
        if batch.facts.is_empty() && batch.dead.is_empty() && !moved {
            return Ok(());
        }
        let mut write = self.shared.views.write().await?;
        for one in &self.held {
            let view = one.projection.name();
            let folded = one.projection.fold(&batch.facts, one.checkpoint.place.version, &mut write).await;
            folded.map_err(|error| TurnError::Fold { view, error })?;
        }
        for Dead { position, appended, reason } in &batch.dead {
            tracing::warn!(partition = %self.partition, position, "a record cannot be read: {reason}");
            let key: Vec<Value> =
                vec![self.partition.topic.name().into(), self.partition.index.into(), (*position).into()];
            write.put(&DEAD_RECORD, key, vec![(*appended).into(), reason.as_str().into()]);
        }
        let note = self.feed.note();
        let mut advanced = Vec::with_capacity(self.held.len());
        for one in &self.held {
            let record = batch.record.as_deref().unwrap_or(&one.checkpoint.record);
            advanced.push(write.advance(&one.checkpoint, batch.resume, record, &note).await?);
        }
        write.commit().await?;
        self.held.iter_mut().zip(advanced).for_each(|(one, checkpoint)| one.checkpoint = checkpoint);
        Ok(())
    }

    fn reach(&self, position: Position, at: Timestamp) {
        let versions: Vec<_> =
            self.held.iter().map(|one| (one.projection.name(), one.checkpoint.place.version)).collect();
        self.shared.progress.reach(&versions, self.partition, position, at);
    }

    fn halt(&self, reason: &str) {
        for one in &self.held {
            let view = one.projection.name();
            tracing::error!(view, partition = %self.partition, "the view has stopped: {reason}");
            self.shared.progress.halt(view, one.checkpoint.place.version, reason);
        }
    }

    /// How long records gather before the next batch. Somebody waits for decisions and for answers.
    fn gathering(&self) -> Duration {
        match self.partition.topic {
            Topic::Ledger | Topic::Live => Duration::ZERO,
            _ => self.shared.gathering,
        }
    }

    async fn pause(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        tokio::select! {
            () = self.shared.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}
