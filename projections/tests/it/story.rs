//! One story, folded in one piece, in many, and in every interleaving of its partitions: always the same rows.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use infra_log::memory::Memory;
use infra_log::{Draft, Partition};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::rig::{Dump, Rig};
use crate::teller::Teller;

#[tokio::test]
async fn a_story_leaves_rows_in_every_table() {
    let rig = Rig::new().await;
    rig.append(&Teller::story(1, 600).writes).await;
    rig.fold().await;
    for (table, rows) in rig.dump().await {
        assert!(!rows.is_empty(), "the story says nothing to {table}: it proves nothing about it");
    }
}

#[tokio::test]
async fn rows_do_not_depend_on_how_records_were_batched() {
    for seed in 1..4 {
        let story = Teller::story(seed, 400);
        let whole = Rig::new().await;
        whole.append(&story.writes).await;
        whole.fold().await;

        let pieces = Rig::new().await;
        let running = pieces.engine().await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut rest = &story.writes[..];
        while !rest.is_empty() {
            let (some, left) = rest.split_at(rng.random_range(1..20).min(rest.len()));
            pieces.append(some).await;
            running.settled().await;
            rest = left;
        }
        running.stop().await;
        assert_eq!(whole.dump().await, pieces.dump().await, "seed {seed}");
    }
}

/// Nothing orders the partitions of a log, so nothing may depend on which of them is folded first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_interleavings_of_the_partitions_give_the_same_rows() {
    let story = Teller::story(7, 400);
    let expected = {
        let rig = Rig::new().await;
        rig.append(&story.writes).await;
        rig.fold().await;
        rig.dump().await
    };
    let folded = |seed| {
        let writes = story.writes.clone();
        async move { (seed, interleaved(seed, writes).await) }
    };
    let mut all = stream::iter((0..100).map(folded)).buffer_unordered(4);
    while let Some((seed, dump)) = all.next().await {
        assert_eq!(dump, expected, "seed {seed}");
    }
}

async fn interleaved(seed: u64, writes: Vec<(Partition, Draft)>) -> Dump {
    let mut partitions: BTreeMap<Partition, Vec<(Partition, Draft)>> = BTreeMap::new();
    for write in writes {
        partitions.entry(write.0).or_default().push(write);
    }
    let rig = Rig::new().await;
    let running = rig.engine().await;
    let mut rng = StdRng::seed_from_u64(seed);
    while !partitions.is_empty() {
        let at = rng.random_range(0..partitions.len());
        let (partition, left) = partitions.iter_mut().nth(at).unwrap();
        let some = rng.random_range(1..=left.len());
        rig.append(&left.drain(..some).collect::<Vec<_>>()).await;
        let (partition, is_done) = (*partition, left.is_empty());
        if is_done {
            partitions.remove(&partition);
        }
        if rng.random_bool(0.3) {
            running.settled().await;
        }
    }
    running.settled().await;
    running.stop().await;
    rig.dump().await
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_stopped() {
    let story = Teller::story(3, 300);
    let half = story.writes.len() / 2;
    let rig = Rig::new().await;
    rig.append(&story.writes[..half]).await;
    rig.fold().await;
    let before = rig.views.counts().writes();
    rig.fold().await;
    let idle = rig.views.counts().writes() - before;
    assert!(idle <= 30, "a start that has nothing to fold begins {idle} transactions");
    rig.append(&story.writes[half..]).await;
    rig.fold().await;

    let whole = Rig::on(Memory::clone(&rig.log)).await;
    whole.fold().await;
    assert_eq!(rig.dump().await, whole.dump().await);
}
