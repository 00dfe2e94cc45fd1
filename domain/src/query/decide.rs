//! The rules of saved queries.

use std::collections::BTreeSet;

use super::{Changed, Created, Deleted, Queries, Query, Spec};
use crate::state::State;
use crate::{Event, QueryId, Refusal, TeamId, Timestamp, UserId};

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
                check(spec, *team, None, state)?;
                let created =
                    Created { query: QueryId(queries.newest + 1), team: *team, spec: spec.clone(), author: *author };
                Ok(vec![created.into()])
            }
            Command::Change { query, spec } => {
                let held = find(queries, *query)?;
                check(spec, held.team, Some(*query), state)?;
                Ok(if held.spec == *spec { vec![] } else { vec![Changed { query: *query, spec: spec.clone() }.into()] })
            }
            Command::Delete { queries: ids } => {
                // Named twice, it is deleted once.
                let ids: BTreeSet<QueryId> = ids.iter().copied().collect();
                ids.into_iter().map(|id| find(queries, id).map(|_| Deleted { query: id }.into())).collect()
            }
        }
    }
}

fn find(queries: &Queries, id: QueryId) -> Result<&Query, Refusal> {
    queries.get(id).ok_or_else(|| Refusal::not_found("Query", id))
}

/// `own` is the query that may hold the name already.
fn check(spec: &Spec, team: Option<TeamId>, own: Option<QueryId>, state: &State) -> Result<(), Refusal> {
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
    match state.queries.by_name(team, &spec.name) {
        Some(holder) if Some(holder.id) != own => Err(Refusal::taken("Query", spec.name.clone())),
        _ => Ok(()),
    }
}
