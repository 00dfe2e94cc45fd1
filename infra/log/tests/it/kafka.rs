//! The suite on a real broker, and what is Kafka's own.

pub mod broker;
mod gaps;
mod outage;
mod readers;
mod refusals;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use infra_log::kafka::{Config, Kafka};
use infra_log::suite::Fixture;
use infra_log::{Log, Partition, Topic};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// Settings for topics of a test's own.
fn config(brokers: &str) -> Config {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Config {
        prefix: format!("test-{}-{number}.", std::process::id()),
        topics: vec![Topic::Ledger, Topic::Results, Topic::Live],
        replication: 1,
        min_in_sync: 1,
        ..Config::new(brokers)
    }
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap()
}

/// Two processes' worth of clients on one set of topics.
struct Cluster {
    config: Config,
    logs: Mutex<Vec<Arc<Kafka>>>,
    turn: AtomicUsize,
}

impl Cluster {
    async fn fill(&self) {
        let (one, two) = tokio::join!(Kafka::open(self.config.clone()), Kafka::open(self.config.clone()));
        self.logs.lock().unwrap().extend([one, two].map(|log| Arc::new(log.unwrap())));
    }
}

#[async_trait]
impl Fixture for Cluster {
    async fn handle(&self) -> Arc<dyn Log> {
        let logs = self.logs.lock().unwrap();
        logs[self.turn.fetch_add(1, Ordering::Relaxed) % logs.len()].clone()
    }

    async fn restart(&self) -> bool {
        self.logs.lock().unwrap().clear();
        self.fill().await;
        true
    }

    async fn age(&self, partition: Partition) {
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&self.config.topic(partition.topic), partition.index as i32, Offset::End).unwrap();
        let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(10)));
        admin(&self.config.brokers).delete_records(&all, &options).await.unwrap();
    }
}

async fn cluster() -> Option<Cluster> {
    let broker = broker::shared()?;
    let cluster = Cluster { config: config(broker), logs: Mutex::default(), turn: AtomicUsize::new(0) };
    cluster.fill().await;
    Some(cluster)
}

conforms!(on_broker, cluster());
