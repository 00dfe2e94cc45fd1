//! One place in one partition: what was fetched from there, and a little of what was read before.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::Timestamp;
use rdkafka::Message;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};

use super::client::Context;
use crate::{Position, Record};

/// Bytes of records that are kept after they were read, for readers close behind.
const KEPT: usize = 512 * 1024;

pub(super) struct Cursor {
    queue: PartitionQueue<Context>,
    /// Everything in `low..next` that exists is in `kept`.
    low: Position,
    next: Position,
    kept: VecDeque<Record>,
    bytes: usize,
    used: Instant,
}

impl Cursor {
    pub(super) fn new(queue: PartitionQueue<Context>, from: Position) -> Self {
        Cursor { queue, low: from, next: from, kept: VecDeque::new(), bytes: 0, used: Instant::now() }
    }

    /// Whether a reader at this position can be served from here.
    pub(super) fn covers(&self, position: Position) -> bool {
        (self.low..=self.next).contains(&position)
    }

    pub(super) fn used(&self) -> Instant {
        self.used
    }

    pub(super) fn touch(&mut self) {
        self.used = Instant::now();
    }

    pub(super) fn next(&self) -> Position {
        self.next
    }

    /// Notes that nothing lies between here and `position`.
    pub(super) fn skip_to(&mut self, position: Position) {
        self.next = position.max(self.next);
    }

    /// The first record at `position` or after that was fetched already.
    pub(super) fn kept(&self, position: Position) -> Option<&Record> {
        self.kept.get(self.kept.partition_point(|record| record.position < position))
    }

    /// Takes one more record from what was fetched, or waits for it. `false` when none came.
    pub(super) fn fetch(&mut self, patience: Duration) -> Result<bool, KafkaError> {
        let record = match self.queue.poll(patience) {
            None => return Ok(false),
            Some(message) => record(&message?),
        };
        if record.position < self.next {
            return Ok(true); // from before this place; not ours
        }
        self.next = record.position + 1;
        self.bytes += weight(&record);
        self.kept.push_back(record);
        while self.bytes > KEPT && self.kept.len() > 1 {
            let dropped = self.kept.pop_front().expect("there are two");
            self.bytes -= weight(&dropped);
            self.low = dropped.position + 1;
        }
        Ok(true)
    }
}

fn weight(record: &Record) -> usize {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
    record.value.len() + record.key.as_ref().map_or(0, Bytes::len) + headers + 100
}

pub(super) fn record(message: &BorrowedMessage<'_>) -> Record {
    let header = |(name, value): (&str, Option<&[u8]>)| {
        (name.to_owned(), String::from_utf8_lossy(value.unwrap_or_default()).into_owned())
    };
    let headers = message.headers().map(|headers| headers.iter().map(|at| header((at.key, at.value))).collect());
    Record {
        position: message.offset() as Position,
        appended: Timestamp::from_micros(message.timestamp().to_millis().unwrap_or(0) * 1000),
        key: message.key().map(Bytes::copy_from_slice),
        headers: headers.unwrap_or_default(),
        value: message.payload().map(Bytes::copy_from_slice).unwrap_or_default(),
    }
}
