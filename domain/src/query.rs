//! Saved queries: run live, or scheduled on hosts.

use imbl::{HashMap, OrdMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{Event, LabelId, QueryId, Refusal, TeamId, Timestamp, UserId};

/// How results of a scheduled query are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Logging {
    #[default]
    Snapshot,
    Differential,
    DifferentialIgnoreRemovals,
}

impl Logging {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" | "snapshot" => Logging::Snapshot,
            "differential" => Logging::Differential,
            "differential_ignore_removals" => Logging::DifferentialIgnoreRemovals,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Logging::Snapshot => "snapshot",
            Logging::Differential => "differential",
            Logging::DifferentialIgnoreRemovals => "differential_ignore_removals",
        }
    }
}

/// Everything an author says of a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    pub name: String,
    pub description: String,
    pub query: String,
    /// Comma list of `darwin`, `linux`, `windows`, `chrome`; empty for all.
    pub platform: String,
    pub min_osquery_version: String,
    /// Seconds; 0 is not scheduled.
    pub interval: u32,
    pub automations_enabled: bool,
    pub logging: Logging,
    pub discard_data: bool,
    pub observer_can_run: bool,
    /// Only hosts with one of these labels; empty for all.
    pub labels_include_any: Vec<LabelId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub id: QueryId,
    pub team: Option<TeamId>,
    pub spec: Spec,
    pub author: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When stored results of an earlier shape stopped counting: SQL, platform, version, logging or discard changed.
    pub results_since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    pub query: QueryId,
    pub team: Option<TeamId>,
    pub spec: Spec,
    pub author: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    pub query: QueryId,
    pub spec: Spec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    pub query: QueryId,
}

#[derive(Clone, Debug)]
pub enum Command {
    Create { team: Option<TeamId>, spec: Spec, author: Option<UserId> },
    Change { query: QueryId, spec: Spec },
    Delete { queries: Vec<QueryId> },
}

impl Command {
    pub fn decide(&self, state: &State, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let queries = &state.queries;
        match self {
            Command::Create { team, spec, author } => {
                if let Some(team) = team.filter(|team| state.teams.get(*team).is_none()) {
                    return Err(Refusal::invalid("team_id", format!("team {team} does not exist")));
                }
                queries.check(state, *team, spec, None)?;
                let created =
                    Created { query: QueryId(queries.newest + 1), team: *team, spec: spec.clone(), author: *author };
                Ok(vec![created.into()])
            }
            Command::Change { query, spec } => {
                let held = queries.find(*query)?;
                queries.check(state, held.team, spec, Some(*query))?;
                Ok(if held.spec == *spec { vec![] } else { vec![Changed { query: *query, spec: spec.clone() }.into()] })
            }
            Command::Delete { queries: ids } => {
                ids.iter().map(|id| queries.find(*id).map(|_| Deleted { query: *id }.into())).collect()
            }
        }
    }
}

/// All saved queries, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Queries {
    queries: OrdMap<QueryId, Query>,
    by_name: HashMap<(Option<TeamId>, String), QueryId>,
    newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    queries: Vec<Query>,
    newest: u32,
}

impl Queries {
    pub fn get(&self, id: QueryId) -> Option<&Query> {
        self.queries.get(&id)
    }

    /// By its exact name in a team, or among the global ones.
    pub fn by_name(&self, team: Option<TeamId>, name: &str) -> Option<&Query> {
        self.queries.get(self.by_name.get(&(team, name.to_owned()))?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Query> {
        self.queries.values()
    }

    fn find(&self, id: QueryId) -> Result<&Query, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("Query", id))
    }

