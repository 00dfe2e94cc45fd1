//! `distributed/write`: the answers to what was asked. One odd entry never spoils the others.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::members::{self, scalar};
use crate::{BadBody, Row};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributedWrite {
    /// Empty when absent.
    pub node_key: String,
    /// In document order, each name once.
    pub queries: Vec<QueryAnswer>,
}

/// What one query gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryAnswer {
    /// As it stood in the read: `fleet_distributed_query_42`.
    pub name: String,
    /// Empty for a failed query, and for `""`, `null` and whatever else is no array.
    pub rows: Vec<Row>,
    /// 0 is ok. Absent in very old hosts, which means ok. What is neither number nor numeric text is read as 1;
    /// fractions are cut off.
    pub status: Option<i64>,
    /// Empty when ok, and in hosts that send none.
    pub message: String,
    /// Absent in old hosts, and when nothing was measured.
    pub stats: Option<Stats>,
}

impl QueryAnswer {
    pub fn failed(&self) -> bool {
        self.status.is_some_and(|status| status != 0)
    }
}

/// What a query cost: milliseconds and bytes. A value that is no whole number is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub wall_time_ms: Option<u64>,
    pub user_time: Option<u64>,
    pub system_time: Option<u64>,
    pub memory: Option<u64>,
}

impl DistributedWrite {
    /// A name without an entry in `queries` is no answer, whatever else is said about it.
    /// Errors: `queries`, `statuses`, `messages` or `stats` is neither object nor absent.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        members::parse(body, |members| {
            let mut answers = Answers::default();
            for (name, rows) in members.object("queries")? {
                answers.named(name).rows = rows_of(rows);
            }
            for (name, status) in members.object("statuses")? {
                answers.known(&name, |answer| answer.status = Some(status_of(status)));
            }
            for (name, message) in members.object("messages")? {
                answers.known(&name, |answer| {
                    answer.message = scalar(message).unwrap_or_else(|| message.get().to_owned())
                });
            }
            for (name, stats) in members.object("stats")? {
                answers.known(&name, |answer| answer.stats = stats_of(stats));
            }
            Ok(DistributedWrite { node_key: members.text("node_key")?, queries: answers.list })
        })
    }
}

#[derive(Default)]
struct Answers {
    list: Vec<QueryAnswer>,
    places: HashMap<String, usize>,
}

impl Answers {
    fn named(&mut self, name: String) -> &mut QueryAnswer {
        let place = *self.places.entry(name.clone()).or_insert(self.list.len());
        if place == self.list.len() {
            self.list.push(QueryAnswer { name, ..QueryAnswer::default() });
        }
        &mut self.list[place]
    }

    fn known(&mut self, name: &str, change: impl FnOnce(&mut QueryAnswer)) {
        if let Some(&place) = self.places.get(name) {
            change(&mut self.list[place]);
        }
    }
}

fn rows_of(value: &RawValue) -> Vec<Row> {
    match members::array(value.get()) {
        Some(Ok(rows)) => rows.into_iter().map(Row::lenient).collect(),
        Some(Err(_)) | None => Vec::new(),
    }
}

fn status_of(value: &RawValue) -> i64 {
    const ODD: i64 = 1;
    let Some(text) = scalar(value) else { return ODD };
    let text = text.trim();
    // `as` cuts the fraction off and saturates; text such as "inf" and "nan" is no status.
    let float = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number as i64);
    text.parse().ok().or_else(float).unwrap_or(ODD)
}

