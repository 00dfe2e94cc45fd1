//! The reading half: folds the tail of the ledger and publishes what it has, fold and position together.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::Digest;
use domain::ledger::{Fold, Verdict};
use infra_log::{Log, Partition, Position, ReadError, Record, Topic};
use tokio::sync::watch;

/// The one partition of the ledger.
pub(crate) const LEDGER: Partition = Partition { topic: Topic::Ledger, index: 0 };

/// Records and bytes asked for at once.
const RECORDS: usize = 1_000;
const BYTES: usize = 4 * 1024 * 1024;

/// What a reader has of the ledger, as of one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    pub fold: Arc<Fold>,
    /// The position that is read next.
    pub next: Position,
    /// The last record that was read, void ones included; none of an empty log.
    pub last: Option<Place>,
}

/// A record and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub position: Position,
    /// SHA-256 of the record's value.
    pub id: Digest,
}

/// What [`Tail`] publishes for everyone else in the process.
pub(crate) struct Published {
    pub(crate) seen: ArcSwap<Seen>,
    pub(crate) sequence: watch::Sender<u64>,
}

/// The fold of one process and its place in the log.
pub(crate) struct Tail {
    log: Arc<dyn Log>,
    fold: Fold,
    next: Position,
    last: Option<Place>,
    published: Arc<Published>,
}

impl Tail {
    /// A tail that goes on where `restored` stops, or begins with the ledger.
    pub(crate) fn new(log: Arc<dyn Log>, restored: Option<(Fold, Position)>) -> Tail {
        let (fold, next) = restored.unwrap_or_default();
        let seen = ArcSwap::from_pointee(Seen { fold: Arc::new(fold.clone()), next, last: None });
        let sequence = watch::Sender::new(fold.chain.sequence);
        Tail { log, fold, next, last: None, published: Arc::new(Published { seen, sequence }) }
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.clone()
    }

    pub(crate) fn log(&self) -> &dyn Log {
        &*self.log
    }

    pub(crate) fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The fold as everyone else sees it.
    pub(crate) fn shared(&self) -> Arc<Fold> {
        self.published.seen.load().fold.clone()
    }

    /// The position that is read next.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// Waits until there may be something to read. May be dropped at any time.
    pub(crate) async fn changed(&self, patience: Duration) {
        self.log.changed(LEDGER, self.next, patience).await;
    }

    /// Folds what lies ahead, one batch of it. `false`: there was nothing. A halted tail reads nothing more.
    pub(crate) async fn follow(&mut self) -> Result<bool, ReadError> {
        let before = self.next;
        if self.fold.halted.is_none() && self.read_batch().await? == 0 {
            // Positions may have been skipped: only the end tells.
            self.read_to_end().await?;
        }
        Ok(self.next > before)
    }

    /// Asks for the end and folds all that lies before it.
    ///
    /// Fails when the log cannot be read, and when the fold is halted: it will never have seen all there is.
    pub(crate) async fn read_to_end(&mut self) -> Result<(), ReadError> {
        self.standing()?;
        let end = self.log.end(LEDGER).await?;
        if end < self.next {
            self.cut(end);
        }
        self.reach(end).await
    }

    /// Folds all that lies before a position that the log promised.
    pub(crate) async fn reach(&mut self, promised: Position) -> Result<(), ReadError> {
        while self.next < promised {
            self.standing()?;
            if self.read_batch().await? == 0 {
                // Nothing lies between: positions were skipped.
                self.next = self.next.max(promised);
                self.publish();
            }
        }
        self.standing()
    }

    /// Folds a record that this process appended at the very next position, without reading it back.
    pub(crate) fn fold_own(&mut self, position: Position, value: &[u8]) {
        debug_assert_eq!(position, self.next);
        self.take(position, value);
        self.publish();
    }

    /// The log ends, or took a record, before what was read from it.
    pub(crate) fn cut(&mut self, at: Position) {
        let next = self.next;
        self.halt(format!(
            "the ledger was cut: it goes on at position {at}, but this node has read all before {next}; restore the log"
        ));
    }

    fn standing(&self) -> Result<(), ReadError> {
        match &self.fold.halted {
            Some(reason) => Err(ReadError::Failed(reason.clone())),
            None => Ok(()),
        }
    }

    async fn read_batch(&mut self) -> Result<usize, ReadError> {
        let records = match self.log.read(LEDGER, self.next, RECORDS, BYTES).await {
            Ok(records) => records,
            Err(error) => return Err(self.unreadable(error).await),
        };
        for Record { position, value, .. } in &records {
            self.take(*position, value);
            if self.fold.halted.is_some() {
                break;
            }
        }
        if !records.is_empty() {
            self.publish();
        }
        Ok(records.len())
    }

    /// Tells a log that cannot be read now from one that lost what it had.
    async fn unreadable(&mut self, error: ReadError) -> ReadError {
        match error {
            ReadError::Gone { start, .. } => self.halt(format!(
                "the ledger lost its beginning: it starts at position {start}, but this node has read only to {}",
                self.next
            )),
            ReadError::Failed(_) => {
                if let Ok(end) = self.log.end(LEDGER).await
                    && end < self.next
                {
                    self.cut(end);
                }
            }
        }
        error
    }

    fn take(&mut self, position: Position, value: &[u8]) {
        if let Verdict::Broken(reason) = self.fold.apply(value) {
            return self.alarm(&reason, position);
        }
        self.next = position + 1;
        self.last = Some(Place { position, id: Digest::of(value) });
    }

    fn halt(&mut self, reason: String) {
        if self.fold.halted.is_none() {
            self.alarm(&reason, self.next);
            self.fold.halted = Some(reason);
            self.publish();
        }
    }

    fn alarm(&self, reason: &str, position: Position) {
        tracing::error!(position, "the ledger is halted, nothing more is decided: {reason}");
    }

    fn publish(&self) {
        let seen = Seen { fold: Arc::new(self.fold.clone()), next: self.next, last: self.last };
        self.published.seen.store(Arc::new(seen));
        self.published.sequence.send_replace(self.fold.chain.sequence);
    }
}
