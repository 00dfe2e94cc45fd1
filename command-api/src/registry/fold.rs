//! The tails: one task for each partition of `muster.hosts` and for `muster.signals`, and one that watches the ledger.
//!
//! A task holds the Registry only while it folds, never while it waits, so all of them end after the last handle is gone.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use domain::records::{Intervals, LabelAnswers, Section, Signal};
use domain::{Digest, HostId, Timestamp};
use infra_ledger::Place;
use infra_log::{Log, Partition, Position, ReadError, Record, Topic};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::cell::Held;
use super::{Inner, Registry};

/// Records and bytes asked for at once.
const RECORDS: usize = 2_000;
const BYTES: usize = 4 * 1024 * 1024;
/// How long a tail waits for news before it looks for itself, and after a failure.
const PATIENCE: Duration = Duration::from_secs(2);
/// A fold that stood at the log's end so lately knows what a host reported last.
const FRESH: Duration = Duration::from_secs(2);

/// How far each partition is folded.
pub struct Tails(Vec<Arc<Tail>>);

pub struct Tail {
    pub partition: Partition,
    /// The position that is read next.
    next: watch::Sender<Position>,
    /// The last record that was folded.
    last: Mutex<Option<Place>>,
    /// The position after the last record that a snapshot stands for.
    pub kept: AtomicU64,
    /// The newest end that somebody asked for: nothing lies below it once a read finds nothing.
    promised: AtomicU64,
    nudge: Notify,
    /// When the newest end was asked for that the fold has reached, in microseconds.
    stood_at_end: AtomicI64,
}

impl Tails {
    pub fn new() -> Tails {
        let tail = |partition| {
            Arc::new(Tail {
                partition,
                next: watch::Sender::new(0),
                last: Mutex::new(None),
                kept: AtomicU64::new(0),
                promised: AtomicU64::new(0),
                nudge: Notify::new(),
                stood_at_end: AtomicI64::new(i64::MIN),
            })
        };
        Tails(Topic::Hosts.every().chain(Topic::Signals.every()).map(tail).collect())
    }

    fn of(&self, partition: Partition) -> Option<&Tail> {
        self.iter().find(|tail| tail.partition == partition)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Tail> {
        self.0.iter().map(|tail| &**tail)
    }
}

pub fn start(registry: &Registry) {
    for tail in &registry.0.tails.0 {
        tokio::spawn(follow(Arc::downgrade(&registry.0), registry.0.log.clone(), tail.clone()));
    }
    tokio::spawn(watch_ledger(Arc::downgrade(&registry.0), registry.0.ledger.watch()));
}

/// Waits until every partition is folded up to an end that was asked for after the call.
pub async fn reach_ends(registry: &Registry) -> Result<(), ReadError> {
    for tail in registry.0.tails.iter() {
        registry.0.reach_end(tail).await?;
    }
    Ok(())
}

impl Inner {
    /// Whether this process has folded all that was in the partition less than two seconds ago; if it has not, it tries.
    pub async fn is_caught_up(&self, partition: Partition) -> bool {
        let Some(tail) = self.tails.of(partition) else { return false };
        let stood = Timestamp::from_micros(tail.stood_at_end.load(Ordering::Acquire));
        let now = self.world.now();
        if stood.plus(FRESH) > now && stood <= now {
            return true;
        }
        matches!(tokio::time::timeout(PATIENCE, self.reach_end(tail)).await, Ok(Ok(())))
    }

    async fn reach_end(&self, tail: &Tail) -> Result<(), ReadError> {
        let asked = self.world.now();
        let end = self.log.end(tail.partition).await?;
        tail.promised.fetch_max(end, Ordering::AcqRel);
        tail.nudge.notify_one();
        let mut next = tail.next.subscribe();
        let closed = |_| ReadError::Failed("the Registry is closed".to_owned());
        next.wait_for(|next| *next >= end).await.map_err(closed)?;
        tail.stood_at_end.fetch_max(asked.micros(), Ordering::AcqRel);
        Ok(())
    }

    fn fold(&self, tail: &Tail, records: &[Record]) {
        for record in records {
            match tail.partition.topic {
                Topic::Hosts => self.fold_report(record),
                _ => self.fold_signal(record),
            }
        }
    }

    fn fold_report(&self, record: &Record) {
        let Some((host, held)) = self.read_report(record) else {
            tracing::warn!(position = record.position, "a report of a host cannot be read, it is passed over");
            return;
        };
        self.take(host, held);
    }

    fn read_report(&self, record: &Record) -> Option<(HostId, Held)> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let host: HostId = record.header("host")?.parse().ok()?;
        let slot = Section::slot_of(record.header("section")?, record.header("part")?.parse().ok()?)?;
        let hash = Digest::parse_hex(record.header("hash")?)?;
        let recorded = Timestamp::from_micros(record.header("recorded")?.parse().ok()?);
        let envelope: Envelope<'_> = serde_json::from_slice(&record.value).ok()?;
        let state = self.shared.state(slot, &hash, envelope.data.get());
        Some((host, Held { slot, hash, recorded, state }))
    }

    /// Whether the ledger deleted the host: an ordinal that was given and does not exist is never used again.
    pub fn is_gone(&self, host: HostId) -> bool {
        let fold = self.state();
        host.0 <= fold.state.hosts.newest() && !fold.state.hosts.existing().contains(host)
    }