    fn check(&self, state: &State, team: Option<TeamId>, spec: &Spec, own: Option<QueryId>) -> Result<(), Refusal> {
        if spec.name.trim().is_empty() {
            return Err(Refusal::Malformed("query payload verification: query name cannot be empty".to_owned()));
        }
        if spec.query.trim().is_empty() {
            return Err(Refusal::Malformed("query payload verification: query's SQL query cannot be empty".to_owned()));
        }
        let known = ["darwin", "linux", "windows", "chrome"];
        if let Some(bad) = spec.platform.split(',').map(str::trim).find(|one| !one.is_empty() && !known.contains(one)) {
            let text = format!(
                "query payload verification: query's platform must be a comma-separated list of 'darwin', 'linux', 'windows' and 'chrome', not {bad:?}"
            );
            return Err(Refusal::Malformed(text));
        }
        if let Some(unknown) = spec.labels_include_any.iter().find(|label| state.labels.get(**label).is_none()) {
            return Err(Refusal::invalid("labels_include_any", format!("label {unknown} does not exist")));
        }
        match self.by_name.get(&(team, spec.name.clone())) {
            Some(holder) if Some(*holder) != own => Err(Refusal::taken("Query", spec.name.clone())),
            _ => Ok(()),
        }
    }

    pub(crate) fn created(&mut self, event: &Created, at: Timestamp) {
        self.newest = self.newest.max(event.query.0);
        self.by_name.insert((event.team, event.spec.name.clone()), event.query);
        self.queries.insert(event.query, Query::created(event, at));
    }

    pub(crate) fn changed(&mut self, event: &Changed, at: Timestamp) {
        let Some(query) = self.queries.get_mut(&event.query) else { return };
        self.by_name.remove(&(query.team, query.spec.name.clone()));
        self.by_name.insert((query.team, event.spec.name.clone()), event.query);
        query.change(event, at);
    }

    pub(crate) fn deleted(&mut self, event: &Deleted) {
        if let Some(query) = self.queries.remove(&event.query) {
            self.by_name.remove(&(query.team, query.spec.name));
        }
    }

    pub(crate) fn team_deleted(&mut self, team: TeamId) {
        let gone: Vec<QueryId> = self.iter().filter(|query| query.team == Some(team)).map(|query| query.id).collect();
        for query in gone {
            self.deleted(&Deleted { query });
        }
    }

    /// A deleted label no longer limits any query.
    pub(crate) fn label_deleted(&mut self, label: LabelId) {
        let limited: Vec<QueryId> =
            self.iter().filter(|query| query.spec.labels_include_any.contains(&label)).map(|query| query.id).collect();
        for id in limited {
            if let Some(query) = self.queries.get_mut(&id) {
                query.label_deleted(label);
            }
        }
    }
}

impl Query {
    pub fn created(event: &Created, at: Timestamp) -> Query {
        Query {
            id: event.query,
            team: event.team,
            spec: event.spec.clone(),
            author: event.author,
            created_at: at,
            updated_at: at,
            results_since: at,
        }
    }

    pub fn change(&mut self, event: &Changed, at: Timestamp) {
        if self.spec.ends_results(&event.spec) {
            self.results_since = at;
        }
        self.spec = event.spec.clone();
        self.updated_at = at;
    }

    /// A deleted label no longer limits the query.
    pub fn label_deleted(&mut self, label: LabelId) {
        self.spec.labels_include_any.retain(|held| *held != label);
    }
}

impl Spec {
    /// Whether stored results of this shape say nothing about `next`.
    fn ends_results(&self, next: &Spec) -> bool {
        self.query != next.query
            || self.platform != next.platform
            || self.min_osquery_version != next.min_osquery_version
            || (next.discard_data && !self.discard_data)
            || (self.logging == Logging::Snapshot && next.logging != Logging::Snapshot)
    }
}

impl From<Queries> for Kept {
    fn from(queries: Queries) -> Self {
        Kept { queries: queries.queries.values().cloned().collect(), newest: queries.newest }
    }
}

impl From<Kept> for Queries {
    fn from(kept: Kept) -> Self {
        Queries {
            by_name: kept.queries.iter().map(|query| ((query.team, query.spec.name.clone()), query.id)).collect(),
            queries: kept.queries.into_iter().map(|query| (query.id, query)).collect(),
            newest: kept.newest,
        }
    }
}
