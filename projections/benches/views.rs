//! How fast a fleet becomes readable, and how fast its pages are: `cargo bench -p projections [HOSTS]`.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::host::Enrolled;
use domain::ledger::{Chain, Commit, Decided, Stamp};
use domain::records::{Disks, Encoded, Hardware, Identity, LabelAnswers, Network, Os, Report, Section};
use domain::{Actor, CommandId, Digest, Event, HostId, LabelId, Timestamp};
use infra_live::Process;
use infra_log::memory::Memory;
use infra_log::{Draft, Log, Topic};
use infra_stores::Views;
use infra_world::World;
use projections::read::{self, HostFilter, HostOrder, NOW, OrderKey, Page, TeamScope};
use projections::{Engine, view};
use tokio_util::sync::CancellationToken;

const START: Timestamp = Timestamp::from_secs(1_780_000_000);

#[tokio::main]
async fn main() {
    let hosts = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(20_000);
    let log = Memory::default();
    let records = enrol(&log, hosts).await + report(&log, hosts).await;
    let folder = tempfile::tempdir().unwrap();
    let views = Views::open(&folder.path().join("views.db")).await.unwrap();
    let log: Arc<dyn Log> = Arc::new(log);
    let engine = Engine::open(log, views.clone(), Arc::new(Process::default()), World::system()).await.unwrap();
    let (progress, rebuilds, stop) = (engine.progress(), engine.rebuilds(), CancellationToken::new());
    let before = Instant::now();
    let running = tokio::spawn(engine.run(stop.clone()));
    let all = [view::HOSTS, view::LABELS, view::FACTS];
    assert!(!progress.settle(&all, None, Duration::from_secs(3_600)).await.unwrap().behind);
    tell("fold everything", before, records);
    for view in all {
        let before = Instant::now();
        rebuilds.rebuild(view).await.unwrap();
        tell(&format!("rebuild {view}"), before, records);
    }
    pages(&views).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let size = std::fs::metadata(folder.path().join("views.db")).unwrap().len();
    println!("{:<32}{:>9} bytes a host", "file", size / u64::from(hosts));
}

async fn pages(views: &Views) {
    let past = START.plus(Duration::from_secs(3_000));
    let page = Page { size: Some(50), number: 0, after: None };
    let everything = HostFilter::default();
    let search = HostFilter { search: Some("host-77".into()), ..HostFilter::default() };
    let label = HostFilter { label: Some(LabelId(8)), ..HostFilter::default() };
    for (when, at) in [("now", NOW), ("past", past)] {
        for (what, filter, key) in [
            ("page by id", &everything, OrderKey::Id),
            ("page by hostname", &everything, OrderKey::Hostname),
            ("page by memory", &everything, OrderKey::Memory),
            ("page of a search", &search, OrderKey::Hostname),
            ("page of a label", &label, OrderKey::Hostname),
        ] {
            let order = HostOrder { key, descending: false };
            best(&format!("{what}, {when}"), async || {
                let hosts = read::host_page(views, at, filter, order, &page).await.unwrap();
                let ids: Vec<HostId> = hosts.iter().map(|host| host.id).collect();
                read::host_facts(views, at, &ids).await.unwrap();
                assert!(!ids.is_empty());
            })
            .await;
        }
        best(&format!("count, {when}"), async || {
            assert!(read::host_count(views, at, &everything).await.unwrap() > 0);
        })
        .await;
        best(&format!("find, {when}"), async || {
            assert_eq!(read::host_find(views, at, &TeamScope::All, "HOST-77.example").await.unwrap(), [HostId(77)]);
        })
        .await;
        best(&format!("label counts, {when}"), async || {
            assert!(read::label_counts(views, at, &TeamScope::All).await.unwrap().len() > 1);
        })
        .await;
    }
}

async fn best(what: &str, reading: impl AsyncFn()) {
    let mut times = vec![];
    for _ in 0..5 {
        let before = Instant::now();
        reading().await;
        times.push(before.elapsed());
    }
    times.sort();
    println!("{what:<32}{:>9.1} ms", times[2].as_secs_f64() * 1e3);
}

fn tell(what: &str, before: Instant, records: u64) {
    let spent = before.elapsed();
    println!("{what:<32}{:>9.1} ms {:>9.0} records/s", spent.as_secs_f64() * 1e3, records as f64 / spent.as_secs_f64());
}

async fn append(log: &Memory, partition: infra_log::Partition, Encoded { headers, value }: Encoded) {
    log.append(partition, vec![Draft { key: None, headers, value: value.into() }]).await.unwrap();
}

/// Hundreds in a commit, as a storm of enrolments is.
async fn enrol(log: &Memory, hosts: u32) -> u64 {
    let mut chain = Chain::GENESIS;
    let seed = domain::label::Command::Seed.decide(&domain::State::default(), START).unwrap();
    let mut commits = vec![seed];
    let ids: Vec<u32> = (1..=hosts).collect();
    commits.extend(ids.chunks(200).map(|some| some.iter().map(|host| Event::from(enrolled(*host))).collect()));
    for events in &commits {
        let sequence = chain.sequence + 1;
        let stamp = Stamp { id: "id".into(), source: "muster/a".into(), sequence, prev: chain.head, recorded: START };
        let (command, actor) = (CommandId(sequence.to_string()), Actor::System);
        let decided = vec![Decided { command, actor, traceparent: None, events: events.clone() }];
        let value = Commit { stamp, decided }.encode();
        chain = chain.extended_by(&value);
        append(log, Topic::Ledger.only(), Encoded { headers: vec![], value }).await;
    }
    u64::from(hosts)
}

fn enrolled(host: u32) -> Enrolled {
    let (node_key, identifier) = (Digest::of(host.to_string()), format!("uuid-{host}"));
    Enrolled { host: HostId(host), identifier, node_key, team: None, platform: "ubuntu".into(), succeeds: None }
}

/// Every section of every host, and some of them again an hour later.
async fn report(log: &Memory, hosts: u32) -> u64 {
    let mut records = 0;
    for round in 0..2 {
        for host in 1..=hosts {
            for section in sections(host, round) {
                let recorded = START.plus(Duration::from_secs(3_600 * u64::from(round)));
                let report =
                    Report { id: "id".into(), source: "muster/a".into(), host: HostId(host), recorded, section };
                append(log, Topic::Hosts.partition_of(u64::from(host)), report.encode()).await;
                records += 1;
            }
        }
    }
    records
}

fn sections(host: u32, round: u32) -> Vec<Section> {
    let disks = Disks {
        gigs_disk_space_available: f64::from(host % 100 + round),
        gigs_total_disk_space: 500.0,
        ..Disks::default()
    };
    let members = [2, 4, 8].into_iter().filter(|label| host % label == round).map(LabelId).collect();
    let labels = LabelAnswers { answered: (1..=13).map(LabelId).collect(), members };
    if round > 0 {
        return vec![disks.into(), labels.into()];
    }
    let identity = Identity {
        hostname: format!("host-{host}.example"),
        uuid: format!("uuid-{host}"),
        hardware_serial: format!("serial-{host}"),
        ..Identity::default()
    };
    let os = Os { platform: "ubuntu".into(), os_version: "Ubuntu 22.04.4 LTS".into(), ..Os::default() };
    let hardware = Hardware { memory: i64::from(host % 64) << 30, ..Hardware::default() };
    let network =
        Network { primary_ip: format!("10.{}.{}.{}", host >> 16, host >> 8 & 255, host & 255), ..Network::default() };
    vec![identity.into(), os.into(), hardware.into(), network.into(), disks.into(), labels.into()]
}
