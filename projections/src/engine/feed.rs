//! Reads records of one partition into facts.
//!
//! On the ledger only what extends the chain is a fact; elsewhere parts are joined, and signals are held until their
//! stretch of time is over. What a feed holds back is not below its resume point, so a restart reads it again.

use std::time::Duration;

use bytes::Bytes;
use domain::ledger::{Chain, Commit, Verdict};
use domain::records::{Activity, Answer, Line, Report, Signal, Unreadable};
use domain::{Digest, Timestamp};
use infra_log::parts::{Joined, Joiner};
use infra_log::{Position, Record, Topic};

use crate::projection::{Decision, Facts, Recorded};

/// The stretch of log time in which last-seen times are collected.
const STRETCH: Duration = Duration::from_secs(300);

/// A record of a host that cannot be read: kept for the admin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dead {
    pub position: Position,
    pub appended: Timestamp,
    pub reason: String,
}

/// What a batch of records came to.
#[derive(Debug)]
pub(super) struct Batch {
    pub facts: Facts,
    pub dead: Vec<Dead>,
    /// Everything below is in `facts`, in an earlier batch, or means nothing.
    pub resume: Position,
    /// The position to read next in this run.
    pub next: Position,
    /// What tells the last record below `resume` from any other, if it is of this batch.
    pub record: Option<String>,
    /// Why nothing after `resume` may be folded.
    pub halt: Option<String>,
}

/// The state of reading a partition.
pub(super) struct Feed {
    topic: Topic,
    chain: Chain,
    joiner: Joiner,
    stretch: Vec<Recorded<Signal>>,
}

impl Feed {
    /// A feed that goes on where the `note` of a checkpoint was written; an unreadable note is the ledger's beginning.
    pub fn new(topic: Topic, note: &str) -> Feed {
        let chain = serde_json::from_str(note).unwrap_or(Chain::GENESIS);
        Feed { topic, chain, joiner: Joiner::new(), stretch: vec![] }
    }

    /// What a new feed needs to go on from `resume`.
    pub fn note(&self) -> String {
        match self.topic {
            Topic::Ledger => serde_json::to_string(&self.chain).expect("a chain is plain data with text keys"),
            _ => String::new(),
        }
    }

    /// Reads records that follow on those before; there is at least one.
    pub fn read(&mut self, records: Vec<Record>) -> Batch {
        let next = records.last().map_or(0, |last| last.position + 1);
        let values: Vec<(Position, Bytes)> = records.iter().map(|one| (one.position, one.value.clone())).collect();
        let mut dead = vec![];
        let mut halt = None;
        let facts = match self.topic {
            Topic::Ledger => {
                let (facts, until, reason) = self.decisions(records, next);
                halt = reason.map(|reason| (until, reason));
                Facts::Decisions(facts)
            }
            Topic::Hosts => {
                Facts::Reports(self.whole(records, &mut dead, |one| Report::decode(&one.headers, &one.value)))
            }
            Topic::Results | Topic::Status => {
                Facts::Lines(self.whole(records, &mut dead, |one| Line::decode(&one.headers, &one.value)))
            }
            Topic::Live => {
                Facts::Answers(self.whole(records, &mut dead, |one| Answer::decode(&one.headers, &one.value)))
            }
            Topic::Activity => Facts::Activities(self.whole(records, &mut dead, |one| Activity::decode(&one.value))),
            Topic::Signals => {
                let signals = self.whole(records, &mut dead, |one| Signal::decode(&one.value));
                Facts::Signals(self.over(signals))
            }
        };
        let resume = match &halt {
            Some((until, _)) => *until,
            None => self.resume_at(next),
        };
        let below = values.iter().rfind(|(position, _)| *position < resume);
        let record = below.map(|(position, value)| mark(*position, value));
        Batch { facts, dead, resume, next, record, halt: halt.map(|(_, reason)| reason) }
    }

    /// Where a new feed must begin to see everything that this one holds back.
    fn resume_at(&self, next: Position) -> Position {
        let held = self.stretch.first().map_or(next, |held| held.position);
        self.joiner.resume_at(next).min(held)
    }

    fn decisions(
        &mut self,
        records: Vec<Record>,
        next: Position,
    ) -> (Vec<Recorded<Decision>>, Position, Option<String>) {
        let mut facts = vec![];
        for record in records {
            match self.commit(&record) {
                Ok(None) => {}
                Ok(Some(commit)) => {
                    let at = commit.stamp.recorded;
                    for decided in commit.decided {
                        let actor = decided.actor;
                        let decision =
                            |event| Recorded { position: record.position, fact: Decision { at, actor, event } };
                        facts.extend(decided.events.into_iter().map(decision));
                    }
                }
                Err(reason) => return (facts, record.position, Some(reason)),
            }
        }
        (facts, next, None)
    }

    /// The commit that a record holds; none when it is void.
    fn commit(&mut self, record: &Record) -> Result<Option<Commit>, String> {
        let stamp = Commit::peek(&record.value).map_err(|error| error.to_string())?;
        match self.chain.judge(&stamp.prev, stamp.sequence) {
            Verdict::Void => Ok(None),
            Verdict::Broken(reason) => Err(reason),
            Verdict::Applies => {
                let commit = Commit::decode(&record.value).map_err(|error| error.to_string())?;
                self.chain = self.chain.extended_by(&record.value);
                Ok(Some(commit))
            }
        }
    }

    fn whole<T>(
        &mut self,
        records: Vec<Record>,
        dead: &mut Vec<Dead>,
        decode: impl Fn(&Record) -> Result<T, Unreadable>,
    ) -> Vec<Recorded<T>> {
        let mut facts = vec![];
        for record in records {
            let (position, appended) = (record.position, record.appended);
            let outcome = match self.joiner.push(record) {
                Joined::Whole(whole) => decode(&whole).map_err(|error| error.to_string()),
                Joined::Waiting | Joined::Again => continue,
                Joined::Broken(reason) => Err(reason.to_owned()),
            };
            match outcome {
                Ok(fact) => facts.push(Recorded { position, fact }),
                Err(reason) => dead.push(Dead { position, appended, reason }),
            }
        }
        facts
    }

    /// Holds signals until a window tells that their stretch is over, so that rows do not depend on batches.
    fn over(&mut self, signals: Vec<Recorded<Signal>>) -> Vec<Recorded<Signal>> {
        let stretch = |signal: &Recorded<Signal>| match &signal.fact {
            Signal::Presence(presence) => Some(presence.until.micros().div_euclid(STRETCH.as_micros() as i64)),
            _ => None,
        };
        let mut over = vec![];
        for signal in signals {
            let Some(current) = stretch(&signal) else { continue };
            if self.stretch.first().and_then(stretch).is_some_and(|first| first < current) {
                over.append(&mut self.stretch);
            }
            self.stretch.push(signal);
        }
        over
    }
}

/// What tells a record from any other at the same position of another log: `position:hash`.
pub(super) fn mark(position: Position, value: &[u8]) -> String {
    let hash = Digest::of(value).to_string();
    format!("{position}:{}", &hash[..16])
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Facts::Decisions(facts) => facts.is_empty(),
            Facts::Reports(facts) => facts.is_empty(),
            Facts::Signals(facts) => facts.is_empty(),
            Facts::Lines(facts) => facts.is_empty(),
            Facts::Answers(facts) => facts.is_empty(),
            Facts::Activities(facts) => facts.is_empty(),
        }
    }
}
