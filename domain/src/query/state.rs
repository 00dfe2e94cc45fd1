//! All saved queries, folded from the ledger.

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use super::{Changed, Created, Deleted, Spec};
use crate::{LabelId, QueryId, TeamId, Timestamp, UserId};

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

/// All saved queries, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Queries {
    queries: OrdMap<QueryId, Query>,
    by_name: HashMap<(Option<TeamId>, String), QueryId>,
    pub(super) newest: u32,
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
