//! What agent options may hold. Source: rest-api §8.

use serde_json::{Map, Value};

/// What is wrong with agent options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The bare last key.
    UnsupportedKey(String),
    /// Where, what belongs there, and what stands there.
    Type { path: String, expected: &'static str, got: &'static str },
    /// A number over its limit.
    Limit { path: String, limit: u64 },
}

/// The longest time a script may run, in seconds.
const SCRIPT_LIMIT_S: u64 = 3_600;

/// Checks the whole object, as it stands at the top of settings and in a team.
pub fn check(options: &Value) -> Result<(), Wrong> {
    let Some(options) = options.as_object() else { return Err(wrong_type("", "object", options)) };
    for (key, value) in options {
        match key.as_str() {
            "config" => config("config", value)?,
            "overrides" => overrides(value)?,
            "command_line_flags" => flags("command_line_flags", value)?,
            "extensions" | "update_channels" => drop(object(key, value)?),
            "script_execution_timeout" => match value.as_u64() {
                Some(seconds) if seconds > SCRIPT_LIMIT_S => {
                    return Err(Wrong::Limit { path: key.clone(), limit: SCRIPT_LIMIT_S });
                }
                Some(_) => {}
                None if value.is_null() => {}
                None => return Err(wrong_type(key, "int", value)),
            },
            _ => return Err(Wrong::UnsupportedKey(key.clone())),
        }
    }
    Ok(())
}

fn overrides(value: &Value) -> Result<(), Wrong> {
    for (key, value) in object("overrides", value)?.into_iter().flatten() {
        if key != "platforms" {
            return Err(Wrong::UnsupportedKey(key.clone()));
        }
        for (platform, value) in object("overrides.platforms", value)?.into_iter().flatten() {
            config(&format!("overrides.platforms.{platform}"), value)?;
        }
    }
    Ok(())
}

/// osquery's own configuration. Its sections are osquery's business, but for the options that we know.
fn config(path: &str, value: &Value) -> Result<(), Wrong> {
    const SECTIONS: [&str; 14] = [
        "options",
        "decorators",
        "schedule",
        "packs",
        "file_paths",
        "file_paths_query",
        "file_accesses",
        "exclude_paths",
        "yara",
        "auto_table_construction",
        "prometheus_targets",
        "views",
        "events",
        "logger",
    ];
    for (key, value) in object(path, value)?.into_iter().flatten() {
        if !SECTIONS.contains(&key.as_str()) {
            return Err(Wrong::UnsupportedKey(key.clone()));
        }
        if key == "options" {
            flags("options", value)?;
        }
    }
    Ok(())
}

/// Flags that are numbers or switches must be such: osquery takes a text in their place without a word and goes on with
/// its default. A flag that is not known here is let through, since osquery gets new ones faster than we do.
fn flags(path: &str, value: &Value) -> Result<(), Wrong> {
    for (name, value) in object(path, value)?.into_iter().flatten() {
        let at = format!("{path}.{name}");
        if NUMBERS.contains(&name.as_str()) && !value.is_u64() {
            return Err(wrong_type(&at, "uint64", value));
        }
        if SWITCHES.contains(&name.as_str()) && !value.is_boolean() {
            return Err(wrong_type(&at, "bool", value));
        }
        if value.is_object() || value.is_array() {
            return Err(wrong_type(&at, "string", value));
        }
    }
    Ok(())
}

fn object<'a>(path: &str, value: &'a Value) -> Result<Option<&'a Map<String, Value>>, Wrong> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        other => Err(wrong_type(path, "object", other)),
    }
}

fn wrong_type(path: &str, expected: &'static str, got: &Value) -> Wrong {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Wrong::Type { path: path.to_owned(), expected, got }
}

/// Flags of osquery that are numbers.
const NUMBERS: [&str; 30] = [
    "buffered_log_max",
    "carver_block_size",
    "config_accelerated_refresh",
    "config_refresh",
    "config_tls_max_attempts",
    "config_tls_refresh",
    "distributed_denylist_duration",
    "distributed_interval",
    "distributed_tls_max_attempts",
    "events_expiry",
    "events_max",
    "logger_min_status",
    "logger_min_stderr",
    "logger_tls_max_lines",
    "logger_tls_max_linesize",
    "logger_tls_period",
    "pack_refresh_interval",
    "read_max",
    "schedule_default_interval",
    "schedule_epoch",
    "schedule_max_drift",
    "schedule_reload",
    "schedule_splay_percent",
    "schedule_timeout",
    "table_delay",
    "tls_session_timeout",
    "watchdog_delay",
    "watchdog_latency_limit",
    "watchdog_memory_limit",
    "watchdog_utilization_limit",
];

/// Flags of osquery that are switches.
const SWITCHES: [&str; 22] = [
    "audit_allow_config",
    "audit_allow_fim_events",
    "audit_allow_process_events",
    "audit_allow_sockets",
    "audit_allow_user_events",
    "audit_persist",
    "decorations_top_level",
    "disable_audit",
    "disable_caching",
    "disable_carver",
    "disable_database",
    "disable_decorators",
    "disable_distributed",
    "disable_events",
    "disable_logging",
    "enable_bpf_events",
    "enable_file_events",
    "enable_syslog",
    "log_numerics_as_numbers",
    "logger_snapshot_event_type",
    "utc",
    "verbose",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::defaults;

    #[test]
    fn the_defaults_are_fine() {
        assert_eq!(check(&defaults()["agent_options"]), Ok(()));
        let all = json!({
            "config": {"options": {"host_identifier": "uuid", "utc": true}, "decorators": {}, "yara": {"x": []}},
            "overrides": {"platforms": {"darwin": {"options": {"distributed_interval": 60}}}},
            "command_line_flags": {"verbose": true},
            "extensions": {"a": {"platform": "linux", "channel": "stable"}},
            "update_channels": {"orbit": "edge"},
            "script_execution_timeout": 600
        });
        assert_eq!(check(&all), Ok(()));
    }

    #[test]
    fn unknown_keys_are_named() {
        let unknown = |key: &str| Err(Wrong::UnsupportedKey(key.to_owned()));
        assert_eq!(check(&json!({"confg": {}})), unknown("confg"));
        assert_eq!(check(&json!({"config": {"optons": {}}})), unknown("optons"));
        assert_eq!(check(&json!({"overrides": {"platform": {}}})), unknown("platform"));
    }

    #[test]
    fn types_are_checked_by_path() {
        let wrong = |path: &str, expected, got| Err(Wrong::Type { path: path.to_owned(), expected, got });
        let interval = json!({"config": {"options": {"distributed_interval": "10"}}});
        assert_eq!(check(&interval), wrong("options.distributed_interval", "uint64", "string"));
        assert_eq!(check(&json!({"config": {"options": {"utc": 1}}})), wrong("options.utc", "bool", "number"));
        assert_eq!(check(&json!({"config": []})), wrong("config", "object", "array"));
        assert_eq!(
            check(&json!({"script_execution_timeout": "1"})),
            wrong("script_execution_timeout", "int", "string")
        );
        let limit = Wrong::Limit { path: "script_execution_timeout".to_owned(), limit: 3_600 };
        assert_eq!(check(&json!({"script_execution_timeout": 3_601})), Err(limit));
    }
}
