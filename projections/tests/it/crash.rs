//! Engines that die in the middle, and engines that do not know that another has taken over.

use infra_log::memory::Memory;
use infra_stores::StoreError;
use projections::StartError;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::rig::{Rig, Running};
use crate::teller::Teller;

async fn folded_once(log: &Memory) -> Rig {
    let rig = Rig::on(log.clone()).await;
    rig.fold().await;
    rig
}

/// Killed wherever they are, transactions open, and started again: nothing is lost and nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_die_lose_and_double_nothing() {
    for seed in 1..=3 {
        let story = Teller::story(20 + seed, 500);
        let rig = Rig::new().await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut crashes = 0;
        let mut rest = &story.writes[..];
        while !rest.is_empty() {
            let running = rig.engine().await;
            let (some, left) = rest.split_at(rng.random_range(1..60).min(rest.len()));
            rig.append(some).await;
            rest = left;
            // Let it get somewhere, but not to any place in particular.
            let wanted = rig.views.counts().statements() + rng.random_range(0..120);
            while rig.views.counts().statements() < wanted && !is_settled(&running).await {
                tokio::task::yield_now().await;
            }
            running.crash().await;
            crashes += 1;
        }
        assert!(crashes > 5);
        rig.fold().await;
        assert_eq!(rig.dump().await, folded_once(&rig.log).await.dump().await, "seed {seed}");
    }
}

async fn is_settled(running: &Running) -> bool {
    let settled = running.progress.settle(&crate::rig::ALL, None, std::time::Duration::ZERO).await.unwrap();
    !settled.behind
}

/// Two engines on one store, each believing that the partitions are its own: a checkpoint moves for one of them only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_writes_nothing() {
    let story = Teller::story(31, 500);
    let rig = Rig::new().await;
    let first = rig.engine().await;
    let second = rig.engine().await;
    for some in story.writes.chunks(40) {
        rig.append(some).await;
        tokio::task::yield_now().await;
    }
    first.settled().await;
    second.settled().await;
    first.stop().await;
    second.stop().await;
    assert_eq!(rig.dump().await, folded_once(&rig.log).await.dump().await);
}

/// A batch whose fold fails leaves nothing: here the store is told to fail at the checkpoint, after the rows.
#[tokio::test]
async fn a_batch_that_fails_at_its_end_leaves_no_rows() {
    let rig = Rig::new().await;
    rig.fold().await;
    let mut write = rig.views.write().await.unwrap();
    let trap = infra_stores::Statement::new(
        "CREATE TRIGGER trap BEFORE UPDATE ON checkpoint WHEN NEW.view = 'campaigns' AND NEW.position > 0 \
         BEGIN SELECT RAISE(ABORT, 'trap'); END",
    );
    write.execute(trap).await.unwrap();
    write.commit().await.unwrap();
    let story = Teller::story(32, 200);
    rig.append(&story.writes).await;

    let running = rig.engine().await;
    // It tries again and again, and each time the whole batch goes.
    let before = rig.views.counts().writes();
    while rig.views.counts().writes() < before + 60 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(rig.ledger_rows().await.iter().all(|(_, rows)| rows.is_empty()));

    let mut write = rig.views.write().await.unwrap();
    write.execute(infra_stores::Statement::new("DROP TRIGGER trap")).await.unwrap();
    write.commit().await.unwrap();
    running.settled().await;
    running.stop().await;
    assert_eq!(rig.dump().await, folded_once(&rig.log).await.dump().await);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said_at_the_start() {
    let rig = Rig::new().await;
    rig.log.stop_reads(true);
    assert!(matches!(rig.try_engine().await.err(), Some(StartError::Log(_))));
    rig.log.stop_reads(false);
    rig.fold().await;
    rig.views.close().await;
    assert!(matches!(rig.try_engine().await.err(), Some(StartError::Store(StoreError::Failed(_)))));
}
