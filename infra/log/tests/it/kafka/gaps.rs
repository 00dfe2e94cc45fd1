//! Positions that a broker takes for itself.

use std::time::Duration;

use infra_log::kafka::Kafka;
use infra_log::suite::{draft, everything};
use infra_log::{Log, Partition, Topic, read_to_end};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{broker, config};

const PARTITION: Partition = Partition { topic: Topic::Ledger, index: 0 };

/// Writes in a transaction, which leaves a mark after the record.
fn write_marked(brokers: &str, topic: &str, value: &str) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("transactional.id", topic).create().unwrap();
    producer.init_transactions(Duration::from_secs(20)).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<(), _>::to(topic).partition(0).payload(value)).map_err(|(error, _)| error).unwrap();
    producer.commit_transaction(Duration::from_secs(20)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_between_records_are_skipped_and_hide_nothing() {
    let Some(brokers) = broker::shared() else { return };
    let config = config(brokers);
    let log = Kafka::open(config.clone()).await.unwrap();
    log.append(PARTITION, vec![draft("first")]).await.unwrap();
    let topic = config.topic(Topic::Ledger);
    tokio::task::spawn_blocking(move || write_marked(&config.brokers, &topic, "marked")).await.unwrap();
    while log.end(PARTITION).await.unwrap() < 3 {} // the broker writes its mark a moment after it says so
    let (records, next) = read_to_end(&log, PARTITION, 0).await.unwrap();
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(next, 3);
    assert!(log.read(PARTITION, 2, 10, 1 << 20).await.unwrap().is_empty(), "the mark is no record");
    let position = log.append(PARTITION, vec![draft("last")]).await.unwrap()[0];
    assert_eq!(position, 3);
    assert_eq!(read_to_end(&log, PARTITION, 2).await.unwrap().0.len(), 1);
    assert_eq!(everything(&log, PARTITION).await.len(), 3);
}
