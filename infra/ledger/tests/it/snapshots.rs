//! A snapshot makes a start quick and changes nothing else.

use std::sync::Arc;

use domain::ledger::Fold;
use domain::state::FOLD_VERSION;
use infra_blobs::{Blobs, Folder};
use infra_ledger::snapshot::{LEDGER_KIND, Snapshot, Snapshots};
use infra_ledger::{Follower, Ledger};
use infra_log::memory::Memory;
use infra_log::{Draft, Log, Topic};
use infra_world::ManualClock;

use crate::fixture::{SECRET, by, clock_and_log, create_query, enrol, open, run, set_secrets, world};

struct Story {
    clock: ManualClock,
    log: Memory,
    ledger: Ledger,
    blobs: Arc<dyn Blobs>,
    snapshots: Snapshots,
    _folder: tempfile::TempDir,
}

/// A ledger with a secret, some hosts and a query.
async fn story() -> Story {
    let (clock, log) = clock_and_log();
    let ledger = open(log.clone(), &clock, "one").await;
    ledger.execute(set_secrets(&[SECRET]), by("secrets")).await.unwrap();
    for name in ["anna", "berta", "carla"] {
        ledger.execute(enrol(name, name), by(format!("enrol {name}"))).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let blobs: Arc<dyn Blobs> = Arc::new(Folder::open(folder.path()).unwrap());
    let snapshots = Snapshots::new(blobs.clone());
    Story { clock, log, ledger, blobs, snapshots, _folder: folder }
}

impl Story {
    async fn query(&self, name: &str) {
        self.ledger.execute(create_query(name), by(name)).await.unwrap();
    }

    /// Takes a snapshot of all there is; only what was read or written since the start is known to lie somewhere.
    async fn take(&self) -> u64 {
        self.snapshots.take_ledger(self.ledger.follower()).await.unwrap().unwrap()
    }

    async fn keys(&self) -> Vec<String> {
        self.blobs.list("snapshots/").await.unwrap()
    }

    async fn restored(&self) -> Option<(Fold, u64)> {
        self.snapshots.ledger(&self.log).await
    }
}

#[test]
fn a_start_from_a_snapshot_equals_a_start_without() {
    run(async {
        let story = story().await;
        let position = story.take().await;
        story.query("after the snapshot").await;
        let (fold, next) = story.restored().await.unwrap();
        assert_eq!((fold.state.hosts.len(), next), (3, position + 1));
        assert!(fold.state.queries.by_name(None, "after the snapshot").is_none());

        let log: Arc<dyn Log> = Arc::new(story.log.clone());
        let quick = Ledger::open(log.clone(), world(&story.clock), "two".to_owned(), Some((fold, next))).await.unwrap();
        let slow = Follower::open(log, None).await.unwrap();
        assert_eq!(*quick.fold(), *slow.fold());
        assert_eq!(*quick.fold(), *story.ledger.fold());
        // A command from before the snapshot is known by its key, to the quick start as well.
        let again = quick.execute(enrol("anna", "another"), by("enrol anna")).await.unwrap();
        assert_eq!(again.outcome.unwrap().sequence, 2);
        quick.execute(create_query("more"), by("more")).await.unwrap();
        assert_eq!(*slow.read_to_end().await.unwrap(), *quick.fold());
    });
}

#[test]
fn the_newest_two_are_kept_and_nothing_new_is_nothing_to_take() {
    run(async {
        let story = story().await;
        for name in ["one", "two", "three"] {
            story.query(name).await;
            story.take().await;
        }
        let keys = story.keys().await;
        assert_eq!(keys, ["snapshots/ledger/0/00000000000000000005", "snapshots/ledger/0/00000000000000000006"]);
        let (fold, next) = story.restored().await.unwrap();
        let follower = Follower::open(Arc::new(story.log.clone()), Some((fold, next))).await.unwrap();
        assert!(story.snapshots.take_ledger(&follower).await.unwrap().is_none());
    });
}

#[test]
fn one_that_lies_below_those_of_a_log_that_is_no_more_is_kept() {
    run(async {
        let story = story().await;
        story.query("first").await;
        let own = story.take().await;
        let [key] = story.keys().await.try_into().unwrap();
        for above in [own + 1_000, own + 2_000] {
            story
                .blobs
                .put(&key.replace(&format!("{own:020}"), &format!("{above:020}")), "no use".into())
                .await
                .unwrap();
        }
        story.query("second").await;
        story.take().await;
        assert!(story.restored().await.is_some(), "{:?}", story.keys().await);
    });
}

#[test]
fn a_torn_one_is_passed_over_for_the_one_before_it() {
    run(async {
        let story = story().await;
        let older = story.take().await;
        story.query("later").await;
        story.take().await;
        let newest = story.keys().await.pop().unwrap();
        let whole = story.blobs.get(&newest).await.unwrap().unwrap();
        story.blobs.put(&newest, whole.slice(..whole.len() - 1)).await.unwrap();
        assert_eq!(story.restored().await.unwrap().1, older + 1);
        story.blobs.put(&newest, "something else".into()).await.unwrap();
        assert_eq!(story.restored().await.unwrap().1, older + 1);
        story.blobs.put(&newest, whole).await.unwrap();
        assert_eq!(story.restored().await.unwrap().1, older + 2);
    });
}

#[test]
fn one_of_another_log_or_of_a_cut_one_is_not_used() {
    run(async {
        let story = story().await;
        let position = story.take().await;
        story.log.cut(Topic::Ledger.only(), position);
        assert!(story.restored().await.is_none(), "no record lies there any more");
        story
            .log
            .append(Topic::Ledger.only(), vec![Draft { value: "another".into(), ..Draft::default() }])
            .await
            .unwrap();
        assert!(story.restored().await.is_none(), "another record lies there");
    });
}

#[test]
fn one_of_another_fold_or_version_or_kind_is_not_used() {
    run(async {
        let story = story().await;
        story.take().await;
        let key = story.keys().await.pop().unwrap();
        let good = Snapshot::decode(&story.blobs.get(&key).await.unwrap().unwrap()).unwrap();
        assert_eq!(good.fold_version, FOLD_VERSION);
        let next = Snapshot { fold_version: FOLD_VERSION + 1, ..good.clone() };
        let kind = Snapshot { kind: "hosts".to_owned(), ..good.clone() };
        let partition = Snapshot { partition: Topic::Signals.only(), ..good.clone() };
        let body = Snapshot { body: "no fold".into(), ..good.clone() };
        for bad in [next, kind, partition, body] {
            story.blobs.put(&key, bad.encode().into()).await.unwrap();
            assert!(story.restored().await.is_none(), "{bad:?}");
        }
        story.blobs.put(&key, good.encode().into()).await.unwrap();
        assert!(story.restored().await.is_some());
    });
}

#[test]
fn any_fold_of_any_partition_can_be_kept() {
    run(async {
        let story = story().await;
        let partition = Topic::Hosts.partition_of(7);
        let mut newest = None;
        for value in ["a", "b", "c"] {
            let positions =
                story.log.append(partition, vec![Draft { value: value.into(), ..Draft::default() }]).await.unwrap();
            let snapshot = Snapshot {
                kind: "registry".to_owned(),
                fold_version: 4,
                partition,
                position: positions[0],
                last_record_id: domain::Digest::of(value),
                body: format!("folded up to {value}").into(),
            };
            story.snapshots.store(snapshot.clone()).await.unwrap();
            newest = Some(snapshot);
        }
        assert_eq!(story.snapshots.newest(&story.log, "registry", 4, partition).await, newest);
        assert_eq!(story.snapshots.newest(&story.log, "registry", 5, partition).await, None);
        assert_eq!(story.snapshots.newest(&story.log, LEDGER_KIND, FOLD_VERSION, Topic::Ledger.only()).await, None);
        assert_eq!(story.keys().await.len(), 2);
    });
}
