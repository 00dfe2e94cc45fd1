//! What every adapter must do, as checks that any test binary can run against its own.
//!
//! An adapter's tests implement [`Fixture`] and call each check in a test of its own; a check panics where the adapter
//! differs. Checks hold for adapters with gaps between positions, late reads and records of others in between.

mod contents;
mod limits;
mod promises;
mod readers;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Draft, Log, Partition, Record, read_to_end};

pub use contents::{batches, contents, partitions_apart, survives_restart};
pub use limits::{read_limits, record_limit};
pub use promises::{changed_is_patient, changed_wakes, concurrent_appenders, end_is_honest, past_the_end, retention};
pub use readers::{anywhere, many_readers};

/// A new log of the adapter under test, for one check.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A way to the log; where many processes share one, as another process.
    async fn handle(&self) -> Arc<dyn Log>;

    /// Closes the log and opens it anew; the check holds no handle now. `false` where nothing outlives its process.
    async fn restart(&self) -> bool;

    /// Lets retention remove everything that is in a partition now.
    async fn age(&self, partition: Partition);
}

/// Every record of a partition, from its start to its end.
pub async fn everything(log: &dyn Log, partition: Partition) -> Vec<Record> {
    let start = log.start(partition).await.expect("start");
    read_to_end(log, partition, start).await.expect("read").0
}

/// A draft with a value and nothing else.
pub fn draft(value: impl Into<String>) -> Draft {
    Draft { value: value.into().into(), ..Draft::default() }
}

fn text(record: &Record) -> &str {
    std::str::from_utf8(&record.value).expect("the checks write text")
}

fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(text).collect()
}
