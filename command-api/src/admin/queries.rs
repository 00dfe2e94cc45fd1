//! Saved queries. Source: rest-api §11.2.

use domain::query::{Command, Logging, Query, Spec};
use domain::role::{Action, Scope};
use domain::{Event, LabelId, QueryId, State, TeamId};
use infra_http::{Body, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::json;

use crate::admin::Call;
use crate::admin::call::made;
use crate::sql;

/// The fields of a query as requests write them; absent ones stay, or have their defaults in a new query.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    pub name: Option<String>,
    pub description: Option<String>,
    pub query: Option<String>,
    pub platform: Option<String>,
    pub min_osquery_version: Option<String>,
    pub interval: Option<u32>,
    pub automations_enabled: Option<bool>,
    pub logging: Option<String>,
    pub discard_data: Option<bool>,
    pub observer_can_run: Option<bool>,
    /// Names.
    pub labels_include_any: Option<Vec<String>>,
}

impl Fields {
    /// The query with these fields laid over it. Labels are found by the caller.
    ///
    /// 400 for an unknown way of logging.
    pub fn over(self, held: Spec, labels: Option<Vec<LabelId>>) -> Result<Spec, Problem> {
        let logging = match self.logging {
            None => held.logging,
            Some(text) => Logging::parse(&text).ok_or_else(|| {
                let known = "'snapshot', 'differential', 'differential_ignore_removals'";
                Problem::bad_request(format!(
                    "query payload verification: invalid logging value, must be one of {known}"
                ))
            })?,
        };
        Ok(Spec {
            name: self.name.map_or(held.name, |name| name.trim().to_owned()),
            description: self.description.unwrap_or(held.description),
            query: self.query.unwrap_or(held.query),
            platform: self.platform.unwrap_or(held.platform),
            min_osquery_version: self.min_osquery_version.unwrap_or(held.min_osquery_version),
            interval: self.interval.unwrap_or(held.interval),
            automations_enabled: self.automations_enabled.unwrap_or(held.automations_enabled),
            logging,
            discard_data: self.discard_data.unwrap_or(held.discard_data),
            observer_can_run: self.observer_can_run.unwrap_or(held.observer_can_run),
            labels_include_any: labels.unwrap_or(held.labels_include_any),
        })
    }
}

#[derive(Deserialize)]
pub struct CreateQuery {
    team_id: Option<u32>,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST ~/queries` → `{query}`. Team 0 or none is global.
///
/// 400 `query payload verification: …` · 409 for a name that is taken in that scope · 422 for an unknown team or label.
pub async fn create(call: Call, body: Body<CreateQuery>) -> Result<Reply, Problem> {
    let CreateQuery { team_id, mut fields } = body.0;
    let team = team_id.filter(|id| *id != 0).map(TeamId);
    call.may(Action::WriteQueries, Scope::from(team))?;
    let labels = fields.labels_include_any.take().map(|names| labels(call.state(), &names)).transpose()?;
    let spec = fields.over(Spec::default(), labels)?;
    sql::check(&call.app, &spec.query)?;
    let executed = call.execute(Command::Create { team, spec, author: Some(call.user.user) }).await?;
    let id = made(&executed, |event| match event {
        Event::QueryCreated(created) => Some(created.query),
        _ => None,
    })?;
    shown(&call, &executed.fold.state, id)
}

/// Every label by name; 422 names the first that does not exist.
pub fn labels(state: &State, names: &[String]) -> Result<Vec<LabelId>, Problem> {
    let find = |name: &String| {
        let found = state.labels.by_name(name).map(|label| label.id);
        found.ok_or_else(|| Problem::invalid("labels_include_any", format!("label {name:?} not found")))
    };
    names.iter().map(find).collect()
}

/// `PATCH ~/queries/{id}` → `{query}`; unknown labels are passed over.
pub async fn change(call: Call, body: Body<Fields>) -> Result<Reply, Problem> {
    let (held, mut fields) = (find(&call, call.id("Query")?)?, body.0);
    let known = |name: &String| call.state().labels.by_name(name).map(|label| label.id);
    let labels = fields.labels_include_any.take().map(|names| names.iter().filter_map(known).collect());
    let (query, spec) = (held.id, fields.over(held.spec.clone(), labels)?);
    if spec.query != held.spec.query {
        sql::check(&call.app, &spec.query)?;
    }
    let executed = call.execute(Command::Change { query, spec }).await?;
    shown(&call, &executed.fold.state, query)
}

/// `DELETE ~/queries/id/{id}` → `{}`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let query = find(&call, call.id("Query")?)?.id;
    call.execute(Command::Delete { queries: vec![query] }).await?;
    Ok(Reply::done())
}

/// `DELETE ~/queries/{name}` → `{}`; global queries alone.
pub async fn delete_named(call: Call) -> Result<Reply, Problem> {
    call.may(Action::WriteQueries, Scope::Global)?;
    let name = call.name();
    let found = call.state().queries.by_name(None, name).ok_or_else(|| Problem::not_found("Query", name))?;
    call.execute(Command::Delete { queries: vec![found.id] }).await?;
    Ok(Reply::done())
}

#[derive(Deserialize)]
pub struct DeleteMany {
    #[serde(default)]
    ids: Vec<QueryId>,
}

/// `POST ~/queries/delete` `{ids}` → `{deleted}`; all of them or, with an unknown one, none (404).
pub async fn delete_many(call: Call, body: Body<DeleteMany>) -> Result<Reply, Problem> {
    call.may(Action::WriteQueries, Scope::Any)?;
    let mut ids = body.0.ids;
    ids.sort();
    ids.dedup();
    for id in &ids {
        find(&call, *id)?;
    }
    if !ids.is_empty() {
        call.execute(Command::Delete { queries: ids.clone() }).await?;
    }
    Ok(Reply::ok(json!({"deleted": ids.len()})))
}

/// The query, if the caller may write it.
fn find(call: &Call, id: QueryId) -> Result<&Query, Problem> {
    call.may(Action::WriteQueries, Scope::Any)?;
    let found = call.state().queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
    call.may(Action::WriteQueries, Scope::from(found.team))?;
    Ok(found)
}

fn shown(call: &Call, state: &State, id: QueryId) -> Result<Reply, Problem> {
    let query = state.queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
    Ok(Reply::ok(json!({"query": shape::query::query(state, &call.app.vault, query)})))
}
