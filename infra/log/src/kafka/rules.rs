//! What a topic must be, so that it cannot lose what it acknowledged.

use std::collections::HashMap;

use super::{Complaint, Config};
use crate::Topic;

/// A topic as the cluster describes it.
pub(super) struct Seen {
    pub(super) topic: Topic,
    pub(super) name: String,
    /// By partition.
    pub(super) copies: Vec<Copies>,
    pub(super) settings: HashMap<String, String>,
    /// Ids of all brokers of the cluster.
    pub(super) brokers: Vec<i32>,
}

/// Ids of the brokers that hold a partition.
pub(super) struct Copies {
    pub(super) all: Vec<i32>,
    pub(super) in_sync: Vec<i32>,
}

/// All that is wrong with a topic.
pub(super) fn complaints(seen: &Seen, config: &Config) -> Vec<Complaint> {
    let mut found = settings(seen, config);
    found.extend(partitions(seen, config));
    found.extend(copies(seen, config));
    found
}

fn settings(seen: &Seen, config: &Config) -> Vec<Complaint> {
    let number = |name: &str| seen.settings.get(name).and_then(|value| value.parse::<i64>().ok());
    let mut found = Vec::new();
    let mut wrong = |what: String, name: &str, value: String| {
        let mend = format!(
            "{} --alter --entity-type topics --entity-name {} --add-config {name}={value}",
            tool("kafka-configs.sh", config),
            seen.name
        );
        found.push(Complaint { topic: seen.name.clone(), what, mend });
    };
    let policy = seen.settings.get("cleanup.policy").map_or("", String::as_str);
    if policy != "delete" {
        wrong(
            format!("is compacted (cleanup.policy={policy}), which removes records"),
            "cleanup.policy",
            "delete".into(),
        );
    }
    for (name, unit) in [("retention.ms", "ms"), ("retention.bytes", "bytes")] {
        let kept = number(name).unwrap_or(0);
        if seen.topic.retention().is_none() && kept >= 0 {
            wrong(format!("forgets what is beyond {kept} {unit}, but is to be kept for ever"), name, "-1".into());
        }
    }
    if seen.settings.get("unclean.leader.election.enable").is_none_or(|value| value != "false") {
        let what = "lets a broker that lacks records become leader (unclean.leader.election.enable)".into();
        wrong(what, "unclean.leader.election.enable", "false".into());
    }
    let asked = number("min.insync.replicas").unwrap_or(0);
    if asked < i64::from(config.min_in_sync) {
        let what = format!("acknowledges with {asked} in-sync replicas, where {} are needed", config.min_in_sync);
        wrong(what, "min.insync.replicas", config.min_in_sync.to_string());
    }
    let largest = number("max.message.bytes").unwrap_or(0);
    if largest < Config::largest_message() as i64 {
        let what = format!("takes messages of {largest} bytes only, where {} are needed", Config::largest_message());
        wrong(what, "max.message.bytes", (2 * crate::RECORD_LIMIT).to_string());
    }
    if seen.settings.get("message.timestamp.type").is_none_or(|value| value != "LogAppendTime") {
        wrong("keeps its writers' time, not its own".into(), "message.timestamp.type", "LogAppendTime".into());
    }
    found
}

fn partitions(seen: &Seen, config: &Config) -> Option<Complaint> {
    let (have, want) = (seen.copies.len(), seen.topic.partitions() as usize);
    let mend = match have.cmp(&want) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Less => {
            format!("{} --alter --topic {} --partitions {want}", tool("kafka-topics.sh", config), seen.name)
        }
        // Partitions cannot be taken away; a topic of that name belongs to something else.
        std::cmp::Ordering::Greater => {
            format!("{} --delete --topic {} (its records are lost)", tool("kafka-topics.sh", config), seen.name)
        }
    };
    Some(Complaint { topic: seen.name.clone(), what: format!("has {have} partitions, where {want} are fixed"), mend })
}

fn copies(seen: &Seen, config: &Config) -> Option<Complaint> {
    let needed = usize::from(config.min_in_sync);
    let complaint = |what: String, mend: String| Some(Complaint { topic: seen.name.clone(), what, mend });
    if let Some((partition, copies)) = seen.copies.iter().enumerate().find(|(_, copies)| copies.all.len() < needed) {
        let what = format!("has {} replicas of partition {partition}, where {needed} are needed", copies.all.len());
        if seen.brokers.len() < needed {
            let what = format!(
                "{what}, and the cluster has {} brokers; start more, or ask for fewer replicas",
                seen.brokers.len()
            );
            return complaint(
                what,
                format!("{} --describe --topic {} (to see where it is)", tool("kafka-topics.sh", config), seen.name),
            );
        }
        let plan = plan(seen, usize::from(config.replication));
        let assign = tool("kafka-reassign-partitions.sh", config);
        return complaint(
            what,
            format!("echo '{plan}' > plan.json && {assign} --reassignment-json-file plan.json --execute"),
        );
    }
    let (partition, copies) = seen.copies.iter().enumerate().find(|(_, copies)| copies.in_sync.len() < needed)?;
    let away: Vec<String> =
        copies.all.iter().filter(|broker| !copies.in_sync.contains(broker)).map(i32::to_string).collect();
    let what = format!(
        "has {} in-sync replicas of partition {partition}, where {needed} are needed; start broker {}",
        copies.in_sync.len(),
        away.join(", ")
    );
    complaint(
        what,
        format!("{} --describe --under-min-isr-partitions (to see when it is)", tool("kafka-topics.sh", config)),
    )
}

