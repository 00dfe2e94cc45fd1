//! Reading the signals: up to the end when the server starts, and from then on as they come.

use std::sync::Arc;
use std::time::Duration;

use domain::Digest;
use domain::records::Signal;
use infra_ledger::Place;
use infra_log::{Log, Partition, Position, ReadError, Record, Topic};
use infra_world::World;

use super::Presence;

const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn signals() -> Partition {
    Topic::Signals.only()
}

impl Presence {
    /// The position that is read next.
    pub fn next(&self) -> Position {
        self.known().next
    }

    /// Folds all that the topic has now, so that nobody looks away to a server that has just started.
    pub async fn catch_up(&self, log: &dyn Log, world: &World) -> Result<(), ReadError> {
        self.change(|known| known.since = world.now());
        let end = log.end(signals()).await?;
        while self.next() < end {
            if !self.read(log).await? {
                // Nothing lies between: positions were skipped.
                self.change(|known| known.next = known.next.max(end));
            }
        }
        Ok(())
    }

    /// Follows the topic for ever.
    pub async fn follow(self, log: Arc<dyn Log>, world: World) {
        self.change(|known| known.since = world.now());
        loop {
            match self.read(&*log).await {
                Ok(true) => {}
                Ok(false) => log.changed(signals(), self.next(), PATIENCE).await,
                Err(error) => {
                    tracing::warn!(at = %world.now(), "presence cannot be followed: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Folds what comes next, if there is something. What retention removed is passed over: it is older than any use.
    async fn read(&self, log: &dyn Log) -> Result<bool, ReadError> {
        match log.read(signals(), self.next(), BATCH_RECORDS, BATCH_BYTES).await {
            Ok(records) => {
                self.fold(&records);
                Ok(!records.is_empty())
            }
            Err(ReadError::Gone { start, .. }) => {
                self.change(|known| known.next = start);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn fold(&self, records: &[Record]) {
        for record in records {
            match Signal::decode(&record.value) {
                Ok(signal) => self.apply(&signal),
                Err(error) => tracing::warn!(position = record.position, "a signal cannot be read: {error}"),
            }
        }
        if let Some(Record { position, value, .. }) = records.last() {
            let last = Place { position: *position, id: Digest::of(value) };
            self.change(|known| (known.next, known.last) = (last.position + 1, Some(last)));
        }
    }
}
