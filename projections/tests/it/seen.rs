//! Last-seen times are written in bulk, every five minutes of the log's own time.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::records::{Encoded, Presence, Signal};
use domain::{HostId, Timestamp};
use infra_log::{Draft, Log, Topic};
use infra_stores::Statement;
use projections::read;
use projections::read::NOW;

use crate::rig::Rig;
use crate::teller::{START, Teller};

/// The beginning of a stretch.
const BASE: i64 = 1_780_000_200 / 300 * 300;

async fn window(rig: &Rig, from: i64, seen: &[(u32, i64)]) {
    let at = |seconds: i64| Timestamp::from_secs(BASE + seconds);
    let seen = seen.iter().map(|(host, second)| (HostId(*host), at(*second))).collect();
    let mut window = Presence::new("a".into(), at(from), at(from + 30), seen);
    window.detailed = [HostId(1)].into_iter().collect();
    let Encoded { headers, value } = Signal::Presence(window).encode();
    rig.log.append(Topic::Signals.only(), vec![Draft { key: None, headers, value: value.into() }]).await.unwrap();
}

async fn rows(rig: &Rig) -> BTreeMap<u32, (i64, i64)> {
    let rows = rig.views.fetch(Statement::new("SELECT host, seen, detailed FROM host_seen")).await.unwrap();
    let seconds = |at: Timestamp| if at == Timestamp::EPOCH { -1 } else { at.secs() - BASE };
    rows.into_iter()
        .map(|mut row| (row.take().unwrap(), (seconds(row.take().unwrap()), seconds(row.take().unwrap()))))
        .collect()
}

#[tokio::test]
async fn a_stretch_is_written_when_it_is_over() {
    let rig = Rig::new().await;
    window(&rig, 0, &[(1, 3), (2, 5)]).await;
    window(&rig, 30, &[(1, 33)]).await;
    rig.fold().await;
    assert_eq!(rows(&rig).await, BTreeMap::new());
    window(&rig, 200, &[(2, 210)]).await;
    rig.fold().await;
    let before = rig.views.counts().statements();
    window(&rig, 300, &[(3, 301)]).await;
    rig.fold().await;
    assert!(rig.views.counts().statements() > before);
    assert_eq!(rows(&rig).await, [(1, (33, 230)), (2, (210, -1))].into());
    // A window of another node that comes late does not set anything back.
    window(&rig, 10, &[(1, 12)]).await;
    window(&rig, 700, &[(1, 701)]).await;
    rig.fold().await;
    assert_eq!(rows(&rig).await, [(1, (33, 330)), (2, (210, -1)), (3, (301, -1))].into());
}

/// Whatever is behind the last stretch is in the windows that were told.
#[tokio::test]
async fn the_times_are_those_of_the_windows() {
    let mut story = Teller::story(81, 900);
    story.now = story.now.plus(Duration::from_secs(900));
    story.step();
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.fold().await;
    let stretch = |window: &Presence| window.until.micros() / 300_000_000;
    let last = story.windows.iter().map(stretch).max().unwrap();
    let mut expected: BTreeMap<HostId, (Timestamp, Timestamp, Timestamp)> = BTreeMap::new();
    for window in story.windows.iter().filter(|window| stretch(window) < last) {
        for (host, at) in window.seen() {
            let times = expected.entry(host).or_insert((at, Timestamp::EPOCH, Timestamp::EPOCH));
            times.0 = times.0.max(at);
        }
        window.detailed.iter().for_each(|host| expected.get_mut(&host).unwrap().1 = window.until);
        window.labelled.iter().for_each(|host| expected.get_mut(&host).unwrap().2 = window.until);
    }
    assert!(expected.len() > 5 && expected.values().all(|times| times.0 > START));
    let ids: Vec<HostId> = story.state.hosts.existing().iter().collect();
    let read = read::host_rows(&rig.views, NOW, &ids).await.unwrap();
    assert!(read.len() > 3);
    for host in read {
        let times = expected.get(&host.id).copied().unwrap_or((Timestamp::EPOCH, Timestamp::EPOCH, Timestamp::EPOCH));
        assert_eq!((host.seen_at, host.detailed_at, host.labelled_at), times, "host {}", host.id);
    }
}