/// Every partition on as many brokers as wanted (or there are): those that have it, then others in turn.
fn plan(seen: &Seen, replication: usize) -> serde_json::Value {
    let partition = |(index, copies): (usize, &Copies)| {
        let others = seen.brokers.iter().cycle().skip(index % seen.brokers.len()).take(seen.brokers.len());
        let others = others.filter(|broker| !copies.all.contains(broker));
        let replicas: Vec<&i32> = copies.all.iter().chain(others).take(replication).collect();
        serde_json::json!({"topic": seen.name, "partition": index, "replicas": replicas})
    };
    let partitions: Vec<_> = seen.copies.iter().enumerate().map(partition).collect();
    serde_json::json!({"version": 1, "partitions": partitions})
}

/// `kafka-topics.sh --bootstrap-server …`
fn tool(name: &str, config: &Config) -> String {
    let secured = if config.settings.is_empty() { "" } else { " --command-config client.properties" };
    format!("{name} --bootstrap-server {}{secured}", config.brokers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(topic: Topic) -> Seen {
        let copies = || Copies { all: vec![1, 2, 3], in_sync: vec![1, 2, 3] };
        let settings = [
            ("cleanup.policy", "delete"),
            ("retention.ms", "-1"),
            ("retention.bytes", "-1"),
            ("unclean.leader.election.enable", "false"),
            ("min.insync.replicas", "2"),
            ("max.message.bytes", "2097152"),
            ("message.timestamp.type", "LogAppendTime"),
        ];
        Seen {
            topic,
            name: topic.name().into(),
            copies: (0..topic.partitions()).map(|_| copies()).collect(),
            settings: settings.map(|(name, value)| (name.into(), value.into())).into(),
            brokers: vec![1, 2, 3, 4],
        }
    }

    #[track_caller]
    fn one(seen: &Seen, what: &str, mend: &str) {
        let found = complaints(seen, &Config::new("broker:9092"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains(what), "{}", found[0].what);
        assert_eq!(found[0].mend, mend);
    }

    #[test]
    fn a_good_topic_passes() {
        for topic in Topic::ALL {
            assert_eq!(complaints(&good(topic), &Config::new("broker:9092")), []);
        }
    }

    #[test]
    fn each_setting_that_loses_records_is_named_with_its_command() {
        let configs = "kafka-configs.sh --bootstrap-server broker:9092 --alter --entity-type topics --entity-name muster.ledger --add-config";
        for (name, bad, what, value) in [
            ("cleanup.policy", "compact", "compacted", "delete"),
            ("cleanup.policy", "compact,delete", "compacted", "delete"),
            ("retention.ms", "604800000", "604800000 ms", "-1"),
            ("retention.bytes", "1000", "1000 bytes", "-1"),
            ("unclean.leader.election.enable", "true", "lacks records", "false"),
            ("min.insync.replicas", "1", "1 in-sync", "2"),
            ("max.message.bytes", "1048588", "1048588 bytes", "2097152"),
            ("message.timestamp.type", "CreateTime", "writers' time", "LogAppendTime"),
        ] {
            let mut seen = good(Topic::Ledger);
            seen.settings.insert(name.into(), bad.into());
            one(&seen, what, &format!("{configs} {name}={value}"));
        }
    }

    #[test]
    fn other_topics_may_forget() {
        let mut seen = good(Topic::Live);
        seen.settings.insert("retention.ms".into(), "86400000".into());
        assert_eq!(complaints(&seen, &Config::new("broker:9092")), []);
    }

    #[test]
    fn partitions_are_counted() {
        let mut seen = good(Topic::Hosts);
        seen.copies.truncate(3);
        one(
            &seen,
            "3 partitions",
            "kafka-topics.sh --bootstrap-server broker:9092 --alter --topic muster.hosts --partitions 12",
        );
        let mut seen = good(Topic::Ledger);
        seen.copies.push(Copies { all: vec![1, 2], in_sync: vec![1, 2] });
        one(
            &seen,
            "2 partitions",
            "kafka-topics.sh --bootstrap-server broker:9092 --delete --topic muster.ledger (its records are lost)",
        );
    }

    #[test]
    fn replicas_are_counted() {
        let mut seen = good(Topic::Ledger);
        seen.copies[0].in_sync = vec![2];
        one(
            &seen,
            "start broker 1, 3",
            "kafka-topics.sh --bootstrap-server broker:9092 --describe --under-min-isr-partitions (to see when it is)",
        );
        let mut seen = good(Topic::Ledger);
        (seen.copies[0].all, seen.copies[0].in_sync) = (vec![1], vec![1]);
        let plan = r#"{"version":1,"partitions":[{"topic":"muster.ledger","partition":0,"replicas":[1,2,3]}]}"#;
        let assign =
            "kafka-reassign-partitions.sh --bootstrap-server broker:9092 --reassignment-json-file plan.json --execute";
        one(&seen, "1 replicas of partition 0", &format!("echo '{plan}' > plan.json && {assign}"));
        seen.brokers = vec![1];
        one(
            &seen,
            "the cluster has 1 brokers",
            "kafka-topics.sh --bootstrap-server broker:9092 --describe --topic muster.ledger (to see where it is)",
        );
    }
}
