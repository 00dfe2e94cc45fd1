//! Every commit is told in `muster.activity`, whoever dies where.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::activity::of_commit;
use domain::ledger::{Commit, Fold, Verdict};
use domain::records::Activity;
use infra_blobs::Folder;
use infra_ledger::activity::tell;
use infra_ledger::snapshot::Snapshots;
use infra_log::memory::{Adversary, Faults, Memory};
use infra_log::{Log, Topic};
use infra_world::ManualClock;
use proptest::prelude::*;
use tokio::task::JoinHandle;

use crate::fixture::{SECRET, START, by, create_query, log_by, run, set_secrets};
use crate::story::{LEDGER, Want, create_user, start};

type Named = BTreeMap<(u64, u32), (String, serde_json::Value)>;

/// What should be told, from the ledger as it is.
fn expected(log: &Memory) -> Named {
    let mut fold = Fold::default();
    let mut all = Named::new();
    for record in log.records(LEDGER) {
        let before = fold.state.clone();
        if fold.apply(&record.value) == Verdict::Applies {
            let commit = Commit::decode(&record.value).unwrap();
            all.extend(of_commit(&before, &commit).into_iter().map(named));
        }
    }
    all
}

fn told(log: &Memory) -> Vec<Activity> {
    log.records(Topic::Activity.only()).iter().map(|record| Activity::decode(&record.value).unwrap()).collect()
}

fn named(activity: Activity) -> ((u64, u32), (String, serde_json::Value)) {
    ((activity.sequence, activity.number), (activity.kind, activity.details))
}

async fn all_is_told(log: &Memory) {
    let all = expected(log);
    told_at_least(log, all.len()).await;
    let told: Named = told(log).into_iter().map(named).collect();
    assert_eq!(told, all);
}

/// Waits until so many commits are told of; time is paused, so the hour is nothing.
async fn told_at_least(log: &Memory, count: usize) {
    let waiting = async {
        while told(log).into_iter().map(named).collect::<Named>().len() < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(3_600), waiting).await;
    waited.unwrap_or_else(|_| panic!("{} of {count} are told of after an hour", told(log).len()));
}

fn snapshots(folder: &tempfile::TempDir) -> Snapshots {
    Snapshots::new(Arc::new(Folder::open(folder.path()).unwrap()))
}

fn teller(log: impl Log, node: &str, snapshots: &Snapshots) -> JoinHandle<()> {
    let (node, snapshots) = (node.to_owned(), snapshots.clone());
    tokio::spawn(async move { tell(Arc::new(log), &node, &snapshots).await })
}

