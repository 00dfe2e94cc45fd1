//! Who called when: kept in memory at every call, told to the log in windows.

use std::collections::VecDeque;
use std::sync::Arc;

use dashmap::mapref::multiple::RefMulti;
use domain::records::{Presence, Signal};
use domain::{HostId, Members, Timestamp};
use infra_log::{Draft, Topic};
use roaring::RoaringBitmap;

use super::cell::Cell;
use super::{AppendFailed, Finished, Inner, Registry};

/// Hosts in one record of a window: it then stays well below 256 KiB.
const HOSTS_IN_RECORD: usize = 100_000;
/// Windows that are kept while the log does not take them; the oldest go first.
const KEPT: usize = 40;

/// What is not in the log yet of the present window, besides who was seen, and the windows that the log did not take.
pub struct Window {
    from: Timestamp,
    detailed: RoaringBitmap,
    labelled: RoaringBitmap,
    judged: RoaringBitmap,
    wrote: RoaringBitmap,
    unsent: VecDeque<Signal>,
}

impl Window {
    pub fn since(from: Timestamp) -> Window {
        Window {
            from,
            detailed: RoaringBitmap::new(),
            labelled: RoaringBitmap::new(),
            judged: RoaringBitmap::new(),
            wrote: RoaringBitmap::new(),
            unsent: VecDeque::new(),
        }
    }

    pub fn finished(&mut self, host: HostId, finished: &Finished) {
        let note = |on: bool, bits: &mut RoaringBitmap| on.then(|| bits.insert(host.0));
        note(finished.detailed, &mut self.detailed);
        note(finished.labelled, &mut self.labelled);
        note(finished.judged, &mut self.judged);
        note(true, &mut self.wrote);
    }
}

impl Registry {
    /// Ends the present window and appends it. Called every 30 seconds while the process runs, and with `goodbye` when it
    /// stops. A fleet without hosts has no windows.
    pub async fn flush(&self, now: Timestamp, goodbye: bool) -> Result<(), AppendFailed> {
        let windows = self.end_window(now, goodbye);
        if windows.is_empty() {
            return Ok(());
        }
        let drafts = windows.iter().map(draft).collect();
        let outcome = self.append(Topic::Signals.only(), drafts).await;
        if outcome.is_err() {
            let mut window = self.0.window();
            windows.into_iter().rev().for_each(|signal| window.unsent.push_front(signal));
            let over = window.unsent.len().saturating_sub(KEPT);
            window.unsent.drain(..over);
        }
        outcome.map(drop)
    }

    fn end_window(&self, now: Timestamp, goodbye: bool) -> Vec<Signal> {
        let mut held = self.0.window();
        let ended = std::mem::replace(&mut *held, Window::since(now));
        let mut windows: Vec<Signal> = ended.unsent.into();
        let seen = self.0.seen_since(ended.from, now);
        let fleet = !self.0.state().state.hosts.is_empty();
        drop(held);
        if !fleet && seen.is_empty() {
            return windows;
        }
        let chunks = seen.chunks(HOSTS_IN_RECORD).map(<[_]>::to_vec);
        let mut presences: Vec<Presence> =
            chunks.map(|seen| Presence::new(self.0.node.clone(), ended.from, now, seen)).collect();
        if presences.is_empty() {
            presences.push(Presence::new(self.0.node.clone(), ended.from, now, vec![]));
        }
        let last = presences.last_mut().expect("one was pushed if there was none");
        last.detailed = ended.detailed.into();
        last.labelled = ended.labelled.into();
        last.judged = ended.judged.into();
        last.wrote = ended.wrote.into();
        last.goodbye = goodbye;
        windows.extend(presences.into_iter().map(Signal::Presence));
        windows
    }

    /// Somebody wants these hosts' details anew: they are asked at their next call, and called if they are connected.
    pub async fn wish_refetch(&self, hosts: &Members) -> Result<(), AppendFailed> {
        let hosts = hosts.and(self.0.state().state.hosts.existing());
        if hosts.is_empty() {
            return Ok(());
        }
        let at = self.0.world.now();
        let signal = Signal::RefetchWished { hosts: hosts.clone(), at };
        self.append(Topic::Signals.only(), vec![draft(&signal)]).await?;
        self.0.wish(&hosts, at);
        self.0.connections.call(&hosts);
        Ok(())
    }

    /// Whether a wish for the host's details is open: nothing was accepted from it since.
    pub fn refetch_wished(&self, host: HostId) -> bool {
        self.0.cells.get(&host).is_some_and(|cell| {
            let facts = cell.facts();
            facts.wished > facts.wrote
        })
    }

    /// Hosts that called so lately that they count as online: within the shorter of their intervals and a minute.
    pub fn online(&self, now: Timestamp) -> Members {
        let fold = self.0.state();
        let online = self.0.cells.iter().filter(|entry| self.0.is_online(entry.value(), now)).map(|entry| *entry.key());
        online.collect::<Members>().and(fold.state.hosts.existing())
    }
}

impl Inner {
    fn window(&self) -> std::sync::MutexGuard<'_, Window> {
        self.window.lock().expect("nothing panics while it holds the window")
    }

    pub fn finished(&self, host: HostId, finished: &Finished) {
        self.window().finished(host, finished);
    }

    fn seen_since(&self, from: Timestamp, until: Timestamp) -> Vec<(HostId, Timestamp)> {
        let seen = |entry: RefMulti<'_, HostId, Arc<Cell>>| {
            let at = entry.value().seen_here();
            (at >= from && at != Timestamp::EPOCH).then(|| (*entry.key(), at.min(until)))
        };
        self.cells.iter().filter_map(seen).collect()
    }

    /// Takes what a window tells, of this node or another.
    pub fn fold_presence(&self, presence: &Presence) {
        let there = |host: &HostId| !self.is_gone(*host);
        presence.seen().into_iter().filter(|(host, _)| there(host)).for_each(|(host, at)| self.cell(host).heard(at));
        let until = presence.until;
        for host in presence.detailed.iter().filter(there) {
            self.cell(host).facts().details.heard(until);
        }
        for host in presence.labelled.iter().filter(there) {
            self.cell(host).facts().labels.heard(until);
        }
        for host in presence.judged.iter().filter(there) {
            self.cell(host).facts().policies.heard(until);
        }
        for host in presence.wrote.iter().filter(there) {
            let cell = self.cell(host);
            let mut facts = cell.facts();
            facts.wrote = facts.wrote.max(until);
        }
    }

    /// Opens a wish. What these hosts wrote earlier in the present window does not grant it.
    pub fn wish(&self, hosts: &Members, at: Timestamp) {
        self.window().wrote -= hosts.bitmap();
        for host in hosts.iter().filter(|host| !self.is_gone(*host)) {
            let cell = self.cell(host);
            let mut facts = cell.facts();
            facts.wished = facts.wished.max(at);
        }
    }

    fn is_online(&self, cell: &Cell, now: Timestamp) -> bool {
        let intervals = cell.facts().intervals.clone();
        let interval = intervals.distributed_interval.min(intervals.config_tls_refresh);
        let seen = cell.seen_at();
        seen != Timestamp::EPOCH && now.since(seen).as_secs() < u64::from(interval) + 60
    }
}

pub fn draft(signal: &Signal) -> Draft {
    let encoded = signal.encode();
    Draft { key: None, headers: encoded.headers, value: encoded.value.into() }
}
