//! What the Registry folded, kept now and then, so that a start does not read weeks of the log again.
//!
//! A snapshot is of one partition. What it holds may be newer than the record that it names, never older: reading on from
//! there gives the same Registry as reading everything.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::records::Section;
use domain::{CampaignId, Digest, HostId, Members, Timestamp};
use infra_ledger::Place;
use infra_ledger::snapshot::{Snapshot, SnapshotError, Snapshots};
use infra_log::{Partition, Topic};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cell::Held;
use super::fold::Tail;
use super::{Inner, Registry};

/// The version of this fold: a snapshot of another one is not used.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct KeptHost {
    host: HostId,
    held: Vec<KeptSection>,
}

#[derive(Serialize, Deserialize)]
struct KeptSection {
    /// Or of a part of one, `users/3`.
    section: String,
    hash: Digest,
    recorded: Timestamp,
    state: Box<RawValue>,
}

#[derive(Default, Serialize, Deserialize)]
struct KeptSignals {
    hosts: Vec<KeptTimes>,
    answered: Vec<(CampaignId, Members)>,
}

#[derive(Serialize, Deserialize)]
struct KeptTimes {
    host: HostId,
    seen: Timestamp,
    detailed: Timestamp,
    labelled: Timestamp,
    judged: Timestamp,
    wrote: Timestamp,
    wished: Timestamp,
}

impl Registry {
    /// Stores a snapshot of every partition that moved since its last one; says how many.
    pub async fn take_snapshots(&self, snapshots: &Snapshots) -> Result<usize, SnapshotError> {
        let mut taken = 0;
        for tail in self.0.tails.iter() {
            // The place first: what is gathered after it is at least as new.
            let Some(last) = tail.last() else { continue };
            if tail.kept.load(Ordering::Relaxed) > last.position {
                continue;
            }
            let (inner, partition) = (self.0.clone(), tail.partition);
            let gathered = tokio::task::spawn_blocking(move || inner.gather(partition)).await;
            let body = gathered.map_err(|error| SnapshotError::Failed(error.to_string()))?;
            let snapshot = Snapshot {
                kind: kind(partition).to_owned(),
                fold_version: VERSION,
                partition,
                position: last.position,
                last_record_id: last.id,
                body: body.into(),
            };
            snapshots.store(snapshot).await?;
            tail.kept.store(last.position + 1, Ordering::Relaxed);
            taken += 1;
        }
        Ok(taken)
    }

    /// Takes them every so often. Never ends.
    pub async fn keep_snapshots(&self, snapshots: Snapshots, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.take_snapshots(&snapshots).await {
                tracing::warn!("no snapshot of the Registry was taken: {error}");
            }
        }
    }
}

impl Inner {
    /// Takes what the newest snapshots hold; each tail goes on after its own.
    pub(super) async fn restore(&self, snapshots: &Snapshots) {
        for tail in self.tails.iter() {
            let found = snapshots.newest(&*self.log, kind(tail.partition), VERSION, tail.partition).await;
            let Some(snapshot) = found else { continue };
            match self.take_kept(tail.partition, &snapshot.body) {
                Ok(()) => tail.resume(Place { position: snapshot.position, id: snapshot.last_record_id }),
                Err(error) => {
                    tracing::warn!(partition = %tail.partition, "a snapshot cannot be restored, folding anew: {error}")
                }
            }
        }
    }

    fn gather(&self, partition: Partition) -> Vec<u8> {
        let kept = match partition.topic {
            Topic::Signals => serde_json::to_vec(&self.gather_signals()),
            _ => serde_json::to_vec(&self.gather_hosts(partition)),
        };
        kept.expect("what is kept is plain data with text keys")
    }

    fn gather_hosts(&self, partition: Partition) -> Vec<KeptHost> {
        let here = |host: HostId| Topic::Hosts.partition_of(u64::from(host.0)) == partition;
        let cells: Vec<_> = self
            .cells
            .iter()
            .filter(|entry| here(*entry.key()))
            .map(|entry| (*entry.key(), entry.value().clone()))
            .collect();
        let keep = |held: &Held| KeptSection {
            section: held.slot.to_owned(),
            hash: held.hash,
            recorded: held.recorded,
            state: RawValue::from_string(held.state.to_string()).expect("a state is JSON"),
        };
        cells
            .into_iter()
            .map(|(host, cell)| KeptHost { host, held: cell.facts().held.iter().map(keep).collect() })
            .collect()
    }

    fn gather_signals(&self) -> KeptSignals {
        let keep = |host: HostId, cell: &super::Cell| {
            let facts = cell.facts();
            KeptTimes {
                host,
                seen: cell.seen_at(),
                detailed: facts.details.done,
                labelled: facts.labels.done,
                judged: facts.policies.done,
                wrote: facts.wrote,
                wished: facts.wished,
            }
        };
        KeptSignals {
            hosts: self.cells.iter().map(|entry| keep(*entry.key(), entry.value())).collect(),
            answered: self.answered.known(),
        }
    }

    /// Reads all before it takes any.
    fn take_kept(&self, partition: Partition, body: &[u8]) -> Result<(), serde_json::Error> {
        match partition.topic {
            Topic::Signals => {
                let kept: KeptSignals = serde_json::from_slice(body)?;
                kept.answered.iter().for_each(|(campaign, hosts)| self.answered.told(*campaign, hosts));
                kept.hosts.iter().filter(|kept| !self.is_gone(kept.host)).for_each(|kept| self.take_times(kept));
            }
            _ => {
                let kept: Vec<KeptHost> = serde_json::from_slice(body)?;
                for KeptHost { host, held } in kept {
                    held.into_iter().filter_map(|kept| self.read_kept(kept)).for_each(|held| self.take(host, held));
                }
            }
        }
        Ok(())
    }

    fn read_kept(&self, kept: KeptSection) -> Option<Held> {
        let slot = Section::slot_named(&kept.section)?;
        let state: Arc<str> = self.shared.state(slot, &kept.hash, kept.state.get());
        Some(Held { slot, hash: kept.hash, recorded: kept.recorded, state })
    }

    fn take_times(&self, kept: &KeptTimes) {
        let cell = self.cell(kept.host);
        cell.heard(kept.seen);
        let mut facts = cell.facts();
        facts.details.heard(kept.detailed);
        facts.labels.heard(kept.labelled);
        facts.policies.heard(kept.judged);
        facts.wrote = facts.wrote.max(kept.wrote);
        facts.wished = facts.wished.max(kept.wished);
    }
}

fn kind(partition: Partition) -> &'static str {
    match partition.topic {
        Topic::Signals => "registry-signals",
        _ => "registry-hosts",
    }
}

impl Tail {
    /// Goes on after a record that a snapshot stands for.
    fn resume(&self, last: Place) {
        self.took(last);
        self.kept.store(last.position + 1, Ordering::Relaxed);
    }
}
