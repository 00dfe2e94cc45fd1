//! What agent options may hold. Source: rest-api §8.

use serde_json::{Map, Value};

use super::osquery_flags::{self, Kind, Place};

/// What is wrong with agent options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The bare last key.
    UnsupportedKey(String),
    /// Where, what belongs there, and what stands there.
    Type { path: String, expected: &'static str, got: &'static str },
    /// A flag whose value is a secret; as it was written.
    Secret(String),
    /// A number over its limit.
    Limit { path: String, limit: u64 },
}

/// The longest time a script may run, in seconds.
const SCRIPT_LIMIT_S: u64 = 3_600;

/// What holds for agent options that are forced, too: no flag whose value is a secret, wherever it stands.
pub fn check_forced(options: &Value) -> Result<(), Wrong> {
    match options {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| match osquery_flags::is_secret(name) {
            true => Err(Wrong::Secret(name.clone())),
            false => check_forced(value),
        }),
        Value::Array(items) => items.iter().try_for_each(check_forced),
        _ => Ok(()),
    }
}

/// Checks the whole object, as it stands at the top of settings and in a team.
pub fn check(options: &Value) -> Result<(), Wrong> {
    check_forced(options)?;
    let Some(options) = options.as_object() else { return Err(wrong_type("", "object", options)) };
    for (key, value) in options {
        match key.as_str() {
            "config" => config("config", value)?,
            "overrides" => overrides(value)?,
            "command_line_flags" => flags("command_line_flags", Place::CommandLine, value)?,
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

/// osquery's own configuration. Its sections are osquery's business, but for the options.
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
            flags("options", Place::Options, value)?;
        }
    }
    Ok(())
}

/// Flags must be known, and hold what they should: osquery passes over the one and the other without a word, and goes on
/// with its default. Who knows better says `force`.
fn flags(path: &str, place: Place, value: &Value) -> Result<(), Wrong> {
    for (name, value) in object(path, value)?.into_iter().flatten() {
        let kind = osquery_flags::kind(name, place).ok_or_else(|| Wrong::UnsupportedKey(name.clone()))?;
        let fits = match kind {
            _ if value.is_null() => true,
            Kind::Switch => value.is_boolean(),
            Kind::Text => value.is_string(),
            Kind::Whole { bits, signed: false } => {
                value.as_u64().is_some_and(|number| bits == 64 || number >> bits == 0)
            }
            Kind::Whole { signed: true, .. } => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        };
        if !fits {
            return Err(wrong_type(&format!("{path}.{name}"), kind.name(), value));
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
        assert_eq!(
            check(&json!({"config": {"options": {"distributed_intervall": 10}}})),
            unknown("distributed_intervall")
        );
        assert_eq!(check(&json!({"config": {"options": {"watchdog_delay": 10}}})), unknown("watchdog_delay"));
        assert_eq!(check(&json!({"command_line_flags": {"watchdog_delay": 10}})), Ok(()));
        assert_eq!(check(&json!({"command_line_flags": {"watch_dog": 1}})), unknown("watch_dog"));
        let ubuntu = json!({"overrides": {"platforms": {"ubuntu": {"options": {"a": 1}}}}});
        assert_eq!(check(&ubuntu), unknown("a"));
    }

    #[test]
    fn a_secret_is_refused_wherever_it_stands_even_when_forced() {
        let secret = Err(Wrong::Secret("aws_session_token".to_owned()));
        let options = json!({"options": {"aws_region": "eu-west-1", "aws_session_token": "x"}});
        for options in [
            json!({"config": options}),
            json!({"overrides": {"platforms": {"darwin": options}}}),
            json!({"command_line_flags": {"aws_session_token": "x"}}),
            json!({"confg": [options]}),
        ] {
            assert_eq!(check_forced(&options), secret, "{options}");
            assert_eq!(check(&options), secret, "{options}");
        }
        assert_eq!(check(&json!({"config": {"options": {"aws_access_key_id": "AKIA"}}})), Ok(()));
        assert_eq!(check_forced(&json!({"confg": {}})), Ok(()));
    }

    #[test]
    fn types_are_checked_by_path() {
        let wrong = |path: &str, expected, got| Err(Wrong::Type { path: path.to_owned(), expected, got });
        let interval = json!({"config": {"options": {"distributed_interval": "10"}}});
        assert_eq!(check(&interval), wrong("options.distributed_interval", "uint64", "string"));
        assert_eq!(check(&json!({"config": {"options": {"utc": 1}}})), wrong("options.utc", "bool", "number"));
        let option = |name: &str, value: Value| check(&json!({"config": {"options": {name: value}}}));
        assert_eq!(option("pack_delimiter", json!(7)), wrong("options.pack_delimiter", "string", "number"));
        assert_eq!(option("logger_min_status", json!(-1)), Ok(()));
        assert_eq!(option("hash_cache_max", json!(1_u64 << 32)), wrong("options.hash_cache_max", "uint32", "number"));
        assert_eq!(
            option("distributed_interval", json!(-1)),
            wrong("options.distributed_interval", "uint64", "number")
        );
        assert_eq!(option("verbose", Value::Null), Ok(()));
        assert_eq!(check(&json!({"config": []})), wrong("config", "object", "array"));
        assert_eq!(
            check(&json!({"script_execution_timeout": "1"})),
            wrong("script_execution_timeout", "int", "string")
        );
        let limit = Wrong::Limit { path: "script_execution_timeout".to_owned(), limit: 3_600 };
        assert_eq!(check(&json!({"script_execution_timeout": 3_601})), Err(limit));
    }
}
