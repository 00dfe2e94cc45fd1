//! A consumer that reads many partitions, each at one place.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::Config;
use super::client::Context;
use crate::Position;

/// Without a group: partitions are assigned by hand, each to a queue of its own.
#[derive(Clone)]
pub(super) struct Lane(Arc<BaseConsumer<Context>>);

impl Lane {
    pub(super) fn connect(config: &Config, at_end: AtEnd) -> Result<Self, String> {
        let mut client = config.consumer();
        client.set("enable.partition.eof", (at_end == AtEnd::Tell).to_string());
        let consumer: Arc<BaseConsumer<Context>> =
            Arc::new(client.create_with_context(Context::default()).map_err(|error| error.to_string())?);
        let weak = Arc::downgrade(&consumer);
        std::thread::Builder::new()
            .name("kafka-lane".into())
            .spawn(move || serve(&weak))
            .map_err(|error| error.to_string())?;
        Ok(Lane(consumer))
    }

    /// Starts to fetch a partition from a position.
    pub(super) fn follow(
        &self,
        topic: &str,
        partition: i32,
        from: Position,
    ) -> Result<PartitionQueue<Context>, String> {
        // Before the assignment, so that not one record goes to the consumer's own queue.
        let queue = self.0.split_partition_queue(topic, partition).ok_or("not a partition")?;
        let place = place(topic, partition, Offset::Offset(from as i64)).map_err(|error| error.to_string())?;
        self.0.incremental_assign(&place).map_err(|error| error.to_string())?;
        Ok(queue)
    }

    /// Fetches a partition no more; what was fetched already is dropped with its queue.
    pub(super) fn leave(&self, topic: &str, partition: i32) {
        let left = place(topic, partition, Offset::Invalid).and_then(|place| self.0.incremental_unassign(&place));
        if let Err(error) = left {
            tracing::debug!("kafka: {topic}/{partition} was not assigned: {error}");
        }
    }
}

/// Whether a consumer tells when it has come to a partition's end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AtEnd {
    Wait,
    Tell,
}

fn place(topic: &str, partition: i32, offset: Offset) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, offset)?;
    Ok(list)
}

/// Passes on what librdkafka wants to log, until nobody uses the consumer.
fn serve(consumer: &Weak<BaseConsumer<Context>>) {
    while let Some(consumer) = consumer.upgrade() {
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(200)) {
            tracing::warn!("kafka: {error}");
        }
    }
}