fn stats_of(value: &RawValue) -> Option<Stats> {
    let members = members::object(value.get())?.ok()?;
    let whole = |name: &str| {
        let (_, value) = members.iter().rev().find(|(member, _)| member == name)?;
        scalar(value)?.parse().ok()
    };
    let stats = Stats {
        wall_time_ms: whole("wall_time_ms"),
        user_time: whole("user_time"),
        system_time: whole("system_time"),
        memory: whole("memory"),
    };
    (stats != Stats::default()).then_some(stats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Vec<QueryAnswer> {
        DistributedWrite::parse(body.as_bytes()).unwrap().queries
    }

    #[test]
    fn the_write_of_a_present_host() {
        let answers = parse(
            r#"{"node_key":"…","queries":{"fleet_distributed_query_42":[{"version":"5.16.0"}],"fleet_policy_query_9":[],"fleet_label_query_3":[]},
            "statuses":{"fleet_distributed_query_42":0,"fleet_policy_query_9":0,"fleet_label_query_3":1},
            "messages":{"fleet_distributed_query_42":"","fleet_policy_query_9":"","fleet_label_query_3":"no such table: foo"},
            "stats":{"fleet_distributed_query_42":{"wall_time_ms":3,"user_time":1,"system_time":0,"memory":4096},"fleet_policy_query_9":{},"fleet_label_query_3":{}}}"#,
        );
        let names: Vec<_> = answers.iter().map(|answer| answer.name.as_str()).collect();
        assert_eq!(names, ["fleet_distributed_query_42", "fleet_policy_query_9", "fleet_label_query_3"]);
        assert_eq!(answers[0].rows[0].get("version"), Some("5.16.0"));
        assert_eq!(
            answers[0].stats,
            Some(Stats { wall_time_ms: Some(3), user_time: Some(1), system_time: Some(0), memory: Some(4096) })
        );
        assert!(!answers[1].failed() && answers[1].rows.is_empty() && answers[1].stats.is_none());
        assert!(answers[2].failed());
        assert_eq!(answers[2].message, "no such table: foo");
    }

    #[test]
    fn check_25_shapes_of_all_versions() {
        let answers = parse(
            r#"{"queries":{"a":[],"b":"","c":null,"d":{"x":1},"e":[3,{"x":1}]},"statuses":{"a":0,"b":"0","c":"2"}}"#,
        );
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [Some(0), Some(0), Some(2), None, None]);
        assert!(answers[..4].iter().all(|answer| answer.rows.is_empty()));
        assert_eq!(answers[4].rows.len(), 2);
        assert_eq!(answers[4].rows[1].get("x"), Some("1"));
        assert!(answers.iter().all(|answer| answer.message.is_empty() && answer.stats.is_none()));
    }

    #[test]
    fn check_26_one_odd_entry_spoils_no_other() {
        let answers = parse(
            r#"{"queries":{"good":[{"a":"1"}],"odd":[{"a":"2"}]},"statuses":{"good":0,"odd":{}},"messages":{"odd":[1]},"stats":{"odd":{"memory":-3,"user_time":0.5},"good":{"memory":9}}}"#,
        );
        assert_eq!((answers[0].status, answers[0].rows.len()), (Some(0), 1));
        assert_eq!(answers[0].stats, Some(Stats { memory: Some(9), ..Stats::default() }));
        assert_eq!((answers[1].status, answers[1].message.as_str(), &answers[1].stats), (Some(1), "[1]", &None));
    }

    #[test]
    fn statuses_of_every_kind() {
        let statuses =
            |value: &str| parse(&format!(r#"{{"queries":{{"q":[]}},"statuses":{{"q":{value}}}}}"#))[0].status;
        for (value, status) in [
            ("0", 0),
            ("0.5", 0),
            ("1.9", 1),
            ("-1", -1),
            ("\" 0 \"", 0),
            ("1e99", i64::MAX),
            ("null", 1),
            ("true", 1),
            ("\"\"", 1),
            ("\"x\"", 1),
            ("\"nan\"", 1),
        ] {
            assert_eq!(statuses(value), Some(status), "{value}");
        }
    }

    #[test]
    fn what_has_no_entry_is_no_answer() {
        let answers = parse(
            r#"{"queries":{"failed":[]},"statuses":{"failed":1,"gone":1,"fine":0},"messages":{"gone":"killed","failed":"x"}}"#,
        );
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].name.as_str(), answers[0].message.as_str()), ("failed", "x"));
    }

    #[test]
    fn check_46_a_key_alone_is_a_write() {
        let write = DistributedWrite::parse(br#"{"node_key":"k"}"#).unwrap();
        assert_eq!((write.node_key.as_str(), write.queries.len()), ("k", 0));
        assert_eq!(DistributedWrite::parse(br#"{"queries":[]}"#), Err(BadBody::Member("queries", "an object")));
    }
}
