//! From a request's targets to a set of hosts.

use domain::query::Query;
use domain::role::Action;
use domain::targets::{Selection, visible};
use domain::{LabelId, Members, QueryId, State, TeamId};
use infra_http::Problem;
use serde::Deserialize;

use crate::App;
use crate::admin::Call;

/// `{hosts: [id], labels: [id], teams: [id]}`; lists may be `null`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ByIds {
    hosts: Option<Vec<u32>>,
    labels: Option<Vec<u32>>,
    teams: Option<Vec<u32>>,
}

impl ByIds {
    pub fn selection(self) -> Selection {
        let list = |list: Option<Vec<u32>>| list.unwrap_or_default();
        Selection {
            hosts: list(self.hosts).into_iter().map(domain::HostId).collect(),
            labels: list(self.labels).into_iter().map(LabelId).collect(),
            teams: list(self.teams).into_iter().map(|team| (team != 0).then_some(TeamId(team))).collect(),
        }
    }
}

/// `{hosts: [hostname, uuid, serial], labels: [name], teams: [name]}`. Empty texts name nothing: clients send `[""]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ByNames {
    hosts: Option<Vec<String>>,
    labels: Option<Vec<String>>,
    teams: Option<Vec<String>>,
}

impl ByNames {
    /// Unknown hosts are passed over; unknown labels and teams are refused, all of them named.
    pub fn selection(self, app: &App, state: &State) -> Result<Selection, Problem> {
        let texts = |list: Option<Vec<String>>| list.unwrap_or_default().into_iter().filter(|text| !text.is_empty());
        let (ids, names): (Vec<String>, Vec<String>) = texts(self.hosts).partition(|text| id_of(text).is_some());
        let mut hosts: Members = ids.iter().filter_map(|text| id_of(text)).collect();
        hosts = app.registry.find_each(&names).values().fold(hosts, |all, found| all.or(found));

        let known = |name: &String| state.labels.by_name(name).map(|label| label.id).ok_or_else(|| name.clone());
        let labels = all_known("label name(s)", texts(self.labels).map(|name| known(&name)))?;
        let known = |name: &String| match name.eq_ignore_ascii_case("no team") {
            true => Ok(None),
            false => state.teams.by_name(name).map(|team| Some(team.id)).ok_or_else(|| name.clone()),
        };
        let teams = all_known("team name(s)", texts(self.teams).map(|name| known(&name)))?;
        Ok(Selection { hosts, labels, teams })
    }
}

/// `id:12`, our own way to name a host by number.
fn id_of(text: &str) -> Option<domain::HostId> {
    text.strip_prefix("id:")?.parse().ok()
}

fn all_known<T>(what: &str, found: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Problem> {
    let (mut known, mut unknown) = (vec![], vec![]);
    for one in found {
        match one {
            Ok(one) => known.push(one),
            Err(name) => unknown.push(name),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    Err(Problem::bad_request(format!("Invalid {what}: {}.", unknown.join(", "))))
}

/// What is run, and by which right.
#[derive(Clone, Debug)]
pub struct Question {
    pub sql: String,
    pub query: Option<QueryId>,
    /// The team of the saved query: only who may read its queries may run them.
    team: Option<TeamId>,
    action: Action,
}

impl Question {
    /// From a request's `query` and `query_id`; a saved query's own SQL wins.
    ///
    /// 422 when neither is there · 404 for an unknown id.
    pub fn parse(state: &State, sql: Option<String>, query: Option<u32>) -> Result<Question, Problem> {
        match (query, sql.filter(|sql| !sql.trim().is_empty())) {
            (Some(id), _) => {
                let id = QueryId(id);
                let found = state.queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
                Ok(Question::saved(found))
            }
            (None, Some(sql)) => Ok(Question { sql, query: None, team: None, action: Action::RunAnyQuery }),
            (None, None) => Err(Problem::invalid("query", "one of query or query_id must be specified")),
        }
    }

    pub fn saved(query: &Query) -> Question {
        let action = if query.spec.observer_can_run { Action::RunObserverQuery } else { Action::RunAnyQuery };
        Question { sql: query.spec.query.clone(), query: Some(query.id), team: query.team, action }
    }

    /// The hosts that the user may ask this. 403 if nowhere.
    pub fn askable(&self, call: &Call) -> Result<Members, Problem> {
        call.may(Action::ReadQueries, self.team)?;
        let roles = &call.user.roles;
        match roles.teams_for(self.action) {
            Some(teams) if teams.is_empty() => Err(Problem::forbidden()),
            _ => Ok(visible(call.state(), roles, self.action)),
        }
    }

    /// The hosts that are asked: those selected that the user may ask. 403 · 400 `no hosts targeted` or unknown labels.
    pub fn targets(&self, call: &Call, selection: &Selection) -> Result<Members, Problem> {
        let state = call.state();
        let askable = self.askable(call)?;
        let unknown: Vec<String> = selection.unknown_labels(state).map(|label| label.to_string()).collect();
        if !unknown.is_empty() {
            return Err(Problem::bad_request(format!("Invalid label id(s): {}.", unknown.join(", "))));
        }
        let targets = selection.resolve(state, &askable, |label| call.app.registry.label_members(label));
        if targets.is_empty() { Err(Problem::bad_request("no hosts targeted")) } else { Ok(targets) }
    }
}
