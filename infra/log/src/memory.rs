//! The log in memory: a plain one, and one behind an [`Adversary`] that does to its users what a broker may do.
//!
//! A single process on SQLite never races, so the rules that hold writers together are proven here:
//! several [`Handle`]s on one log, each seeing its own truth late, with acknowledgements lost, records that land twice
//! or after their writer gave up, and a tail that is cut. All of it is drawn from one seed, and time never passes:
//! under a single-threaded runtime the same seed gives the same history.

mod adversary;
mod dice;
mod faults;
mod flight;
mod handle;
mod tape;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use tokio::sync::Notify;

use crate::{AppendError, Clock, Counts, Draft, Log, Partition, Position, RECORD_LIMIT, ReadError, Record};

pub use adversary::Adversary;
pub use faults::Faults;
pub use handle::Handle;
use tape::Tape;

/// A log in memory that does just what it is told. Clones share the records.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    clock: Clock,
    tapes: Mutex<HashMap<Partition, Tape>>,
    grown: Notify,
    counts: Counts,
    writes_down: AtomicBool,
    reads_down: AtomicBool,
}

/// A log whose own clock moves by a millisecond at each record.
impl Default for Memory {
    fn default() -> Self {
        let micros = AtomicI64::new(1_790_000_000_000_000);
        Memory::new(Arc::new(move || Timestamp::from_micros(micros.fetch_add(1_000, Ordering::Relaxed))))
    }
}

impl Memory {
    /// An empty log; `clock` says when a record was appended.
    pub fn new(clock: Clock) -> Self {
        Memory(Arc::new(Inner {
            clock,
            tapes: Mutex::default(),
            grown: Notify::new(),
            counts: Counts::default(),
            writes_down: AtomicBool::new(false),
            reads_down: AtomicBool::new(false),
        }))
    }

    /// What was appended so far.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Everything that is in a partition now.
    pub fn records(&self, partition: Partition) -> Vec<Record> {
        self.tape(partition, |tape| tape.records().to_vec())
    }

    /// Loses every record at `from` and after, as a broker does after an unclean election: their positions are given again.
    pub fn cut(&self, partition: Partition, from: Position) {
        self.tape(partition, |tape| tape.cut(from));
    }

    /// Forgets every record before `start`, as retention does.
    pub fn forget(&self, partition: Partition, start: Position) {
        self.tape(partition, |tape| tape.forget(start));
    }

    /// From now on (until told otherwise) every append ends with `Failed`.
    pub fn stop_writes(&self, down: bool) {
        self.0.writes_down.store(down, Ordering::Relaxed);
    }

    /// From now on (until told otherwise) every read and question ends with `Failed`.
    pub fn stop_reads(&self, down: bool) {
        self.0.reads_down.store(down, Ordering::Relaxed);
    }

    fn tape<T>(&self, partition: Partition, act: impl FnOnce(&mut Tape) -> T) -> T {
        act(self.tapes().entry(partition).or_default())
    }

    fn tapes(&self) -> MutexGuard<'_, HashMap<Partition, Tape>> {
        self.0.tapes.lock().expect("nothing panics while it holds the tapes")
    }

    /// Counts the call, and refuses what no adapter takes.
    fn admit(&self, drafts: &[Draft]) -> Result<(), AppendError> {
        self.0.counts.append(drafts.len());
        if let Some(size) = drafts.iter().map(Draft::size).find(|&size| size > RECORD_LIMIT) {
            return Err(AppendError::TooLarge { size });
        }
        match self.0.writes_down.load(Ordering::Relaxed) {
            true => Err(AppendError::Failed("the log in memory was told to refuse".into())),
            false => Ok(()),
        }
    }

    fn land(&self, partition: Partition, draft: Draft) -> Position {
        let appended = (self.0.clock)();
        let position = self.tape(partition, |tape| tape.land(draft, appended));
        self.0.grown.notify_waiters();
        position
    }

    fn readable(&self) -> Result<(), ReadError> {
        match self.0.reads_down.load(Ordering::Relaxed) {
            true => Err(ReadError::Failed("the log in memory was told to refuse".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Log for Memory {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        self.admit(&drafts)?;
        Ok(drafts.into_iter().map(|draft| self.land(partition, draft)).collect())
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.readable()?;
        self.tape(partition, |tape| tape.read(partition, from, tape.next(), max_records, max_bytes))
    }

    async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        let waiting = async {
            loop {
                let grown = self.0.grown.notified();
                tokio::pin!(grown);
                grown.as_mut().enable();
                if self.tape(partition, |tape| tape.next()) > from {
                    return;
                }
                grown.await;
            }
        };
        // A timeout is no error here: the caller asks again.
        let _ = tokio::time::timeout(patience, waiting).await;
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        self.readable()?;
        Ok(self.tape(partition, |tape| tape.next()))
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        self.readable()?;
        Ok(self.tape(partition, |tape| tape.start()))
    }
}
