//! When hosts were last seen, in bulk.
//!
//! The engine hands signals over in stretches of five minutes of the log's own time, so a host that calls every ten
//! seconds is written once in a stretch. The exact times of the hosts on a page come from the fold in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::records::Signal;
use domain::{HostId, Members, Timestamp};
use infra_log::Topic;
use infra_stores::{Statement, StoreError, Table, Value, Write};

use crate::projection::{Facts, FoldError, Projection, view};
use crate::tables::HOST_SEEN;

/// One narrow row per host: when it was last seen, and when details, label answers and policy answers of it were last
/// accepted; the epoch for never.
/// Source: presence windows.
pub(crate) struct Seen;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Times {
    seen: Timestamp,
    detailed: Timestamp,
    labelled: Timestamp,
    judged: Timestamp,
}

impl Default for Times {
    fn default() -> Self {
        Times {
            seen: Timestamp::EPOCH,
            detailed: Timestamp::EPOCH,
            labelled: Timestamp::EPOCH,
            judged: Timestamp::EPOCH,
        }
    }
}

#[async_trait]
impl Projection for Seen {
    fn name(&self) -> &'static str {
        view::SEEN
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Signals
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&HOST_SEEN]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let Facts::Signals(signals) = facts else { return Ok(()) };
        let mut news: BTreeMap<HostId, Times> = BTreeMap::new();
        for signal in signals {
            let Signal::Presence(presence) = &signal.fact else { continue };
            for (host, at) in presence.seen() {
                let times = news.entry(host).or_default();
                times.seen = times.seen.max(at);
            }
            // Of these only the window is known: they happened before its end.
            raise(&mut news, &presence.detailed, |times| &mut times.detailed, presence.until);
            raise(&mut news, &presence.labelled, |times| &mut times.labelled, presence.until);
            raise(&mut news, &presence.judged, |times| &mut times.judged, presence.until);
        }
        let hosts: Vec<HostId> = news.keys().copied().collect();
        for some in hosts.chunks(1000) {
            for (host, held) in load(some, version, write).await? {
                let times = news.entry(host).or_default();
                *times = Times {
                    seen: times.seen.max(held.seen),
                    detailed: times.detailed.max(held.detailed),
                    labelled: times.labelled.max(held.labelled),
                    judged: times.judged.max(held.judged),
                };
            }
        }
        for (host, times) in news {
            let others: Vec<Value> =
                vec![times.seen.into(), times.detailed.into(), times.labelled.into(), times.judged.into()];
            write.put(&HOST_SEEN, vec![host.0.into(), version.into()], others);
        }
        Ok(())
    }
}

fn raise(news: &mut BTreeMap<HostId, Times>, hosts: &Members, time: fn(&mut Times) -> &mut Timestamp, at: Timestamp) {
    for host in hosts.iter() {
        let time = time(news.entry(host).or_default());
        *time = (*time).max(at);
    }
}

async fn load(hosts: &[HostId], version: i64, write: &mut Write) -> Result<Vec<(HostId, Times)>, StoreError> {
    let rows =
        Statement::new("SELECT host, seen, detailed, labelled, judged FROM host_seen WHERE version = ? AND host IN ");
    let rows = rows.bind(version).list(hosts.iter().map(|host| host.0));
    let read = |mut row: infra_stores::Row| {
        let host = HostId(row.take()?);
        Ok((host, Times { seen: row.take()?, detailed: row.take()?, labelled: row.take()?, judged: row.take()? }))
    };
    write.fetch(rows).await?.into_iter().map(read).collect()
}
