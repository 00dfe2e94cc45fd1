//! Logs that cannot be folded as they are.

use domain::ledger::{Commit, Stamp};
use domain::records::{Encoded, Identity, Report};
use domain::{Digest, HostId, Timestamp};
use infra_log::{Draft, Log, Topic};
use infra_stores::Statement;
use projections::read::{self, NOW};
use projections::view;

use crate::rig::{PATIENCE, Rig};
use crate::teller::Teller;

fn draft(value: &[u8]) -> Draft {
    Draft { value: value.to_vec().into(), ..Draft::default() }
}

async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the condition came true");
}

const LEDGER_VIEWS: [&str; 6] = [view::HOSTS, view::TEAMS, view::LABELS, view::QUERIES, view::USERS, view::CAMPAIGNS];

/// What lies before is folded, nothing after; and readers are told at once, not after a long wait.
async fn stops_the_ledger(bad: Vec<u8>, reason: &str) {
    let story = Teller::story(41, 120);
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.log.append(Topic::Ledger.only(), vec![draft(&bad)]).await.unwrap();
    let mut later = story;
    let known = later.writes.len();
    (0..50).for_each(|_| later.step());
    rig.append(&later.writes[known..]).await;

    let running = rig.engine().await;
    until(async || running.progress.halted().len() == LEDGER_VIEWS.len()).await;
    for halt in running.progress.halted() {
        assert!(LEDGER_VIEWS.contains(&&*halt.view) && halt.reason.contains(reason), "{halt:?}");
    }
    let before = std::time::Instant::now();
    assert!(running.progress.settle(&[view::HOSTS], None, PATIENCE).await.unwrap().behind);
    assert!(before.elapsed() < PATIENCE / 2);
    // Hosts' partitions go on.
    assert!(!running.progress.settle(&[view::FACTS, view::ANSWERS], None, PATIENCE).await.unwrap().behind);
    running.stop().await;

    let known = Rig::new().await;
    let again = Teller::story(41, 120);
    known.append(&again.writes).await;
    known.fold().await;
    assert_eq!(rig.ledger_rows().await, known.ledger_rows().await);
}

#[tokio::test]
async fn rubbish_on_the_ledger_stops_its_views() {
    stops_the_ledger(b"rubbish".to_vec(), "not a commit").await;
}

#[tokio::test]
async fn an_event_of_a_newer_release_stops_the_views_of_the_ledger() {
    let head = Teller::story(41, 120).chain;
    let stamp = Stamp {
        id: "x".into(),
        source: "muster/b".into(),
        sequence: head.sequence + 1,
        prev: head.head,
        recorded: Timestamp::from_secs(1_790_000_000),
    };
    let commit = Commit { stamp, decided: vec![] }.encode();
    let newer = String::from_utf8(commit).unwrap().replace(
        r#""commands":[]"#,
        r#""commands":[{"commandid":"c","actor":"system","events":[{"type":"moon.landed","dataversion":1,"data":{}}]}]"#,
    );
    stops_the_ledger(newer.into_bytes(), "moon.landed").await;
}

#[tokio::test]
async fn a_ledger_with_a_hole_stops_its_views() {
    let head = Teller::story(41, 120).chain;
    let stamp = Stamp {
        id: "x".into(),
        source: "muster/b".into(),
        sequence: head.sequence + 2,
        prev: Digest::of("gone"),
        recorded: Timestamp::from_secs(1_790_000_000),
    };
    stops_the_ledger(Commit { stamp, decided: vec![] }.encode(), "the ledger stands at commit").await;
}

#[tokio::test]
async fn a_record_of_a_host_that_cannot_be_read_is_kept_for_the_admin() {
    let rig = Rig::new().await;
    let partition = Topic::Hosts.partition_of(3);
    let report = |name: &str, at: i64| {
        let section = Identity { hostname: name.into(), ..Identity::default() }.into();
        let report =
            Report { id: "r".into(), source: "s".into(), host: HostId(3), recorded: Timestamp::from_secs(at), section };
        let Encoded { headers, value } = report.encode();
        Draft { key: None, headers, value: value.into() }
    };
    let mut newer = report("c", 3);
    newer.headers.iter_mut().filter(|(name, _)| name == "section").for_each(|(_, value)| *value = "aura".into());
    rig.log.append(partition, vec![report("a", 1), draft(b"rubbish"), newer, report("b", 4)]).await.unwrap();
    rig.fold().await;
    let dead = rig
        .views
        .fetch(Statement::new("SELECT topic, part, position, reason FROM dead_record ORDER BY position"))
        .await
        .unwrap();
    let dead: Vec<(String, u32, u64, String)> = dead
        .into_iter()
        .map(|mut row| (row.take().unwrap(), row.take().unwrap(), row.take().unwrap(), row.take().unwrap()))
        .collect();
    assert_eq!(dead.len(), 2);
    assert_eq!((&*dead[0].0, dead[0].1, dead[0].2), ("muster.hosts", partition.index, 1));
    assert!(dead[1].3.contains("aura"), "{dead:?}");
    let facts = read::host_facts(&rig.views, NOW, &[HostId(3)]).await.unwrap();
    assert_eq!(facts[&HostId(3)].identity.hostname, "b");
}

/// A log that lost its tail, or another log, is not folded on: rows would come from two histories.
#[tokio::test]
async fn a_log_that_was_cut_stops_the_views_until_they_are_built_anew() {
    let story = Teller::story(42, 200);
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.fold().await;
    let ledger = Topic::Ledger.only();
    let end = rig.log.end(ledger).await.unwrap();
    rig.log.cut(ledger, end / 2);

    let running = rig.engine().await;
    until(async || running.progress.halted().len() == LEDGER_VIEWS.len()).await;
    assert!(running.progress.halted().iter().all(|halt| halt.reason.contains("cut or exchanged")));
    for view in LEDGER_VIEWS {
        running.rebuilds.rebuild(view).await.unwrap();
    }
    assert_eq!(running.progress.halted(), []);
    running.settled().await;
    running.stop().await;

    let whole = Rig::on(rig.log.clone()).await;
    whole.fold().await;
    assert_eq!(rig.ledger_rows().await, whole.ledger_rows().await);
}

/// What retention has removed before it was folded is lost to the view, which goes on with what is there.
#[tokio::test]
async fn records_that_retention_took_are_passed_over() {
    let story = Teller::story(43, 200);
    let rig = Rig::new().await;
    rig.fold().await;
    rig.append(&story.writes).await;
    let results = Topic::Results.partition_of(1);
    let end = rig.log.end(results).await.unwrap();
    assert!(end > 2, "the story says too little");
    rig.log.forget(results, end - 1);
    rig.fold().await;
}
