//! What an agent sends: the shapes of today's osqueryd, written strictly.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::request::HostDetails;

#[derive(Serialize)]
pub struct Enroll<'a> {
    pub enroll_secret: &'a str,
    pub host_identifier: &'a str,
    pub platform_type: &'a str,
    pub host_details: &'a HostDetails,
}

#[derive(Serialize)]
pub struct Config<'a> {
    pub node_key: &'a str,
    /// Hex SHA-256 of the body bytes last received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<&'a str>,
}

#[derive(Serialize)]
pub struct DistributedRead<'a> {
    pub node_key: &'a str,
}

/// All four maps have the same names: those of the queries answered.
#[derive(Serialize, Default)]
pub struct DistributedWrite<'a> {
    pub node_key: &'a str,
    /// Arrays of rows.
    pub queries: BTreeMap<&'a str, &'a RawValue>,
    pub statuses: BTreeMap<&'a str, i64>,
    pub messages: BTreeMap<&'a str, &'a str>,
    pub stats: BTreeMap<&'a str, Stats>,
}

/// Milliseconds and bytes; `{}` when nothing was measured.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

#[derive(Serialize)]
pub struct Log<'a> {
    pub node_key: &'a str,
    pub log_type: LogType,
    pub data: &'a [Box<RawValue>],
}

#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogType {
    Result,
    Status,
}

#[derive(Serialize)]
pub struct CarveBegin<'a> {
    pub node_key: &'a str,
    pub block_count: u64,
    pub block_size: u64,
    pub carve_size: u64,
    pub carve_id: &'a str,
    pub request_id: &'a str,
}

#[derive(Serialize)]
pub struct CarveBlock<'a> {
    pub block_id: u64,
    pub session_id: &'a str,
    pub request_id: &'a str,
    /// Standard base64.
    pub data: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::{Row, request};

    #[test]
    fn what_is_written_is_read_back() {
        let row: Row = [("version".to_owned(), "5.16.0".to_owned())].into_iter().collect();
        let rows = to_raw_value(&[&row]).unwrap();
        let mut write = DistributedWrite { node_key: "k", ..DistributedWrite::default() };
        write.queries.insert("q", &rows);
        write.statuses.insert("q", 0);
        write.messages.insert("q", "");
        write.stats.insert("q", Stats { memory: Some(4096), ..Stats::default() });
        let json = serde_json::to_string(&write).unwrap();
        assert_eq!(
            json,
            r#"{"node_key":"k","queries":{"q":[{"version":"5.16.0"}]},"statuses":{"q":0},"messages":{"q":""},"stats":{"q":{"memory":4096}}}"#
        );
        let read = request::DistributedWrite::parse(json.as_bytes()).unwrap();
        assert_eq!((read.queries[0].name.as_str(), &read.queries[0].rows), ("q", &vec![row]));
    }

    #[test]
    fn an_absent_etag_is_not_written() {
        assert_eq!(serde_json::to_string(&Config { node_key: "k", etag: None }).unwrap(), r#"{"node_key":"k"}"#);
        assert_eq!(
            serde_json::to_string(&Config { node_key: "k", etag: Some("ab") }).unwrap(),
            r#"{"node_key":"k","etag":"ab"}"#
        );
    }
}
