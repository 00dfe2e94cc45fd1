//! The same stories on the logs that people run: SQLite, and Kafka where a broker can be had.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infra_ledger::Follower;
use infra_log::Log;
use infra_log::sqlite::Sqlite;
#[cfg(feature = "kafka")]
use infra_world::World;
use infra_world::{Clock, ManualClock};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::fixture::{SECRET, START, by, set_secrets, world};
use crate::story::{Stage, Wave, all_records, play, start_in, waves};
use crate::verdict::{agree, check};

/// Stories that are the same every time.
fn stories(count: usize, writers: usize) -> Vec<Vec<Wave>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| waves(writers).new_tree(&mut runner).unwrap().current()).collect()
}

/// Plays a story and checks it.
async fn tell(stage: &Stage<'_>, waves: &[Wave]) {
    let setup = start_in((stage.open)(), stage.world.clone(), 9, None).await;
    setup.execute(set_secrets(&[SECRET]), by("setup")).await.unwrap();
    let played = play(stage, waves).await;
    for ledger in &played.ledgers {
        ledger.read_to_end().await.unwrap();
    }
    let records = all_records(&*stage.truth).await;
    agree(&records, &played.ledgers).await;
    check(&records, &played.calls, "setup");
}

fn open(folder: &Path, clock: &ManualClock) -> Arc<dyn Log> {
    let clock = clock.clone();
    Arc::new(Sqlite::open(folder, Arc::new(move || clock.now())).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    for waves in stories(12, 3) {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let log = open(folder.path(), &clock);
        let stage = Stage {
            writers: 3,
            world: world(&clock),
            open: &|| log.clone(),
            truth: log.clone(),
            tick: &|| clock.advance(Duration::from_millis(1)),
        };
        tell(&stage, &waves).await;
        let records = all_records(&*log).await;
        drop(stage);
        // The tasks of the writers let go of it a moment later.
        while Arc::strong_count(&log) > 1 {
            tokio::task::yield_now().await;
        }
        drop(log);
        // What was acknowledged is in the files, for whoever opens them next.
        let log = open(folder.path(), &clock);
        let follower = Follower::open(log, None).await.unwrap();
        assert_eq!(follower.fold().chain.sequence, crate::reference::counted(&records).unwrap().len() as u64);
    }
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka() {
    use infra_log::Topic;
    use infra_log::kafka::{Config, Kafka};

    let Some(brokers) = crate::broker::shared() else { return };
    for (number, waves) in stories(4, 3).into_iter().enumerate() {
        let config = Config {
            prefix: format!("ledger-{}-{number}.", std::process::id()),
            topics: vec![Topic::Ledger, Topic::Signals],
            replication: 1,
            min_in_sync: 1,
            ..Config::new(brokers)
        };
        let (one, two) = tokio::join!(Kafka::open(config.clone()), Kafka::open(config.clone()));
        // Two processes' worth of clients, taken in turn.
        let logs: [Arc<dyn Log>; 2] = [Arc::new(one.unwrap()), Arc::new(two.unwrap())];
        let turn = std::sync::atomic::AtomicUsize::new(0);
        let stage = Stage {
            writers: 3,
            world: World::system(),
            open: &|| logs[turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2].clone(),
            truth: logs[0].clone(),
            tick: &|| {},
        };
        tell(&stage, &waves).await;
    }
}
