//! Topics that could lose records are refused, and the command that is named mends them.

use std::time::{Duration, Instant};

use infra_log::kafka::{Config, Kafka, OpenError};
use infra_log::{Log, Topic};
use rdkafka::admin::{AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};

use super::broker;
use super::{admin, config};

/// The refusal, once it has as many complaints as it should.
async fn refusal(config: &Config, complaints: usize) -> String {
    let begin = Instant::now();
    loop {
        match Kafka::open(config.clone()).await.err() {
            Some(error @ OpenError::Refused(_)) if error.to_string().lines().count() == complaints => {
                return error.to_string();
            }
            None | Some(OpenError::Refused(_)) if begin.elapsed() < Duration::from_secs(30) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Runs the command at the end of a complaint with Kafka's own tool.
async fn mend(line: &str) {
    let command = line.split("mend it with: ").nth(1).unwrap().to_owned();
    let run = move || broker::tool(&command.split(' ').collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap();
}

/// Opens; the broker may need a moment to hear from its controller what was mended.
async fn accepted(config: &Config) {
    let begin = Instant::now();
    while let Err(error) = Kafka::open(config.clone()).await {
        assert!(matches!(error, OpenError::Refused(_)) && begin.elapsed() < Duration::from_secs(30), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_forgets_is_refused_until_it_is_mended() {
    let Some(brokers) = broker::shared().filter(|_| broker::can_start()) else { return };
    let config = config(brokers);
    drop(Kafka::open(config.clone()).await.unwrap());
    let name = config.topic(Topic::Ledger);
    let bad = AlterConfig::new(ResourceSpecifier::Topic(&name))
        .set("cleanup.policy", "compact")
        .set("retention.ms", "604800000")
        .set("unclean.leader.election.enable", "true")
        .set("max.message.bytes", "2097152")
        .set("message.timestamp.type", "LogAppendTime");
    admin(brokers).alter_configs([&bad], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    let text = refusal(&config, 3).await;
    for line in text.lines() {
        assert!(line.contains(&format!("kafka topic {name} ")), "{line}");
        mend(line).await;
    }
    accepted(&config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_partitions_are_refused_until_there_are_enough() {
    let Some(brokers) = broker::shared().filter(|_| broker::can_start()) else { return };
    let config = config(brokers);
    let name = config.topic(Topic::Live);
    let few = NewTopic::new(&name, 3, TopicReplication::Fixed(1))
        .set("unclean.leader.election.enable", "false")
        .set("max.message.bytes", "2097152")
        .set("message.timestamp.type", "LogAppendTime");
    admin(brokers).create_topics([&few], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    let text = refusal(&config, 1).await;
    assert!(text.contains("has 3 partitions, where 12 are fixed"), "{text}");
    mend(&text).await;
    accepted(&config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_copy_is_refused_where_two_are_asked_for() {
    let Some(brokers) = broker::shared() else { return };
    let config = config(brokers);
    drop(Kafka::open(config.clone()).await.unwrap());
    let text = refusal(&Config { min_in_sync: 2, ..config.clone() }, 6).await;
    assert!(text.contains("min.insync.replicas=2") && text.contains("the cluster has 1 brokers"), "{text}");
    let error = Kafka::open(Config { prefix: "other.".into(), replication: 3, ..config }).await.err().unwrap();
    assert!(matches!(&error, OpenError::NotMade { topic, .. } if topic.starts_with("other.")), "{error}");
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let open = Kafka::open(config(&nobody.to_string()));
    let error = tokio::time::timeout(Duration::from_secs(60), open).await.unwrap().err().unwrap();
    assert!(error.to_string().contains(&nobody.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_as_the_contract_says() {
    let Some(brokers) = broker::shared() else { return };
    let config = Config { topics: Topic::ALL.into(), ..config(brokers) };
    let log = Kafka::open(config.clone()).await.unwrap();
    let names: Vec<String> = Topic::ALL.into_iter().map(|topic| config.topic(topic)).collect();
    let specifiers: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let described = admin(brokers).describe_configs(&specifiers, &AdminOptions::new()).await.unwrap();
    for (topic, described) in Topic::ALL.into_iter().zip(described) {
        let described = described.unwrap();
        let kept = described.get("retention.ms").unwrap().value.clone().unwrap();
        let expected = topic.retention().map_or("-1".into(), |kept| kept.as_millis().to_string());
        assert_eq!(kept, expected, "{topic}");
        for partition in topic.every() {
            assert_eq!(log.end(partition).await.unwrap(), 0);
        }
    }
}
