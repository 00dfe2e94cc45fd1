//! The files of one writer, oldest first, and how far their partitions have grown.

use std::sync::{Arc, RwLock};

use super::format;
use super::tide::Tide;
use super::volume::Volume;
use crate::{Partition, Position, ReadError, Record, Topic};

/// One file for ever (the ledger and hosts), or one per day (any other topic).
pub(super) struct Shelf {
    topics: &'static [Topic],
    partitions: Vec<Partition>,
    tides: Vec<Tide>,
    volumes: RwLock<Arc<Vec<Arc<Volume>>>>,
}

impl Shelf {
    pub(super) fn new(topics: &'static [Topic]) -> Self {
        let partitions: Vec<Partition> = topics.iter().flat_map(|topic| topic.every()).collect();
        let tides = partitions.iter().map(|_| Tide::default()).collect();
        Shelf { topics, partitions, tides, volumes: RwLock::default() }
    }

    /// The file name without day and suffix: `ledger`, `results`.
    pub(super) fn name(&self) -> &'static str {
        let name = self.topics[0].name();
        name.strip_prefix("muster.").unwrap_or(name)
    }

    /// Every partition; the index is its slot.
    pub(super) fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    pub(super) fn slot(&self, partition: Partition) -> usize {
        let before = self.topics.iter().take_while(|&&topic| topic != partition.topic);
        before.map(|topic| topic.partitions() as usize).sum::<usize>() + partition.index as usize
    }

    pub(super) fn tide(&self, partition: Partition) -> &Tide {
        &self.tides[self.slot(partition)]
    }

    pub(super) fn volumes(&self) -> Arc<Vec<Arc<Volume>>> {
        self.volumes.read().expect("nothing panics while it holds the files").clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<Arc<Volume>>)) {
        change(Arc::make_mut(&mut self.volumes.write().expect("nothing panics while it holds the files")));
    }

    /// The newest file: the one that is written.
    pub(super) fn newest(&self) -> Arc<Volume> {
        self.volumes().last().expect("a shelf is opened with a file").clone()
    }

    pub(super) fn start(&self, partition: Partition) -> Position {
        self.volumes().first().expect("a shelf is opened with a file").base(self.slot(partition))
    }

    /// Reads over as many files as it takes. Blocks.
    pub(super) fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let slot = self.slot(partition);
        // A commit shows in its file a moment before the end rises; nobody may be shown what lies past the end.
        let range = from..self.tides[slot].end();
        let volumes = self.volumes();
        let holder = volumes.iter().rposition(|volume| volume.base(slot) <= from);
        let Some(holder) = holder else { return Err(self.gone(partition, from)) };
        let mut found = Vec::new();
        for (index, volume) in volumes.iter().enumerate().skip(holder) {
            let full = found.len() >= max_records
                || found.iter().map(|record: &Record| record.value.len()).sum::<usize>() >= max_bytes;
            if full && !found.is_empty() {
                break;
            }
            let next = volumes.get(index + 1).map_or(range.end, |next| next.base(slot));
            if next <= from.max(volume.base(slot)) {
                continue; // nothing of this partition in this file
            }
            if let Err(error) = volume.read(partition, &range, max_records, max_bytes, &mut found) {
                // Retention may have come in between: then it is no damage.
                return match from < self.start(partition) {
                    true => Err(self.gone(partition, from)),
                    false => Err(ReadError::Failed(format!("file {}: {error}", volume.path().display()))),
                };
            }
        }
        // Rows of a file that lost some of them to retention while it was read would look like a gap.
        match from < self.start(partition) {
            true => Err(self.gone(partition, from)),
            false => Ok(found),
        }
    }

    fn gone(&self, partition: Partition, asked: Position) -> ReadError {
        ReadError::Gone { topic: partition.to_string(), asked, start: self.start(partition) }
    }

    /// `results_4`, as the files name it.
    pub(super) fn table(&self, slot: usize) -> String {
        format::table(self.partitions[slot])
    }
}