    /// Takes a state of a section and what else follows from it, unless a newer one is held or the host is gone.
    pub fn take(&self, host: HostId, held: Held) {
        if self.is_gone(host) {
            return;
        }
        let cell = self.cell(host);
        let mut facts = cell.facts();
        let (slot, state) = (held.slot, held.state.clone());
        let before = (slot == "labels").then(|| label_answers(facts.held("labels").map(|held| &*held.state)));
        if !facts.take(held) {
            return;
        }
        match slot {
            "os" => {
                #[derive(Deserialize)]
                struct Os {
                    #[serde(default)]
                    platform: String,
                }
                facts.platform = serde_json::from_str(&state).ok().map(|os: Os| self.shared.text(&os.platform));
            }
            "intervals" => facts.intervals = serde_json::from_str(&state).unwrap_or(Intervals::default()),
            "labels" => self.labels.take(host, &before.unwrap_or_default(), &label_answers(Some(&state))),
            _ => {}
        }
    }

    fn fold_signal(&self, record: &Record) {
        match Signal::decode(&record.value) {
            Ok(Signal::Presence(presence)) => self.fold_presence(&presence),
            Ok(Signal::Answered { campaign, hosts }) => self.answered.told(campaign, &hosts),
            Ok(Signal::RefetchWished { hosts, at }) => self.wish(&hosts, at),
            Ok(Signal::Clock { .. }) => {}
            Err(error) => tracing::warn!(position = record.position, "a signal is passed over: {error}"),
        }
    }

    /// What follows from a change of the ledger: hosts that are gone are forgotten, campaigns that began are called out.
    fn look_at_ledger(&self, newest: &mut u32) {
        let fold = self.state();
        let existing = fold.state.hosts.existing();
        let before = std::mem::replace(
            &mut *self.existed.write().expect("nothing panics while it holds them"),
            existing.clone(),
        );
        for gone in before.without(existing).iter() {
            self.forget(gone);
        }
        self.answered.retain(&fold.state);
        let begun = fold.state.campaigns.open().filter(|campaign| campaign.id.0 > *newest);
        begun.for_each(|campaign| self.connections.call(&campaign.targets));
        *newest = fold.state.campaigns.newest().0;
    }

    fn forget(&self, host: HostId) {
        if let Some((_, cell)) = self.cells.remove(&host) {
            let answers = label_answers(cell.facts().held("labels").map(|held| &*held.state));
            self.labels.take(host, &answers, &LabelAnswers::default());
        }
    }
}

pub fn label_answers(state: Option<&str>) -> LabelAnswers {
    state.and_then(|state| serde_json::from_str(state).ok()).unwrap_or_default()
}

impl Tail {
    /// The last record that was folded.
    pub fn last(&self) -> Option<Place> {
        *self.last.lock().expect("nothing panics while it holds the place")
    }

    /// Everything up to this record is folded.
    pub fn took(&self, last: Place) {
        *self.last.lock().expect("nothing panics while it holds the place") = Some(last);
        self.next.send_replace(last.position + 1);
    }

    /// Reads one batch; where there is none, what was promised is reached.
    async fn read(&self, log: &dyn Log) -> Result<Vec<Record>, ReadError> {
        let from = *self.next.borrow();
        let promised = self.promised.load(Ordering::Acquire);
        match log.read(self.partition, from, RECORDS, BYTES).await {
            // Retention took it. Every section is written again before that, and a signal is old by then.
            Err(ReadError::Gone { start, .. }) => {
                self.next.send_replace(start);
                Ok(vec![])
            }
            Ok(records) => {
                if records.is_empty() && promised > from {
                    self.next.send_replace(promised);
                }
                Ok(records)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for news after a read that found none. News that came at once may be no record: positions that were skipped
    /// lie there, which only a question for the end can tell.
    async fn wait(&self, log: &dyn Log) {
        let next = *self.next.borrow();
        let since = Instant::now();
        tokio::select! {
            () = log.changed(self.partition, next, PATIENCE) => {}
            () = self.nudge.notified() => return,
        }
        if since.elapsed() < PATIENCE / 20
            && let Ok(end) = log.end(self.partition).await
        {
            self.promised.fetch_max(end, Ordering::AcqRel);
        }
        tokio::task::yield_now().await;
    }
}

async fn follow(registry: Weak<Inner>, log: Arc<dyn Log>, tail: Arc<Tail>) {
    while registry.strong_count() > 0 {
        match tail.read(&*log).await {
            Ok(records) => match records.last() {
                Some(last) => {
                    let Some(inner) = registry.upgrade() else { return };
                    inner.fold(&tail, &records);
                    tail.took(Place { position: last.position, id: Digest::of(&last.value) });
                }
                None => tail.wait(&*log).await,
            },
            Err(error) => {
                tracing::warn!(partition = %tail.partition, "a tail cannot read: {error}");
                tokio::time::sleep(PATIENCE / 20).await;
            }
        }
    }
}

async fn watch_ledger(registry: Weak<Inner>, mut sequence: watch::Receiver<u64>) {
    let mut newest = 0;
    loop {
        let Some(inner) = registry.upgrade() else { return };
        inner.look_at_ledger(&mut newest);
        drop(inner);
        if tokio::time::timeout(PATIENCE, sequence.changed()).await.is_ok_and(|outcome| outcome.is_err()) {
            return;
        }
        sequence.borrow_and_update();
    }
}
