//! Which cluster, and how its clients are set.

use rdkafka::ClientConfig;

use crate::{RECORD_LIMIT, Topic};

/// What [`Kafka::open`](super::Kafka::open) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port,host:port`
    pub brokers: String,
    /// Before the names of topics; the default gives `muster.ledger`.
    pub prefix: String,
    /// Those that are made, checked and used.
    pub topics: Vec<Topic>,
    /// Copies of each partition, when a topic is made.
    pub replication: u16,
    /// Copies that must have a record before it counts as durable. A topic that asks for fewer is refused.
    pub min_in_sync: u16,
    /// Further settings of librdkafka, for encryption and sign-in: `security.protocol`, `sasl.username` and so on.
    pub settings: Vec<(String, String)>,
}

/// What a record may weigh beyond our own limit, in framing.
const FRAMING: usize = 64 * 1024;

impl Config {
    /// Three copies of everything, two of which must have a record.
    pub fn new(brokers: impl Into<String>) -> Self {
        Config {
            brokers: brokers.into(),
            prefix: "muster.".into(),
            topics: Topic::ALL.into(),
            replication: 3,
            min_in_sync: 2,
            settings: Vec::new(),
        }
    }

    /// The name on the broker.
    pub fn topic(&self, topic: Topic) -> String {
        let name = topic.name();
        format!("{}{}", self.prefix, name.strip_prefix("muster.").unwrap_or(name))
    }

    /// What a topic's `max.message.bytes` must be at least.
    pub(super) fn largest_message() -> usize {
        RECORD_LIMIT + FRAMING
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers);
        client.set("client.id", "muster");
        client.set("socket.keepalive.enable", "true");
        client.set("isolation.level", "read_uncommitted"); // also makes `end` the high watermark
        for (name, value) in &self.settings {
            client.set(name, value);
        }
        client
    }

    pub(super) fn admin(&self) -> ClientConfig {
        self.client()
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut client = self.client();
        client.set("enable.idempotence", "true");
        client.set("acks", "all");
        client.set("compression.type", "zstd");
        // Not the default five minutes: a record must not land long after its host gave up.
        client.set("message.timeout.ms", "8000");
        client.set("request.timeout.ms", "5000");
        client.set("linger.ms", "1");
        client.set("message.max.bytes", Config::largest_message().to_string());
        client
    }

    pub(super) fn consumer(&self) -> ClientConfig {
        let mut client = self.client();
        client.set("group.id", "muster"); // librdkafka assigns nothing without one; the group is never joined
        client.set("enable.auto.commit", "false");
        client.set("enable.auto.offset.store", "false");
        client.set("auto.offset.reset", "error");
        client.set("fetch.wait.max.ms", "100"); // also how long a newly assigned partition may have to wait
        client.set("fetch.queue.backoff.ms", "20");
        client.set("queued.min.messages", "2000");
        client.set("queued.max.messages.kbytes", "2048"); // for each partition
        client
    }
}
