//! The log: topics of partitions of records that only grow.
//!
//! Three operations: [`Log::append`] (durable when it returns), [`Log::read`] and [`Log::changed`] (a tail), and
//! [`Log::end`] (what a reader must reach to have seen all that was acknowledged before it asked).
//! The log knows nothing of conflicts, aggregates or schemas; those live once, above it.
//!
//! Every adapter passes the same conformance suite ([`suite`]): [`memory`] for tests, with an adversary that loses,
//! repeats and delays; SQLite files for one process; Kafka for many.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod counts;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
pub mod parts;
mod reading;
pub mod sqlite;
pub mod suite;
pub mod topic;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;

pub use counts::Counts;
pub use reading::read_to_end;
pub use topic::{Partition, Topic};

/// Where an adapter that keeps its own time gets it from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The largest record that any adapter takes: key, headers and value together, in bytes.
pub const RECORD_LIMIT: usize = 1024 * 1024;

/// Place of a record in its partition: dense or not, but strictly growing; the first is 0 or more.
pub type Position = u64;

/// What a writer hands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub key: Option<Bytes>,
    /// Short ASCII names (`ce_type`, `host`) with UTF-8 values; order is kept.
    pub headers: Vec<(String, String)>,
    pub value: Bytes,
}

impl Draft {
    /// Bytes that count against [`RECORD_LIMIT`].
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.as_ref().map_or(0, Bytes::len) + headers + self.value.len()
    }
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub position: Position,
    /// The log's own clock when the record was appended (the broker's, on Kafka).
    pub appended: Timestamp,
    pub key: Option<Bytes>,
    pub headers: Vec<(String, String)>,
    pub value: Bytes,
}

impl Record {
    /// The value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Why an append has no position to give back.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("record of {size} bytes is over the limit of {RECORD_LIMIT}")]
    TooLarge { size: usize },
    /// Surely not in the log, now and later.
    #[error("the log did not take the record: {0}")]
    Failed(String),
    /// May be in the log, or land later; only reading tells.
    #[error("the log gave no answer, the record may land: {0}")]
    Unknown(String),
}

/// Why a read or a question for the end failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Retention removed what was asked for; `start` is the oldest position still there.
    #[error("position {asked} of {topic} is gone, the log starts at {start}")]
    Gone { topic: String, asked: Position, start: Position },
    #[error("the log cannot be read: {0}")]
    Failed(String),
}

/// An event log. Cheap to share as `Arc<dyn Log>`; one process needs one.
///
/// What a log *promises* is the highest of the positions that it acknowledged and the ends that it told.
/// Its own reads never show less than that, so a reader knows when it has seen all that it was promised.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Appends `drafts` to one partition, in order, and returns their positions when all are durable.
    ///
    /// Records of other writers may lie between them.
    /// An error says nothing about a prefix: after [`AppendError::Unknown`] any of them may be in the log, or land later.
    /// After [`AppendError::TooLarge`] and [`AppendError::Failed`] none of them is. A call that is dropped half-way is
    /// like one that ended with `Unknown`.
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError>;

    /// Records at `from` and after, oldest first: at most `max_records`, and about `max_bytes` of values
    /// (at least one record if there is one). Never waits for a record to be written.
    ///
    /// Positions may be skipped, so a reader asks next for the last position plus one.
    /// An empty answer means that nothing lies between `from` and what the log had promised when it was asked;
    /// a reader that gets one below an end has reached that end.
    ///
    /// [`ReadError::Gone`] when retention took `from`. A `from` past the end is [`ReadError::Failed`]:
    /// no reader gets there, unless the log lost its tail or is another log ([`Log::end`] tells).
    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError>;

    /// Waits until the partition may hold a record at `from` or after, or `patience` is over. Spurious returns are allowed.
    async fn changed(&self, partition: Partition, from: Position, patience: Duration);

    /// A position past every record that was acknowledged to anyone, or read by anyone, before this call.
    /// A reader that has read every record below it has seen all of them.
    async fn end(&self, partition: Partition) -> Result<Position, ReadError>;

    /// The oldest position that can still be read (equals `end` for an empty partition).
    async fn start(&self, partition: Partition) -> Result<Position, ReadError>;
}
