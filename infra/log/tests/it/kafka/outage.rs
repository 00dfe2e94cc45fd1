//! A broker that stands still, and comes back.

use std::time::{Duration, Instant};

use infra_log::kafka::Kafka;
use infra_log::suite::{draft, everything};
use infra_log::{AppendError, Log, Partition, Topic};

use super::broker::{self, Broker};
use super::config;

const PARTITION: Partition = Partition { topic: Topic::Ledger, index: 0 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_gets_no_answer_says_so_soon_and_lands_once_at_most() {
    if !broker::can_start() {
        return;
    }
    let broker = tokio::task::spawn_blocking(|| Broker::start().unwrap()).await.unwrap();
    let log = Kafka::open(config(&broker.address)).await.unwrap();
    log.append(PARTITION, vec![draft("before")]).await.unwrap();
    broker.signal("-STOP");
    let begin = Instant::now();
    let (append, end) = tokio::join!(log.append(PARTITION, vec![draft("during")]), log.end(PARTITION));
    assert!(matches!(append, Err(AppendError::Unknown(_))), "{append:?}");
    assert!(end.is_err(), "{end:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    broker.signal("-CONT");
    let after = loop {
        match log.append(PARTITION, vec![draft("after")]).await {
            Ok(positions) => break positions[0],
            Err(AppendError::Unknown(_)) if begin.elapsed() < Duration::from_secs(90) => {}
            Err(error) => panic!("{error}"),
        }
    };
    // The broker took a record, but may still be electing leaders for whoever asks where partitions start.
    while let Err(error) = log.start(PARTITION).await {
        assert!(begin.elapsed() < Duration::from_secs(180), "{error}");
    }
    let values: Vec<_> =
        everything(&log, PARTITION).await.into_iter().map(|record| (record.position, record.value)).collect();
    assert_eq!(values[0].1, "before");
    assert!(values.contains(&(after, "after".into())), "{values:?}");
    assert!(values.iter().filter(|(_, value)| value == "during").count() <= 1, "{values:?}");
}
