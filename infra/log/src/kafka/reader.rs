//! Reads that may start anywhere, on consumers that only go forwards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Config;
use super::cursor::Cursor;
use super::lane::{AtEnd, Lane};
use super::probe;
use super::seat::{PLACES, Seat};
use crate::{Partition, Position, ReadError, Record};

/// How long to wait for a record that must be there, before somebody else is asked whether it is.
const SHORTLY: Duration = Duration::from_millis(700);

/// Start and end of a partition, from its leader.
type Watermarks<'a> = &'a dyn Fn() -> Result<(Position, Position), String>;

pub(super) struct Reader {
    config: Arc<Config>,
    lanes: Mutex<[Option<Lane>; PLACES]>,
    seats: HashMap<Partition, Seat>,
}

impl Reader {
    pub(super) fn new(config: Arc<Config>) -> Self {
        let partitions = config.topics.iter().flat_map(|topic| topic.every());
        let seats = partitions.map(|partition| (partition, Seat::default())).collect();
        Reader { config, lanes: Mutex::default(), seats }
    }

    /// From now on reads of the partition do not fall behind `position`.
    pub(super) fn know(&self, partition: Partition, position: Position) {
        if let Some(seat) = self.seats.get(&partition) {
            seat.know(position);
        }
    }

    pub(super) async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        if let Some(seat) = self.seats.get(&partition) {
            seat.changed(from, patience).await;
        }
    }

    /// Blocks while it waits for records that must be there.
    pub(super) fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
        watermarks: Watermarks<'_>,
    ) -> Result<Vec<Record>, ReadError> {
        let seat = self
            .seats
            .get(&partition)
            .ok_or_else(|| ReadError::Failed(format!("{partition} is not among the topics in use")))?;
        if from > seat.known() {
            // Nobody has been there: is it a place at all?
            seat.know(within(partition, from, watermarks)?);
        }
        let known = seat.known();
        let mut cursors = seat.cursors.lock().expect("nothing panics while it holds the places");
        let index = self.seat_at(&mut cursors, seat, partition, from).map_err(ReadError::Failed)?;
        let cursor = cursors[index].as_mut().expect("just seated");
        cursor.touch();
        seat.news.take();
        let found = take(cursor, from, known, max_records, max_bytes);
        match found {
            Ok(Taken { records, left }) if !records.is_empty() || from >= known => {
                if left {
                    seat.news.ring();
                }
                if let Some(last) = records.last() {
                    seat.know(last.position + 1);
                }
                Ok(records)
            }
            Ok(_) => self.look_closer(&mut cursors, index, partition, from, known),
            Err(error) => {
                self.leave(&mut cursors, index, partition);
                drop(cursors);
                within(partition, from, watermarks)?;
                Err(ReadError::Failed(format!("{partition}: {error}")))
            }
        }
    }

    /// The place from which `from` can be read: one that covers it, a free one, or the one that was idle longest.
    fn seat_at(
        &self,
        cursors: &mut [Option<Cursor>; PLACES],
        seat: &Seat,
        partition: Partition,
        from: Position,
    ) -> Result<usize, String> {
        if let Some(index) = cursors.iter().position(|cursor| cursor.as_ref().is_some_and(|cursor| cursor.covers(from)))
        {
            return Ok(index);
        }
        let free = cursors.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            let idle = (0..PLACES).min_by_key(|&index| cursors[index].as_ref().map(Cursor::used));
            idle.expect("there is more than one place")
        });
        self.leave(cursors, index, partition);
        let mut queue = self.lane(index)?.follow(&self.config.topic(partition.topic), partition.index as i32, from)?;
        let news = seat.news.clone();
        queue.set_nonempty_callback(move || news.ring());
        cursors[index] = Some(Cursor::new(queue, from));
        Ok(index)
    }

    fn leave(&self, cursors: &mut [Option<Cursor>; PLACES], index: usize, partition: Partition) {
        if let (Some(_), Ok(lane)) = (cursors[index].take(), self.lane(index)) {
            lane.leave(&self.config.topic(partition.topic), partition.index as i32);
        }
    }

    fn lane(&self, index: usize) -> Result<Lane, String> {
        let mut lanes = self.lanes.lock().expect("nothing panics while it holds the lanes");
        if let Some(lane) = &lanes[index] {
            return Ok(lane.clone());
        }
        let lane = Lane::connect(&self.config, AtEnd::Wait)?;
        lanes[index] = Some(lane.clone());
        Ok(lane)
    }

    /// Nothing came although something should lie below `known`: positions may have been skipped, or the broker is slow.
    fn look_closer(
        &self,
        cursors: &mut [Option<Cursor>; PLACES],
        index: usize,
        partition: Partition,
        from: Position,
        known: Position,
    ) -> Result<Vec<Record>, ReadError> {
        let topic = self.config.topic(partition.topic);
        match probe::first_record(&self.config, &topic, partition.index as i32, from) {
            Ok(None) => {
                cursors[index].as_mut().expect("the caller holds it").skip_to(known);
                Ok(Vec::new())
            }
            Ok(Some(record)) => {
                tracing::debug!("kafka: {partition} was slow at {from}; it is followed anew");
                self.leave(cursors, index, partition);
                Ok(vec![record])
            }
            Err(why) => Err(ReadError::Failed(format!(
                "{partition} has no answer for position {from}, below its end at {known}: {why}"
            ))),
        }
    }
}

struct Taken {
    records: Vec<Record>,
    /// Whether more was there than the limits let through.
    left: bool,
}

/// Takes what is there within the limits; waits only while nothing was found and something must be there.
fn take(
    cursor: &mut Cursor,
    from: Position,
    known: Position,
    max_records: usize,
    max_bytes: usize,
) -> Result<Taken, rdkafka::error::KafkaError> {
    let until = Instant::now() + SHORTLY;
    let (mut records, mut bytes, mut at) = (Vec::new(), 0, from);
    loop {
        if let Some(record) = cursor.kept(at) {
            bytes += record.value.len();
            if records.len() >= max_records || (!records.is_empty() && bytes > max_bytes) {
                return Ok(Taken { records, left: true });
            }
            at = record.position + 1;
            records.push(record.clone());
            continue;
        }
        let must_come = records.is_empty() && cursor.next().max(from) < known;
        let patience = if must_come { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        if !cursor.fetch(patience)? && (!must_come || Instant::now() >= until) {
            return Ok(Taken { records, left: false });
        }
    }
}

/// Whether a position lies between a partition's start and its end; returns the end.
fn within(partition: Partition, from: Position, watermarks: Watermarks<'_>) -> Result<Position, ReadError> {
    let (start, end) = watermarks().map_err(ReadError::Failed)?;
    if from < start {
        return Err(ReadError::Gone { topic: partition.to_string(), asked: from, start });
    }
    if from > end {
        return Err(ReadError::Failed(format!("position {from} of {partition} lies past its end at {end}")));
    }
    Ok(end)
}
