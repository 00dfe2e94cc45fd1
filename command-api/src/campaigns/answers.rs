//! The answers to one campaign, read from the log: never from a view.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::campaign::Campaign;
use domain::records::Answer;
use domain::{HostId, Timestamp};
use infra_log::parts::{Joined, Joiner};
use infra_log::{Log, Partition, Position, ReadError, Topic};
use tokio::time::{Instant, timeout_at};

use super::room::Room;

const BATCH_RECORDS: usize = 200;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// How far the log's clock may be from that of whoever started a campaign.
const SLACK: Duration = Duration::from_secs(10);

/// All answers of a campaign are here.
pub fn partition(campaign: &Campaign) -> Partition {
    Topic::Live.partition_of(Answer::partition_key(campaign.id))
}

/// A reader of a campaign's answers, from a position on.
pub struct Reader<'a> {
    log: &'a dyn Log,
    campaign: &'a Campaign,
    next: Position,
    joiner: Joiner,
}

impl<'a> Reader<'a> {
    pub fn from(log: &'a dyn Log, campaign: &'a Campaign, next: Position) -> Self {
        Reader { log, campaign, next, joiner: Joiner::new() }
    }

    /// From where the first answer may lie.
    pub async fn from_the_start(log: &'a dyn Log, campaign: &'a Campaign) -> Result<Self, ReadError> {
        let next = first_since(log, partition(campaign), campaign.started_at.minus(SLACK)).await?;
        Ok(Reader::from(log, campaign, next))
    }

    /// What targets have answered in the next records; `None` where the log ends.
    pub async fn read(&mut self) -> Result<Option<Vec<Answer>>, ReadError> {
        let records = self.log.read(partition(self.campaign), self.next, BATCH_RECORDS, BATCH_BYTES).await?;
        let Some(last) = records.last() else { return Ok(None) };
        self.next = last.position + 1;
        let mut answers = vec![];
        for record in records {
            let Joined::Whole(whole) = self.joiner.push(record) else { continue };
            match Answer::decode(&whole.headers, &whole.value) {
                Ok(answer) if self.is_asked(&answer) => answers.push(answer),
                _ => {}
            }
        }
        Ok(Some(answers))
    }

    fn is_asked(&self, answer: &Answer) -> bool {
        answer.campaign == self.campaign.id && self.campaign.targets.contains(answer.host)
    }

    /// The first answer of each target that is there.
    pub async fn rest(mut self, room: &Room) -> Result<BTreeMap<HostId, Answer>, ReadError> {
        let mut answers = BTreeMap::new();
        while let Some(some) = self.read().await? {
            keep_first(&mut answers, some, room);
        }
        Ok(answers)
    }

    /// The first answer of each target, until there are `expected` or the patience is over.
    pub async fn collect(
        mut self,
        expected: usize,
        patience: Duration,
        room: &Room,
    ) -> Result<BTreeMap<HostId, Answer>, ReadError> {
        let deadline = Instant::now() + patience;
        let mut answers = BTreeMap::new();
        while answers.len() < expected && Instant::now() < deadline {
            match self.read().await? {
                Some(some) => keep_first(&mut answers, some, room),
                None => {
                    let news = self.log.changed(partition(self.campaign), self.next, patience);
                    let _ = timeout_at(deadline, news).await; // the loop looks at the time itself
                }
            }
        }
        Ok(answers)
    }
}

fn keep_first(answers: &mut BTreeMap<HostId, Answer>, more: Vec<Answer>, room: &Room) {
    for answer in more {
        answers.entry(answer.host).or_insert_with(|| room.fit(answer));
    }
}

/// The position of the first record that was appended at a time or after; a search in halves, since records lie in the
/// order of their times.
async fn first_since(log: &dyn Log, partition: Partition, time: Timestamp) -> Result<Position, ReadError> {
    let (mut low, mut high) = (log.start(partition).await?, log.end(partition).await?);
    while low < high {
        let middle = low + (high - low) / 2;
        match log.read(partition, middle, 1, 1).await?.first() {
            Some(record) if record.appended < time => low = record.position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use infra_log::Draft;
    use infra_log::memory::Memory;

    use super::*;

    #[tokio::test]
    async fn the_first_record_since_a_time_is_found_in_every_log() {
        let partition = Topic::Live.partition_of(1);
        for count in 0..20 {
            let clock = Arc::new(AtomicI64::new(0));
            let of_log = clock.clone();
            let log = Memory::new(Arc::new(move || Timestamp::from_micros(of_log.load(Ordering::SeqCst))));
            for number in 0..count {
                // Two records at each time: 10, 10, 20, 20, …
                clock.store(10 * (1 + number / 2), Ordering::SeqCst);
                log.append(partition, vec![Draft::default()]).await.unwrap();
            }
            let records = log.records(partition);
            for time in 0..120 {
                let time = Timestamp::from_micros(time);
                let expected = records.iter().find(|record| record.appended >= time).map(|record| record.position);
                let end = log.end(partition).await.unwrap();
                assert_eq!(
                    first_since(&log, partition, time).await.unwrap(),
                    expected.unwrap_or(end),
                    "{count} {time:?}"
                );
            }
        }
    }
}
