//! Who is there: last-seen times folded from `muster.signals`, in memory.
//!
//! A window reaches the log up to 30 s after the instants it tells, which the margin of the online rule covers.

mod follow;
mod kept;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::records::Signal;
use domain::{HostId, Members, Timestamp};
use infra_ledger::Place;
use infra_log::Position;
use serde::{Deserialize, Serialize};

/// A host is online this long after its own interval has passed.
pub const MARGIN: Duration = Duration::from_secs(60);

/// What is known of one host's calls. Times are `EPOCH` until the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    pub seen: Timestamp,
    pub detailed: Timestamp,
    pub labelled: Timestamp,
    wrote: Timestamp,
    wished: Timestamp,
}

impl Calls {
    /// Whether an admin asked for fresh details that have not come yet.
    pub fn refetch_wished(&self) -> bool {
        self.wished > self.wrote
    }
}

/// Windows come every 30 s while hosts call. Silent for so long, the hosts are gone, and not the server.
const SILENCE: Duration = Duration::from_secs(90);

/// The fold; cheap to clone.
#[derive(Clone, Default)]
pub struct Presence(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    /// By ordinal.
    hosts: Vec<Calls>,
    /// The end of the newest window: what came after it is not told yet.
    told_to: Timestamp,
    /// When this process began to follow: a stretch without windows before it was the server's own outage.
    since: Timestamp,
    /// The position of `muster.signals` that is read next.
    next: Position,
    /// The last record that was folded.
    last: Option<Place>,
}

impl Presence {
    /// What is known of a host's calls.
    pub fn calls(&self, host: HostId) -> Calls {
        self.known().hosts.get(host.0 as usize).copied().unwrap_or_default()
    }

    /// Whether a host that calls every `interval_s` seconds is online; enrolling counts as a call.
    ///
    /// Judged at the end of what is told, so that neither the wait for the next window nor an outage of the server
    /// itself makes a host look silent.
    pub fn is_online(&self, host: &domain::host::Host, interval_s: u32, now: Timestamp) -> bool {
        let known = self.known();
        let calls = known.hosts.get(host.id.0 as usize).copied().unwrap_or_default();
        let seen = calls.seen.max(host.last_enrolled_at);
        let silent = now.since(known.told_to.max(known.since)) > SILENCE;
        let at = if silent { now } else { known.told_to.min(now) };
        at < seen.plus(Duration::from_secs(u64::from(interval_s))).plus(MARGIN)
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.read().expect("nothing panics while it holds this")
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.write().expect("nothing panics while it holds this"))
    }

    /// Folds one signal.
    pub fn apply(&self, signal: &Signal) {
        self.change(|known| known.apply(signal));
    }
}

impl Known {
    fn apply(&mut self, signal: &Signal) {
        let Known { hosts, told_to, .. } = self;
        match signal {
            Signal::Presence(window) => {
                *told_to = window.until.max(*told_to);
                for (host, at) in window.seen() {
                    let calls = slot(hosts, host);
                    calls.seen = calls.seen.max(at);
                }
                stamp(hosts, &window.detailed, |calls| calls.detailed = calls.detailed.max(window.until));
                stamp(hosts, &window.labelled, |calls| calls.labelled = calls.labelled.max(window.until));
                stamp(hosts, &window.wrote, |calls| calls.wrote = calls.wrote.max(window.until));
            }
            Signal::RefetchWished { hosts: wished, at } => {
                stamp(hosts, wished, |calls| calls.wished = calls.wished.max(*at));
            }
            Signal::Answered { .. } | Signal::Clock { .. } => {}
        }
    }
}

fn slot(hosts: &mut Vec<Calls>, host: HostId) -> &mut Calls {
    let index = host.0 as usize;
    if hosts.len() <= index {
        hosts.resize(index + 1, Calls::default());
    }
    &mut hosts[index]
}

fn stamp(hosts: &mut Vec<Calls>, members: &Members, change: impl Fn(&mut Calls)) {
    members.iter().for_each(|host| change(slot(hosts, host)));
}

#[cfg(test)]
mod tests {
    use domain::records::Presence as Window;
    use domain::{Digest, State, host};

    use super::*;

    const ENROLLED: Timestamp = Timestamp::from_secs(1_000);

    fn host() -> host::Host {
        let mut state = State::default();
        let enrolled = host::Enrolled {
            host: HostId(1),
            identifier: "a".into(),
            node_key: Digest::of("k"),
            team: None,
            platform: String::new(),
            succeeds: None,
        };
        state.evolve(&enrolled.into(), ENROLLED);
        state.hosts.get(HostId(1)).unwrap().clone()
    }

    fn window(from: i64, until: i64, seen: &[(u32, i64)]) -> Signal {
        let seen = seen.iter().map(|(host, at)| (HostId(*host), Timestamp::from_secs(*at))).collect();
        Signal::Presence(Window::new("a".into(), Timestamp::from_secs(from), Timestamp::from_secs(until), seen))
    }

    fn online(presence: &Presence, now: i64) -> bool {
        presence.is_online(&host(), 10, Timestamp::from_secs(now))
    }

    #[test]
    fn rest_check_39_a_host_is_offline_when_others_are_told_of_and_it_is_not() {
        let presence = Presence::default();
        presence.apply(&window(2_000, 2_030, &[(1, 2_025)]));
        presence.apply(&window(2_030, 2_060, &[(2, 2_050)]));
        assert!(online(&presence, 2_065));
        presence.apply(&window(2_060, 2_090, &[(2, 2_080)]));
        assert!(online(&presence, 2_094), "2025 + 10 + 60 is 2095");
        presence.apply(&window(2_090, 2_120, &[(2, 2_110)]));
        assert!(!online(&presence, 2_121));
    }

    #[test]
    fn an_outage_of_the_server_counts_against_no_host() {
        let presence = Presence::default();
        presence.apply(&window(2_000, 2_030, &[(1, 2_025)]));
        // An hour without any window, and a server that has just begun to follow.
        presence.0.write().unwrap().since = Timestamp::from_secs(5_600);
        assert!(online(&presence, 5_620));
        assert!(!online(&presence, 5_700), "nobody called although the server was there");
    }
}
