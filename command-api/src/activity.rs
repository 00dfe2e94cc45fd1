//! Writes accepted decisions to `muster.activity`, for people and for those who watch them.
//!
//! It goes on after the last ledger sequence that it finds in the topic. One that starts again may write an activity
//! twice; both carry the same sequence and number, and readers take the first.

use std::sync::Arc;
use std::time::Duration;

use domain::activity::told;
use domain::ledger::{Commit, Fold, Verdict};
use domain::records::{Activity, Encoded};
use infra_log::{Draft, Log, Position, RECORD_LIMIT, ReadError, Topic};
use serde_json::json;

const BATCH_RECORDS: usize = 200;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(1);
/// How far before the end of the topic its last record is looked for first.
const LOOK_BACK: Position = 16;

/// Follows the ledger for ever. `restored` is a fold and the position after it; one that is newer than the last activity
/// is of no use, since what lies between would be missed.
pub async fn write(log: Arc<dyn Log>, restored: Option<(Fold, Position)>) {
    loop {
        match Writer::open(&*log, restored.clone()).await {
            Ok(mut writer) => writer.follow(&*log).await,
            Err(error) => tracing::warn!("activities cannot be written, trying again: {error}"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

struct Writer {
    fold: Fold,
    next: Position,
    /// The sequence of the last commit whose activities are in the topic.
    written: u64,
}

impl Writer {
    async fn open(log: &dyn Log, restored: Option<(Fold, Position)>) -> Result<Writer, ReadError> {
        // The last commit again: only some of its activities may have landed, and readers drop repeats.
        let written = last_sequence(log).await?.saturating_sub(1);
        let (fold, next) = restored.filter(|(fold, _)| fold.chain.sequence <= written).unwrap_or_default();
        Ok(Writer { fold, next, written })
    }

    /// Until the log fails or the ledger is broken.
    async fn follow(&mut self, log: &dyn Log) {
        let ledger = Topic::Ledger.only();
        loop {
            let records = match log.read(ledger, self.next, BATCH_RECORDS, BATCH_BYTES).await {
                Ok(records) => records,
                Err(error) => return tracing::warn!("activities stand still, the ledger cannot be read: {error}"),
            };
            if records.is_empty() {
                log.changed(ledger, self.next, PATIENCE).await;
                continue;
            }
            let mut drafts = vec![];
            let mut newest = self.written;
            for record in &records {
                let before = self.fold.clone();
                match self.fold.apply(&record.value) {
                    Verdict::Applies if self.fold.chain.sequence > self.written => {
                        drafts.extend(activities(&before, &record.value).iter().map(draft));
                        newest = self.fold.chain.sequence;
                    }
                    Verdict::Applies | Verdict::Void => {}
                    Verdict::Broken(reason) => return tracing::error!("activities stand still: {reason}"),
                }
            }
            if !drafts.is_empty()
                && let Err(error) = log.append(Topic::Activity.only(), drafts).await
            {
                return tracing::warn!("activities stand still, the log cannot be written: {error}");
            }
            self.written = newest;
            self.next = records.last().map_or(self.next, |record| record.position + 1);
        }
    }
}

/// What a commit means to people, in the order of its events.
fn activities(before: &Fold, record: &[u8]) -> Vec<Activity> {
    let Ok(commit) = Commit::decode(record) else { return vec![] };
    let mut state = before.state.clone();
    let mut all = vec![];
    for decided in &commit.decided {
        for event in &decided.events {
            for (kind, details) in told(&state, event) {
                all.push(Activity {
                    source: commit.stamp.source.clone(),
                    sequence: commit.stamp.sequence,
                    number: all.len() as u32,
                    recorded: commit.stamp.recorded,
                    actor: decided.actor,
                    command: decided.command.clone(),
                    kind: kind.to_owned(),
                    details,
                });
            }
            state.evolve(event, commit.stamp.recorded);
        }
    }
    all
}

/// Details over the record limit (a transfer of a whole fleet) are left to the ledger, and the activity says so.
fn draft(activity: &Activity) -> Draft {
    let encode = |activity: &Activity| {
        let Encoded { headers, value } = activity.encode();
        Draft { key: None, headers, value: value.into() }
    };
    let whole = encode(activity);
    if whole.size() <= RECORD_LIMIT {
        return whole;
    }
    let details =
        json!({"cut": format!("the details are too large; commit {} of the ledger has them", activity.sequence)});
    encode(&Activity { details, ..activity.clone() })
}

/// The sequence of the newest activity in the topic; 0 when there is none.
async fn last_sequence(log: &dyn Log) -> Result<u64, ReadError> {
    let partition = Topic::Activity.only();
    let (start, end) = (log.start(partition).await?, log.end(partition).await?);
    let mut span = LOOK_BACK;
    loop {
        let mut from = end.saturating_sub(span).max(start);
        let mut newest = None;
        while from < end {
            let records = log.read(partition, from, BATCH_RECORDS, BATCH_BYTES).await?;
            let Some(last) = records.last() else { break };
            from = last.position + 1;
            newest = records.iter().rev().find_map(|record| Activity::decode(&record.value).ok()).or(newest);
        }
        match newest {
            Some(activity) => return Ok(activity.sequence),
            None if end.saturating_sub(span) <= start => return Ok(0),
            None => span = span.saturating_mul(16),
        }
    }
}
