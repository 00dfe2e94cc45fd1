//! Packs and their queries as they stand in the configuration. `schedule` is the pack `main`.

use serde_json::{Map, Value};

use crate::flags::{number, switch};

/// A pack before anything is decided about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pack {
    pub name: String,
    pub restriction: Restriction,
    /// Queries that must all return rows for the pack to run.
    pub discovery: Vec<String>,
    pub queries: Vec<Query>,
}

/// Where a pack or query may run. Empty and 0 restrict nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    pub platform: String,
    /// The least version of osquery.
    pub version: String,
    /// Per cent of the machines, 1 to 100.
    pub shard: u64,
}

/// A query before anything is decided about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub name: String,
    pub sql: String,
    /// Seconds; none means the default.
    pub interval: Option<u64>,
    pub restriction: Restriction,
    pub snapshot: bool,
    pub removed: bool,
    pub denylist: bool,
}

/// The name of the pack that `schedule` is.
pub const MAIN: &str = "main";

/// The longest interval, a week.
const MAX_INTERVAL: u64 = 604_800;

pub(super) fn read(schedule: Map<String, Value>, packs: Map<String, Value>, complaints: &mut Vec<String>) -> Vec<Pack> {
    let main = Pack { name: MAIN.to_owned(), queries: queries(schedule, MAIN, complaints), ..Pack::default() };
    let mut read: Vec<Pack> = Some(main).into_iter().filter(|main| !main.queries.is_empty()).collect();
    for (name, value) in packs {
        match value {
            Value::Object(members) => read.push(pack(name, members, complaints)),
            _ => complaints.push(format!("the pack {name} is left out: packs must be written into the configuration")),
        }
    }
    read
}

fn pack(name: String, mut members: Map<String, Value>, complaints: &mut Vec<String>) -> Pack {
    let queries = match members.remove("queries") {
        Some(Value::Object(members)) => queries(members, &name, complaints),
        _ => Vec::new(),
    };
    let discovery = members.remove("discovery").map(super::texts).unwrap_or_default();
    Pack { restriction: restriction(&members), name, discovery, queries }
}

fn queries(members: Map<String, Value>, pack: &str, complaints: &mut Vec<String>) -> Vec<Query> {
    let mut read = Vec::new();
    for (name, value) in members {
        match query(&name, &value) {
            Ok(query) => read.push(query),
            Err(why) => complaints.push(format!("the query {name} of pack {pack} is left out: {why}")),
        }
    }
    read
}

fn query(name: &str, value: &Value) -> Result<Query, &'static str> {
    let members = value.as_object().ok_or("it must be an object")?;
    let sql = members.get("query").and_then(Value::as_str).filter(|sql| !sql.is_empty()).ok_or("it has no SQL")?;
    let interval = match members.get("interval") {
        None => None,
        Some(value) => match number(value) {
            Some(seconds @ 1..=MAX_INTERVAL) => Some(seconds),
            _ => return Err("its interval must be 1 to 604800 seconds"),
        },
    };
    let is_on = |member, default| members.get(member).and_then(switch).unwrap_or(default);
    Ok(Query {
        name: name.to_owned(),
        sql: sql.to_owned(),
        interval,
        restriction: restriction(members),
        snapshot: is_on("snapshot", false),
        removed: is_on("removed", true),
        denylist: is_on("denylist", true),
    })
}

fn restriction(members: &Map<String, Value>) -> Restriction {
    let text = |member| match members.get(member).and_then(Value::as_str) {
        None | Some("null") => String::new(),
        Some(text) => text.to_owned(),
    };
    let shard = members.get("shard").and_then(number).unwrap_or(0);
    Restriction { platform: text("platform"), version: text("version"), shard }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    use super::*;

    #[test]
    fn packs_of_a_fleet_server_are_read() {
        let config = Config::parse(
            r#"{"schedule":{"up":{"query":"SELECT * FROM uptime","interval":"60"}},
            "packs":{"Global":{"queries":{"ssh keys":{"query":"SELECT 1","interval":3600,"platform":"","version":"","snapshot":true}}},
                     "my 2017 pack":{"platform":"linux","shard":"10","discovery":["SELECT 2"],"queries":{"keys":{"query":"SELECT 3","platform":"null","removed":"false","denylist":0}}},
                     "elsewhere":"/etc/pack.json"}}"#,
        )
        .unwrap();
        let names: Vec<_> = config.packs.iter().map(|pack| pack.name.as_str()).collect();
        assert_eq!(names, [MAIN, "Global", "my 2017 pack"]);
        let up = &config.packs[0].queries[0];
        assert_eq!(
            (up.name.as_str(), up.interval, up.snapshot, up.removed, up.denylist),
            ("up", Some(60), false, true, true)
        );
        assert!(config.packs[1].queries[0].snapshot);
        let old = &config.packs[2];
        assert_eq!((old.restriction.platform.as_str(), old.restriction.shard, old.discovery.len()), ("linux", 10, 1));
        let keys = &old.queries[0];
        assert_eq!(
            (keys.restriction.platform.as_str(), keys.interval, keys.removed, keys.denylist),
            ("", None, false, false)
        );
        assert_eq!(config.complaints.len(), 1);
    }

    #[test]
    fn queries_that_cannot_run_are_left_out() {
        for bad in [
            r#"7"#,
            r#"{}"#,
            r#"{"query":""}"#,
            r#"{"query":"SELECT 1","interval":0}"#,
            r#"{"query":"SELECT 1","interval":604801}"#,
            r#"{"query":"SELECT 1","interval":"soon"}"#,
        ] {
            let config = Config::parse(&format!(
                r#"{{"schedule":{{"bad":{bad},"good":{{"query":"SELECT 1","interval":604800}}}}}}"#
            ))
            .unwrap();
            let names: Vec<_> = config.packs[0].queries.iter().map(|query| query.name.as_str()).collect();
            assert_eq!((names, config.complaints.len()), (vec!["good"], 1), "{bad}");
        }
    }
}
