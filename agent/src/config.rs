//! The configuration that the server sends, read as osqueryd reads it: leniently, part by part.

use std::collections::BTreeMap;
use std::sync::Arc;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Map, Value};

use crate::flags::{Flags, Refused};

mod pack;
mod plan;

pub use pack::{Pack, Query};
pub use plan::{Machine, Plan, PlannedPack, Scheduled};

/// The largest document taken, in bytes.
const MAX_BYTES: usize = 4 << 20;
/// The deepest document taken, in levels of arrays and objects.
const MAX_LEVELS: usize = 32;

/// A configuration, and what is wrong with its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub options: Map<String, Value>,
    pub packs: Vec<Pack>,
    pub decorators: Decorators,
    /// Name → SQL. Absent, the views of the earlier configuration stay.
    pub views: Option<BTreeMap<String, String>>,
    /// SHA-1 of the document, as osquery has it.
    pub hash: String,
    /// One sentence for each part that was left out.
    pub complaints: Vec<String>,
}

/// Queries whose first row is added to every log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decorators {
    /// Run when a new configuration arrives.
    pub load: Vec<String>,
    /// Run before every scheduled query.
    pub always: Vec<String>,
    /// Run whenever the time is a multiple of that many seconds.
    pub interval: BTreeMap<u64, Vec<String>>,
}

/// The configuration in force and the flags it led to.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    pub config: Arc<Config>,
    pub flags: Arc<Flags>,
}

impl Config {
    /// Reads a document. Parts that cannot be read are left out and complained of.
    ///
    /// Errors: no JSON object, more than 4 MiB, or more than 32 levels.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("the configuration is larger than {MAX_BYTES} bytes"));
        }
        let document: Value =
            serde_json::from_str(text).map_err(|cause| format!("the configuration is not JSON: {cause}"))?;
        let Value::Object(mut root) = document else { return Err("the configuration is no JSON object".to_owned()) };
        if root.values().any(|value| levels(value) >= MAX_LEVELS) {
            return Err(format!("the configuration is nested deeper than {MAX_LEVELS} levels"));
        }
        let mut complaints = Vec::new();
        let mut part = |name: &str| object(root.remove(name), name, &mut complaints);
        let (options, schedule, packs, decorators) =
            (part("options"), part("schedule"), part("packs"), part("decorators"));
        let decorators = Decorators::read(decorators, &mut complaints);
        let views = root.contains_key("views").then(|| views(object(root.remove("views"), "views", &mut complaints)));
        let packs = pack::read(schedule, packs, &mut complaints);
        let hash = Self::hash(text);
        Ok(Config { options, packs, decorators, views, hash, complaints })
    }

    /// The hash of a document.
    pub fn hash(text: &str) -> String {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Applies the options to `flags` and returns a complaint for what they could not change.
    pub fn apply_options(&self, flags: &mut Flags) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut unknown = Vec::new();
        for (name, value) in &self.options {
            match flags.set(name, value) {
                Ok(()) => {}
                Err(Refused::Unknown) => unknown.push(name.as_str()),
                Err(Refused::CommandLineOnly) => {
                    complaints.push(format!("the option {name} is left as it is: only the command line can set it"))
                }
                Err(Refused::NotA(kind)) => {
                    complaints.push(format!("the option {name} is left as it is: {value} is no {kind}"))
                }
            }
        }
        if !unknown.is_empty() {
            complaints.push(format!("musterd has no such options: {}", unknown.join(", ")));
        }
        complaints
    }
}

impl Decorators {
    fn read(mut members: Map<String, Value>, complaints: &mut Vec<String>) -> Self {
        let load = texts(members.remove("load").unwrap_or_default());
        let always = texts(members.remove("always").unwrap_or_default());
        let mut interval = BTreeMap::new();
        for (seconds, queries) in object(members.remove("interval"), "decorators.interval", complaints) {
            match seconds.parse::<u64>() {
                Ok(seconds) if seconds > 0 && seconds % 60 == 0 => drop(interval.insert(seconds, texts(queries))),
                _ => complaints.push(format!(
                    "decorators every {seconds:?} seconds are left out: the interval must be a multiple of 60"
                )),
            }
        }
        Decorators { load, always, interval }
    }
}

/// The members of a part; none if it is absent, `null` or something else, which is complained of unless it is a list
/// (osquery passes over those in silence).
fn object(value: Option<Value>, name: &str, complaints: &mut Vec<String>) -> Map<String, Value> {
    match value {
        Some(Value::Object(members)) => return members,
        None | Some(Value::Null | Value::Array(_)) => {}
        Some(_) => complaints.push(format!("{name} is left out: it must be an object")),
    }
    Map::new()
}

fn views(members: Map<String, Value>) -> BTreeMap<String, String> {
    let text = |(name, sql): (String, Value)| sql.as_str().map(|sql| (name, sql.to_owned()));
    members.into_iter().filter_map(text).collect()
}

fn texts(value: Value) -> Vec<String> {
    let Value::Array(items) = value else { return Vec::new() };
    let text = |item| match item {
        Value::String(text) => Some(text),
        _ => None,
    };
    items.into_iter().filter_map(text).collect()
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorators_and_options_are_read() {
        let config = Config::parse(
            r#"{"options":{"pack_delimiter":"/","config_refresh":9,"distributed_interval":"x","fancy":1,"fancier":2},
            "decorators":{"load":["SELECT 1",7],"always":["SELECT 2"],"interval":{"120":["SELECT 3"],"61":["SELECT 4"],"0":[]}}}"#,
        )
        .unwrap();
        assert_eq!(config.decorators.load, ["SELECT 1"]);
        assert_eq!(config.decorators.always, ["SELECT 2"]);
        assert_eq!(config.decorators.interval, BTreeMap::from([(120, vec!["SELECT 3".to_owned()])]));
        assert_eq!(config.complaints.len(), 2);
        let mut flags = Flags::default();
        let complaints = config.apply_options(&mut flags);
        assert_eq!(flags.text("pack_delimiter"), "/");
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[2].ends_with("fancy, fancier"));
    }

    #[test]
    fn parts_of_another_type_are_left_out() {
        let config =
            Config::parse(r#"{"options":7,"schedule":null,"packs":[],"decorators":"x","unknown":true}"#).unwrap();
        assert_eq!(config.complaints.len(), 2);
        assert_eq!(Config { complaints: Vec::new(), hash: String::new(), ..config }, Config::default());
    }

    #[test]
    fn views_are_read_and_the_document_is_hashed() {
        let config = Config::parse(r#"{"views":{"v":"SELECT 1","odd":7}}"#).unwrap();
        assert_eq!(config.views, Some(BTreeMap::from([("v".to_owned(), "SELECT 1".to_owned())])));
        assert_eq!(Config::parse(r#"{"views":{}}"#).unwrap().views, Some(BTreeMap::new()));
        // printf '{}' | sha1sum
        assert_eq!(Config::parse("{}").unwrap().hash, "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Config::parse(&nested(31)).is_ok());
        for bad in
            ["", "[]", "7", "{", &nested(32), &nested(10_000), &format!("{{\"x\":\"{}\"}}", "y".repeat(MAX_BYTES))]
        {
            assert!(Config::parse(bad).is_err());
        }
    }
}
