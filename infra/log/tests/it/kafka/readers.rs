//! More readers than places, and waking them.

use std::time::{Duration, Instant};

use infra_log::kafka::Kafka;
use infra_log::suite::{draft, everything};
use infra_log::{Log, Partition, Topic};

use super::{broker, config};

const PARTITION: Partition = Partition { topic: Topic::Live, index: 0 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_far_apart_take_turns_and_all_see_everything() {
    let Some(brokers) = broker::shared() else { return };
    let log = Kafka::open(config(brokers)).await.unwrap();
    // Far more than a place keeps of what was read.
    for batch in 0..20 {
        let drafts = (0..50).map(|number| draft(format!("{} {}", 50 * batch + number, "x".repeat(5_000)))).collect();
        log.append(PARTITION, drafts).await.unwrap();
    }
    let mut next: [u64; 7] = [0, 900, 130, 600, 280, 450, 10];
    for _ in 0..5 {
        for reader in &mut next {
            let records = log.read(PARTITION, *reader, 20, 1 << 20).await.unwrap();
            let positions: Vec<u64> = records.iter().map(|record| record.position).collect();
            assert_eq!(positions, (*reader..(*reader + 20)).collect::<Vec<_>>());
            assert!(records.iter().all(|record| record.value.starts_with(format!("{} ", record.position).as_bytes())));
            *reader += 20;
        }
    }
    // Whoever reads it all pushes out what others may ask for again.
    assert_eq!(everything(&log, PARTITION).await.len(), 1000);
    for again in [0, 500, 100] {
        assert_eq!(log.read(PARTITION, again, 1, 1 << 20).await.unwrap()[0].position, again);
    }
}

/// Not by looking again now and then: that takes seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_reader_is_woken_by_another_process() {
    let Some(brokers) = broker::shared() else { return };
    let config = config(brokers);
    let (writer, reader) = (Kafka::open(config.clone()).await.unwrap(), Kafka::open(config).await.unwrap());
    let mut quickest = Duration::MAX;
    for number in 0..5 {
        let seen = async {
            while reader.read(PARTITION, number, 10, 1 << 20).await.unwrap().is_empty() {
                reader.changed(PARTITION, number, Duration::from_secs(60)).await;
            }
            Instant::now()
        };
        let written = async {
            writer.append(PARTITION, vec![draft("wake")]).await.unwrap();
            Instant::now()
        };
        let (seen, written) = tokio::join!(seen, written);
        quickest = quickest.min(seen.saturating_duration_since(written));
    }
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
}
