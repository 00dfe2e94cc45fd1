//! Who is there: last-seen times folded from `muster.signals`, in memory.
//!
//! A window reaches the log up to 30 s after the instants it tells, which the margin of the online rule covers.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use domain::records::Signal;
use domain::{HostId, Members, Timestamp};
use infra_log::{Log, Position, ReadError, Topic};
use infra_world::World;

/// A host is online this long after its own interval has passed.
pub const MARGIN: Duration = Duration::from_secs(60);
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of one host's calls. Times are `EPOCH` until the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// The fold; cheap to clone.
#[derive(Clone, Default)]
pub struct Presence(Arc<RwLock<Vec<Calls>>>);

impl Presence {
    /// What is known of a host's calls.
    pub fn calls(&self, host: HostId) -> Calls {
        self.0.read().expect("nothing panics while it holds this").get(host.0 as usize).copied().unwrap_or_default()
    }

    /// Whether a host that calls every `interval_s` seconds is online; enrolling counts as a call.
    pub fn is_online(&self, host: &domain::host::Host, interval_s: u32, now: Timestamp) -> bool {
        let seen = self.calls(host.id).seen.max(host.last_enrolled_at);
        now < seen.plus(Duration::from_secs(u64::from(interval_s))).plus(MARGIN)
    }

    /// Folds one signal.
    pub fn apply(&self, signal: &Signal) {
        let hosts = &mut *self.0.write().expect("nothing panics while it holds this");
        match signal {
            Signal::Presence(window) => {
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

    /// Follows the topic for ever. What retention removed is passed over: it is older than any use of it.
    pub async fn follow(self, log: Arc<dyn Log>, world: World) {
        let partition = Topic::Signals.only();
        let mut next: Position = 0;
        loop {
            match log.read(partition, next, BATCH_RECORDS, BATCH_BYTES).await {
                Ok(records) if records.is_empty() => log.changed(partition, next, PATIENCE).await,
                Ok(records) => {
                    for record in records {
                        next = record.position + 1;
                        match Signal::decode(&record.value) {
                            Ok(signal) => self.apply(&signal),
                            Err(error) => {
                                tracing::warn!(position = record.position, "a signal cannot be read: {error}")
                            }
                        }
                    }
                }
                Err(ReadError::Gone { start, .. }) => next = start,
                Err(error) => {
                    tracing::warn!(at = %world.now(), "presence cannot be followed: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
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
