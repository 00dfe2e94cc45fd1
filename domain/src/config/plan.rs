//! Everything that configurations depend on, gathered once per revision of the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{DEEPEST, LARGEST};
use crate::query::{Logging, Query};
use crate::records::Intervals;
use crate::state::State;
use crate::team::Team;
use crate::{LabelId, TeamId};

/// Members that would make osqueryd take a document for a failure, or for an answer of another kind.
const NEVER: [&str; 3] = ["error", "node_invalid", "etag"];

/// All that one document depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// A team that does not exist is none.
    pub team: Option<TeamId>,
    /// The host's platform if the options override it; empty otherwise.
    pub platform: String,
    /// Of the labels that any of its queries is limited to, those that the host has.
    pub labels: Vec<LabelId>,
    pub revision: u64,
}

/// A rendered configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// One JSON object, with its keys always in the same order.
    pub body: Vec<u8>,
    /// What the document tells the host about how often to call; 0 where it tells nothing.
    pub intervals: Intervals,
}

/// osqueryd would not take the document; says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration of this host {0}: shorten its agent options or its queries")]
pub struct TooLarge(String);

/// The settings of one revision, sorted for rendering.
#[derive(Clone, Debug)]
pub struct Plan {
    revision: u64,
    everyone: Arc<Value>,
    teams: BTreeMap<TeamId, Option<Arc<Value>>>,
    queries: BTreeMap<Option<TeamId>, Vec<Scheduled>>,
}

/// A query that some hosts get.
#[derive(Clone, Debug)]
struct Scheduled {
    name: String,
    entry: Value,
    labels: Vec<LabelId>,
}

impl Plan {
    pub fn of(state: &State) -> Plan {
        let reports = !state.settings.is_on("/server_settings/query_reports_disabled");
        let mut queries: BTreeMap<Option<TeamId>, Vec<Scheduled>> = BTreeMap::new();
        for query in state.queries.iter().filter(|query| is_sent(query, reports)) {
            queries.entry(query.team).or_default().push(scheduled(query));
        }
        queries.values_mut().for_each(|queries| queries.sort_by(|a, b| a.name.cmp(&b.name)));
        Plan {
            revision: state.settings.revision,
            everyone: Arc::new(state.settings.agent_options().clone()),
            teams: state.teams.iter().map(|team: &Team| (team.id, team.agent_options.clone())).collect(),
            queries,
        }
    }

    /// The revision of the settings that this plan was made from.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The scope of a host, by its team, exact platform and labels.
    pub fn scope(&self, team: Option<TeamId>, platform: &str, has: impl Fn(LabelId) -> bool) -> Scope {
        let team = team.filter(|team| self.teams.contains_key(team));
        let overridden = overriding(self.options(team), platform).is_some();
        let asked: BTreeSet<LabelId> =
            self.packs(team).flat_map(|(_, all)| all).flat_map(|one| one.labels.iter().copied()).collect();
        Scope {
            team,
            platform: if overridden { platform.to_owned() } else { String::new() },
            labels: asked.into_iter().filter(|label| has(*label)).collect(),
            revision: self.revision,
        }
    }

    /// The document of every host of a scope of this plan.
    pub fn render(&self, scope: &Scope) -> Result<Document, TooLarge> {
        let options = self.options(scope.team);
        let config = overriding(options, &scope.platform).or_else(|| options.get("config"));
        let mut document = config.and_then(Value::as_object).cloned().unwrap_or_default();
        NEVER.iter().for_each(|name| drop(document.shift_remove(*name)));
        let intervals = intervals(&document);
        let packs: Map<String, Value> =
            self.packs(scope.team).filter_map(|(name, all)| pack(name, all, &scope.labels)).collect();
        if !packs.is_empty() {
            document.insert("packs".to_owned(), Value::Object(packs));
        }
        let document = Value::Object(document);
        let levels = depth(&document);
        if levels > DEEPEST {
            return Err(TooLarge(format!("is nested {levels} levels deep, of at most {DEEPEST}")));
        }
        let body = document.to_string().into_bytes();
        if body.len() > LARGEST {
            return Err(TooLarge(format!("has {} bytes, of at most {LARGEST}", body.len())));
        }
        Ok(Document { body, intervals })
    }

    /// Agent options of a team if it has any, else the global ones.
    fn options(&self, team: Option<TeamId>) -> &Value {
        let own = team.and_then(|team| self.teams.get(&team)).and_then(Option::as_ref);
        own.unwrap_or(&self.everyone)
    }

    /// The packs that a host of that team may get, by name.
    fn packs(&self, team: Option<TeamId>) -> impl Iterator<Item = (String, &Vec<Scheduled>)> {
        let global = self.queries.get(&None).map(|all| ("Global".to_owned(), all));
        let own = team.and_then(|id| Some((format!("team-{id}"), self.queries.get(&Some(id))?)));
        global.into_iter().chain(own)
    }
}

/// A query is sent when it is scheduled and somebody wants its results: a destination, or the stored report.
fn is_sent(query: &Query, reports: bool) -> bool {
    let spec = &query.spec;
    let reported = reports && !spec.discard_data && spec.logging == Logging::Snapshot;
    spec.interval > 0 && (spec.automations_enabled || reported)
}

fn scheduled(query: &Query) -> Scheduled {
    let spec = &query.spec;
    let mut entry = json!({
        "query": spec.query, "interval": spec.interval, "platform": spec.platform, "version": spec.min_osquery_version
    });
    match spec.logging {
        Logging::Snapshot => entry["snapshot"] = json!(true),
        Logging::Differential => entry["removed"] = json!(true),
        Logging::DifferentialIgnoreRemovals => entry["removed"] = json!(false),
    }
    Scheduled { name: spec.name.clone(), entry, labels: spec.labels_include_any.clone() }
}

fn pack(name: String, all: &[Scheduled], labels: &[LabelId]) -> Option<(String, Value)> {
    let chosen = |one: &&Scheduled| one.labels.is_empty() || one.labels.iter().any(|label| labels.contains(label));
    let queries: Map<String, Value> =
        all.iter().filter(chosen).map(|one| (one.name.clone(), one.entry.clone())).collect();
    (!queries.is_empty()).then(|| (name, json!({ "queries": queries })))
}

/// What replaces `config` for that exact platform.
fn overriding<'a>(options: &'a Value, platform: &str) -> Option<&'a Value> {
    if platform.is_empty() {
        return None;
    }
    options.get("overrides")?.get("platforms")?.get(platform).filter(|config| config.is_object())
}

/// Intervals that the options set; numbers may be written as text.
fn intervals(document: &Map<String, Value>) -> Intervals {
    let option = |name: &str| {
        let value = document.get("options").and_then(|options| options.get(name));
        let number = value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()));
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    };
    Intervals {
        distributed_interval: option("distributed_interval"),
        config_tls_refresh: option("config_refresh"),
        logger_tls_period: option("logger_tls_period"),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
