//! The log on Kafka: the position is the offset, durable means acknowledged by all in-sync replicas.
//!
//! Partitions are named by the writer and assigned by hand by the reader: no consumer groups, no committed offsets, no
//! transactions. A read may start anywhere, as on any log, so readers' places are kept here: a few consumers
//! ([`lane`]), each with at most one place per partition ([`cursor`]).

mod client;
mod config;
mod cursor;
mod ends;
mod error;
mod lane;
mod probe;
mod reader;
mod ready;
mod rules;
mod seat;
mod topics;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{AppendError, Counts, Draft, Log, Partition, Position, RECORD_LIMIT, ReadError, Record};

pub use config::Config;
use ends::Ends;
pub use error::{Complaint, OpenError};
use reader::Reader;
use writer::Writer;

/// A log on a Kafka cluster.
pub struct Kafka {
    config: Arc<Config>,
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    ends: Arc<Ends>,
    counts: Counts,
}

impl Kafka {
    /// Connects, makes the topics that are missing, and refuses those that could lose what they are given.
    ///
    /// Waits for the cluster to know us as an idempotent producer, which takes a new cluster some seconds.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let config = Arc::new(config);
        let writer = Arc::new(Writer::connect(&config)?);
        topics::prepare(&config, writer.producer()).await?;
        ready::wait(&config).await?;
        let reader = Arc::new(Reader::new(config.clone()));
        let ends = Arc::new(Ends::new(config.clone(), writer.clone()));
        Ok(Kafka { config, writer, reader, ends, counts: Counts::default() })
    }

    /// What was appended since the log was opened; Kafka has no transactions to count.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

#[async_trait]
impl Log for Kafka {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        self.counts.append(drafts.len());
        if let Some(size) = drafts.iter().map(Draft::size).find(|&size| size > RECORD_LIMIT) {
            return Err(AppendError::TooLarge { size });
        }
        let positions = self.writer.append(&self.config.topic(partition.topic), partition.index, drafts).await?;
        if let Some(last) = positions.iter().max() {
            self.reader.know(partition, last + 1);
        }
        Ok(positions)
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let (reader, ends) = (self.reader.clone(), self.ends.clone());
        let read = move || reader.read(partition, from, max_records, max_bytes, &|| ends.watermarks(partition));
        tokio::task::spawn_blocking(read).await.map_err(|stopped| ReadError::Failed(stopped.to_string()))?
    }

    async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        self.reader.changed(partition, from, patience).await;
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        let end = self.ends.ask(partition).await.map_err(ReadError::Failed)?;
        self.reader.know(partition, end);
        Ok(end)
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        let ends = self.ends.clone();
        let asked = tokio::task::spawn_blocking(move || ends.watermarks(partition)).await;
        let (start, _) = asked.map_err(|stopped| ReadError::Failed(stopped.to_string()))?.map_err(ReadError::Failed)?;
        Ok(start)
    }
}
