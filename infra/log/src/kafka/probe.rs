//! Is there really nothing between two positions?
//!
//! Brokers keep records of their own between ours (marks of transactions), which a consumer skips without a word.
//! A new consumer that is told of the end answers for sure: it cannot have heard of the end before it was made.

use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;

use super::Config;
use super::cursor::record;
use super::lane::{AtEnd, Lane};
use crate::{Position, Record};

const PATIENCE: Duration = Duration::from_secs(10);

/// The first record at `from` or after, or `None` where the partition ends before one. Blocks.
pub(super) fn first_record(
    config: &Config,
    topic: &str,
    partition: i32,
    from: Position,
) -> Result<Option<Record>, String> {
    let lane = Lane::connect(config, AtEnd::Tell)?;
    let queue = lane.follow(topic, partition, from)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match queue.poll(until.saturating_duration_since(Instant::now())) {
            Some(Ok(message)) => return Ok(Some(record(&message))),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(error)) => return Err(error.to_string()),
            None if Instant::now() >= until => return Err(format!("no answer in {} s", PATIENCE.as_secs())),
            None => {}
        }
    }
}