#[test]
fn two_nodes_tell_each_commit_once_and_in_order() {
    run(async {
        tokio::time::pause();
        let folder = tempfile::tempdir().unwrap();
        let snapshots = snapshots(&folder);
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let ledgers = [start(Arc::new(log.clone()), &clock, 0).await, start(Arc::new(log.clone()), &clock, 1).await];
        let tellers = ["node-0", "node-1"].map(|node| teller(log.clone(), node, &snapshots));
        for number in 0..20 {
            let command = create_query(&format!("query {number}"));
            ledgers[number % 2].execute(command, by(format!("{number}"))).await.unwrap();
        }
        all_is_told(&log).await;
        let told = told(&log);
        assert_eq!(told.len(), 20, "nothing is told twice");
        assert!(told.is_sorted_by_key(|one| one.sequence));
        assert_eq!(told[7].source, "muster/node-1");
        assert_eq!(told[7].kind, "created_saved_query");
        assert_eq!(told[7].details["query_name"], "query 7");
        tellers.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn others_tell_what_a_dead_node_decided() {
    run(async {
        tokio::time::pause();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let dead = start(Arc::new(log.clone()), &clock, 0).await;
        dead.execute(create_query("a"), by("a")).await.unwrap();
        let teller = teller(log.clone(), "node-1", &snapshots(&folder));
        all_is_told(&log).await;
        assert_eq!(told(&log)[0].source, "muster/node-1");
        teller.abort();
    });
}

#[test]
fn a_start_goes_on_where_the_topic_ends_from_a_snapshot_as_well() {
    run(async {
        tokio::time::pause();
        let folder = tempfile::tempdir().unwrap();
        let snapshots = snapshots(&folder);
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let ledger = start(Arc::new(log.clone()), &clock, 0).await;
        let first = teller(log.clone(), "node-0", &snapshots);
        ledger.execute(create_query("a"), by("a")).await.unwrap();
        all_is_told(&log).await;
        // Long enough for the writer to keep its own fold, at its next commit.
        tokio::time::sleep(Duration::from_secs(700)).await;
        ledger.execute(create_query("b"), by("b")).await.unwrap();
        all_is_told(&log).await;
        first.abort();
        ledger.execute(create_query("c"), by("c")).await.unwrap();
        // A snapshot of the ledger that is ahead of what was told must not be taken for the truth about it.
        snapshots.take_ledger(ledger.follower()).await.unwrap().unwrap();
        let second = teller(log.clone(), "node-0", &snapshots);
        all_is_told(&log).await;
        assert_eq!(told(&log).len(), 3, "nothing is told twice");
        second.abort();
    });
}

#[test]
fn details_that_no_record_holds_are_left_to_the_ledger() {
    run(async {
        tokio::time::pause();
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let ledger = start(Arc::new(log.clone()), &clock, 0).await;
        let options = |text: &str| {
            let value = Arc::new(serde_json::json!({"config": {"options": {"x": text.repeat(600_000)}}}));
            let sections = [("agent_options".to_owned(), value)].into();
            domain::settings::Command::Change { sections }
        };
        ledger.execute(options("a").into(), by("a")).await.unwrap();
        ledger.execute(options("b").into(), by("b")).await.unwrap();
        let teller = teller(log.clone(), "node-0", &snapshots(&folder));
        told_at_least(&log, 2).await;
        let told = told(&log);
        assert!(told[0].details["new"].is_object() && told[0].details.get("cut").is_none());
        assert_eq!(told[1].kind, "edited_agent_options");
        assert!(told[1].details["cut"].as_str().unwrap().contains("commit 2"), "{}", told[1].details);
        teller.abort();
    });
}

async fn story(seed: u64, faults: Faults, wants: &[(usize, Want)], deaths: &[usize]) {
    tokio::time::pause();
    let folder = tempfile::tempdir().unwrap();
    let snapshots = snapshots(&folder);
    let clock = ManualClock::at(START);
    let adversary = Adversary::on(log_by(clock.clone()), seed, faults);
    let mut ledgers = vec![];
    for node in 0..2 {
        ledgers.push(start(Arc::new(adversary.handle()), &clock, node).await);
    }
    let tellers = |node: usize| teller(adversary.handle(), &format!("node-{node}"), &snapshots);
    let mut running = [tellers(0), tellers(1)];
    for (number, command) in [set_secrets(&[SECRET]), create_user("first@example.org")].into_iter().enumerate() {
        // What comes of it is not the point here.
        let _ = ledgers[0].execute(command, by(format!("setup {number}"))).await;
    }
    for (number, (node, want)) in wants.iter().enumerate() {
        let _ = ledgers[*node].execute(want.command(), by(format!("{number}"))).await;
        if deaths.contains(&number) {
            running[*node].abort();
            running[*node] = tellers(*node);
        }
    }
    adversary.set_faults(Faults::none());
    adversary.settle();
    all_is_told(adversary.log()).await;
    running.iter().for_each(JoinHandle::abort);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_everything_is_told_and_nothing_else(
        seed: u64,
        wild: bool,
        wants in prop::collection::vec((0..2usize, Want::any()), 1..25),
        deaths in prop::collection::vec(0..25usize, 0..4),
    ) {
        let faults = if wild { Faults::wild() } else { Faults::slow() };
        run(story(seed, faults, &wants, &deaths));
    }
}
