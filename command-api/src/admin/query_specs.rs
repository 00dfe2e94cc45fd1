//! Queries as documents, made or changed by team and name. Source: rest-api §11.2, `POST spec/queries`.

use domain::query::{self, Spec};
use domain::role::{Action, Scope};
use domain::{Command, QueryId, TeamId};
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;

use crate::admin::Call;
use crate::admin::queries::{Fields, labels};
use crate::sql;

#[derive(Deserialize)]
pub struct Specs {
    #[serde(default)]
    specs: Option<Vec<QuerySpec>>,
}

#[derive(Deserialize)]
struct QuerySpec {
    #[serde(default)]
    team: Option<String>,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST ~/spec/queries` `{specs: [QuerySpec]}` → `{}`; all of them or none. Of two with one name the last counts.
///
/// 400 `query payload verification: …` · 404 for an unknown team · 422 for an unknown label.
pub async fn apply(call: Call, body: Body<Specs>) -> Result<Reply, Problem> {
    call.may(Action::WriteQueries, Scope::Any)?;
    let mut wanted: Vec<(Option<TeamId>, Spec)> = vec![];
    for QuerySpec { team, mut fields } in body.0.specs.unwrap_or_default() {
        let team = find_team(&call, team.as_deref().unwrap_or_default())?;
        call.may(Action::WriteQueries, Scope::from(team))?;
        let labels = labels(call.state(), &fields.labels_include_any.take().unwrap_or_default())?;
        // A document says all there is: what it leaves out has its default.
        let spec = fields.over(Spec::default(), Some(labels))?;
        sql::check(&call.app, &spec.query)?;
        wanted.retain(|(other, held)| (*other, &held.name) != (team, &spec.name));
        wanted.push((team, spec));
    }
    let commands: Vec<Command> = wanted.into_iter().map(|(team, spec)| command(&call, team, spec)).collect();
    if !commands.is_empty() {
        call.execute(Command::Together(commands)).await?;
    }
    Ok(Reply::done())
}

fn command(call: &Call, team: Option<TeamId>, spec: Spec) -> Command {
    let held: Option<QueryId> = call.state().queries.by_name(team, &spec.name).map(|query| query.id);
    match held {
        Some(query) => query::Command::Change { query, spec }.into(),
        None => query::Command::Create { team, spec, author: Some(call.user.user) }.into(),
    }
}

/// A team by name; blank is none.
fn find_team(call: &Call, name: &str) -> Result<Option<TeamId>, Problem> {
    if name.trim().is_empty() {
        return Ok(None);
    }
    let found = call.state().teams.by_name(name).map(|team| Some(team.id));
    found.ok_or_else(|| Problem::not_found("Team", name))
}
