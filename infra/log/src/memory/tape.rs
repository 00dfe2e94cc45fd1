//! One partition in memory: what is really there, whoever may see it.

use domain::Timestamp;

use crate::{Draft, Partition, Position, ReadError, Record};

/// Records between `start` and `next`, by rising position.
#[derive(Default)]
pub(super) struct Tape {
    start: Position,
    next: Position,
    records: Vec<Record>,
}

impl Tape {
    pub(super) fn start(&self) -> Position {
        self.start
    }

    /// The position that the next record gets.
    pub(super) fn next(&self) -> Position {
        self.next
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn land(&mut self, draft: Draft, appended: Timestamp) -> Position {
        let Draft { key, headers, value } = draft;
        let position = self.next;
        self.records.push(Record { position, appended, key, headers, value });
        self.next += 1;
        position
    }

    /// Uses up positions without records, as a broker's control records do.
    pub(super) fn skip(&mut self, positions: u64) {
        self.next += positions;
    }

    pub(super) fn cut(&mut self, from: Position) {
        self.records.retain(|record| record.position < from);
        self.next = self.next.min(from);
        self.start = self.start.min(from);
    }

    pub(super) fn forget(&mut self, start: Position) {
        let start = start.min(self.next);
        self.records.retain(|record| record.position >= start);
        self.start = self.start.max(start);
    }

    /// Records in `from..visible`, within the limits of [`Log::read`](crate::Log::read).
    pub(super) fn read(
        &self,
        partition: Partition,
        from: Position,
        visible: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        if from < self.start {
            return Err(ReadError::Gone { topic: partition.to_string(), asked: from, start: self.start });
        }
        if from > self.next {
            return Err(ReadError::Failed(format!(
                "position {from} of {partition} lies past its end at {}",
                self.next
            )));
        }
        let first = self.records.partition_point(|record| record.position < from);
        let mut bytes = 0;
        let within = |record: &&Record| {
            let fits = record.position < visible && (bytes == 0 || bytes + record.value.len() <= max_bytes);
            bytes += record.value.len().max(1);
            fits
        };
        Ok(self.records[first..].iter().take(max_records).take_while(within).cloned().collect())
    }
}
