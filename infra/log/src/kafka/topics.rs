//! Topics: made when missing, looked at before use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer as _;

use super::rules::{Copies, Seen, complaints};
use super::writer::Producer;
use super::{Config, OpenError};
use crate::Topic;

/// How long the cluster may take for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes what is missing and refuses what could lose records.
pub(super) async fn prepare(config: &Arc<Config>, producer: Arc<Producer>) -> Result<(), OpenError> {
    let mut cluster = cluster(config, &producer).await?;
    let missing: Vec<Topic> =
        config.topics.iter().copied().filter(|topic| !cluster.has(&config.topic(*topic))).collect();
    let admin: AdminClient<DefaultClientContext> =
        config.admin().create().map_err(|error| OpenError::Settings(error.to_string()))?;
    make(config, &admin, &missing).await?;
    let until = Instant::now() + PATIENCE;
    while !config.topics.iter().all(|topic| cluster.has(&config.topic(*topic))) {
        if Instant::now() > until {
            return Err(unreachable(config, "new topics do not appear"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await; // for every broker to hear of them
        cluster = self::cluster(config, &producer).await?;
    }
    let complaints: Vec<_> =
        look(config, &admin, cluster).await?.iter().flat_map(|seen| complaints(seen, config)).collect();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(OpenError::Refused(complaints)),
    }
}

/// What metadata tells.
struct Cluster {
    brokers: Vec<i32>,
    /// By topic name: which brokers have a copy of each partition, and which of those are in sync.
    topics: HashMap<String, Vec<Copies>>,
}

impl Cluster {
    fn has(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }
}

async fn cluster(config: &Arc<Config>, producer: &Arc<Producer>) -> Result<Cluster, OpenError> {
    let asked = producer.clone();
    let asked = tokio::task::spawn_blocking(move || asked.client().fetch_metadata(None, PATIENCE)).await;
    let metadata =
        asked.map_err(|stopped| unreachable(config, stopped))?.map_err(|error| unreachable(config, error))?;
    let ours: Vec<String> = config.topics.iter().map(|topic| config.topic(*topic)).collect();
    let topics = metadata
        .topics()
        .iter()
        .filter(|topic| topic.error().is_none() && ours.iter().any(|name| name == topic.name()));
    let topics = topics
        .map(|topic| {
            let copies = topic
                .partitions()
                .iter()
                .map(|part| Copies { all: part.replicas().into(), in_sync: part.isr().into() });
            (topic.name().to_owned(), copies.collect())
        })
        .collect();
    Ok(Cluster { brokers: metadata.brokers().iter().map(|broker| broker.id()).collect(), topics })
}

async fn make(config: &Config, admin: &AdminClient<DefaultClientContext>, missing: &[Topic]) -> Result<(), OpenError> {
    if missing.is_empty() {
        return Ok(());
    }
    let settings: Vec<(String, Vec<(&str, String)>)> =
        missing.iter().map(|topic| (config.topic(*topic), settings(*topic, config))).collect();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&settings)
        .map(|(topic, (name, settings))| {
            let new =
                NewTopic::new(name, topic.partitions() as i32, TopicReplication::Fixed(i32::from(config.replication)));
            settings.iter().fold(new, |new, (name, value)| new.set(name, value))
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    let results = admin.create_topics(&topics, &options).await.map_err(|error| unreachable(config, error))?;
    for result in results {
        match result {
            // Another of our processes may have been first.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, why)) => return Err(OpenError::NotMade { topic, why: why.to_string() }),
        }
    }
    tracing::info!("kafka: made {} topics", missing.len());
    Ok(())
}

/// What a topic is made with.
fn settings(topic: Topic, config: &Config) -> Vec<(&'static str, String)> {
    let kept = topic.retention().map_or(-1, |kept| kept.as_millis() as i64);
    let mut settings = vec![
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", kept.to_string()),
        ("retention.bytes", "-1".to_owned()),
        ("unclean.leader.election.enable", "false".to_owned()),
        ("min.insync.replicas", config.min_in_sync.to_string()),
        ("max.message.bytes", (2 * crate::RECORD_LIMIT).to_string()),
        ("message.timestamp.type", "LogAppendTime".to_owned()),
    ];
    if kept > 0 {
        // Retention removes whole segments; a day's topic must not live in week-long ones.
        settings.push(("segment.ms", (kept / 4).min(7 * 86_400_000).to_string()));
    }
    settings
}

async fn look(
    config: &Config,
    admin: &AdminClient<DefaultClientContext>,
    mut cluster: Cluster,
) -> Result<Vec<Seen>, OpenError> {
    let names: Vec<String> = config.topics.iter().map(|topic| config.topic(*topic)).collect();
    let specifiers: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let results = admin.describe_configs(&specifiers, &options).await.map_err(|error| unreachable(config, error))?;
    let mut seen = Vec::new();
    for ((result, name), topic) in results.into_iter().zip(names).zip(&config.topics) {
        let described = result.map_err(|error| unreachable(config, format!("{name} cannot be looked at: {error}")))?;
        let settings = described.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect();
        let copies = cluster.topics.remove(&name).unwrap_or_default();
        seen.push(Seen { topic: *topic, name, copies, settings, brokers: cluster.brokers.clone() });
    }
    Ok(seen)
}

fn unreachable(config: &Config, why: impl ToString) -> OpenError {
    OpenError::Unreachable { brokers: config.brokers.clone(), why: why.to_string() }
}
