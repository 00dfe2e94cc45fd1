//! What stands in the topic already.

use std::collections::BTreeSet;

use domain::records::Activity;
use infra_log::{Log, Position, ReadError, Record, read_to_end};

use super::ACTIVITY;

/// Records at the end of the topic that are read at a start. A writer has at most [`BATCH`](super::story::BATCH)
/// records under way, so what lies before this many is complete, whoever died.
const WINDOW: u64 = 2_000;

/// Names of the newest activities: commit and number.
pub(super) struct Told {
    names: BTreeSet<(u64, u32)>,
    /// All of the commits before this one are told.
    floor: u64,
    next: Position,
}

impl Told {
    /// Reads the end of the topic.
    pub(super) async fn read(log: &dyn Log) -> Result<Told, ReadError> {
        let (start, end) = (log.start(ACTIVITY).await?, log.end(ACTIVITY).await?);
        let mut span = WINDOW;
        loop {
            let from = start.max(end.saturating_sub(span));
            let (records, next) = read_to_end(log, ACTIVITY, from).await?;
            let names: BTreeSet<_> = records.iter().filter_map(name).collect();
            // Where positions are skipped the window holds fewer.
            if from == start || names.len() as u64 >= WINDOW / 2 {
                let oldest = names.first().map_or(0, |(sequence, _)| *sequence);
                let floor = if start == 0 && from == start { 0 } else { oldest };
                return Ok(Told { names, floor, next });
            }
            span *= 4;
        }
    }

    /// Reads all that is new. `false`: nothing was.
    pub(super) async fn follow(&mut self, log: &dyn Log) -> Result<bool, ReadError> {
        let before = self.next;
        loop {
            let records = log.read(ACTIVITY, self.next, 1_000, 4 * 1024 * 1024).await?;
            let Some(last) = records.last() else { return Ok(self.next > before) };
            self.next = last.position + 1;
            self.names.extend(records.iter().filter_map(name));
        }
    }

    /// All activities of the commits before this one are told.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    pub(super) fn next(&self) -> Position {
        self.next
    }

    pub(super) fn has(&self, sequence: u64, number: u32) -> bool {
        sequence < self.floor || self.names.contains(&(sequence, number))
    }

    /// All before a commit is told: its names are not needed any more.
    pub(super) fn raise_floor(&mut self, sequence: u64) {
        if sequence > self.floor {
            self.floor = sequence;
            self.names = self.names.split_off(&(sequence, 0));
        }
    }
}

fn name(record: &Record) -> Option<(u64, u32)> {
    let activity = Activity::decode(&record.value);
    let unreadable = |error| tracing::warn!(position = record.position, "an activity cannot be read: {error}");
    activity.map_err(unreadable).ok().map(|activity| (activity.sequence, activity.number))
}
