//! What the tables about the agent itself show: the engine cannot know it, so the agent hands it in.

use serde::{Deserialize, Serialize};

/// The agent's own state at the moment of a query. Shown by `osquery_info`, `osquery_schedule` and `osquery_flags`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    pub info: AgentInfo,
    pub schedule: Vec<ScheduledStat>,
    pub flags: Vec<Flag>,
}

/// `osquery_info`, and the host's uuid in `system_info`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentInfo {
    /// Version that the agent reports, e.g. `5.16.0`.
    pub version: String,
    /// Identifies this installation; survives restarts, not reinstallation.
    pub instance_id: String,
    /// The host's uuid as the agent reports it; empty means that of the hardware ([`crate::hardware_uuid`]).
    pub uuid: String,
    /// Hash of the running config; empty when there is none.
    pub config_hash: String,
    pub config_valid: bool,
    /// Unix time in seconds.
    pub start_time: i64,
    /// The agent's process; 0 means the process that runs the query.
    pub pid: i32,
    /// The process that watches over the agent; none is shown as -1.
    pub watcher: Option<i32>,
    /// What the agent was built for; empty means `linux`, `darwin` or `windows`. Labels such as "All Linux" ask for it.
    pub build_platform: String,
    /// Where the agent was built, e.g. `debian`; may be empty.
    pub build_distro: String,
}

/// One scheduled query and what it has cost so far. Shown by `osquery_schedule`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduledStat {
    pub name: String,
    pub query: String,
    /// Seconds.
    pub interval: i64,
    pub executions: i64,
    /// Unix time in seconds, 0 = never.
    pub last_executed: i64,
    pub denylisted: bool,
    /// Bytes of all results so far.
    pub output_size: i64,
    /// Sums over all runs, in milliseconds.
    pub wall_time_ms: i64,
    pub user_time: i64,
    pub system_time: i64,
    /// The last run, in milliseconds.
    pub last_wall_time_ms: i64,
    pub last_user_time: i64,
    pub last_system_time: i64,
    /// Bytes.
    pub average_memory: i64,
    pub last_memory: i64,
}

/// One setting of the agent. Shown by `osquery_flags`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flag {
    pub name: String,
    /// `bool`, `string`, `int32`, `uint64` …
    #[serde(rename = "type")]
    pub kind: String,
    pub description: String,
    pub default_value: String,
    pub value: String,
    pub shell_only: bool,
}
