//! Labels. Source: rest-api §10.

use domain::label::{Command, Label, Membership};
use domain::role::{Action, Scope};
use domain::targets::visible;
use domain::{Event, HostId, LabelId, Members, State};
use infra_http::{Body, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::call::made;
use crate::admin::{Call, hosts_named};
use crate::sql;

#[derive(Deserialize)]
pub struct CreateLabel {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    platform: String,
    hosts: Option<Vec<String>>,
    host_ids: Option<Vec<HostId>>,
}

/// `POST ~/labels` → `{label}`; dynamic with a `query`, manual with `hosts` or `host_ids` or with none of them.
///
/// 409 for a name that is taken · 422 for a missing name, one of a built-in label, or a query together with hosts.
pub async fn create(call: Call, body: Body<CreateLabel>) -> Result<Reply, Problem> {
    call.may(Action::WriteLabels, Scope::Global)?;
    let request = body.0;
    let dynamic = !request.query.trim().is_empty();
    if dynamic && (request.hosts.is_some() || request.host_ids.is_some()) {
        return Err(Problem::invalid(
            "query",
            "only one of either \"query\" or \"hosts/host_ids\" can be included in the request",
        ));
    }
    sql::check(&call.app, &request.query)?;
    let members = members(&call, request.hosts.as_deref(), request.host_ids)?;
    let command = Command::Create {
        name: request.name.trim().to_owned(),
        description: request.description,
        query: request.query,
        platform: request.platform,
        membership: if dynamic { Membership::Dynamic } else { Membership::Manual },
        members: members.unwrap_or_default(),
        author: Some(call.user.user),
    };
    let executed = call.execute(command).await?;
    let id = made(&executed, |event| match event {
        Event::LabelCreated(created) => Some(created.label),
        _ => None,
    })?;
    shown(&call, &executed.fold.state, id)
}

#[derive(Deserialize)]
pub struct ChangeLabel {
    name: Option<String>,
    description: Option<String>,
    hosts: Option<Vec<String>>,
    host_ids: Option<Vec<HostId>>,
}

/// `PATCH ~/labels/{id}` `{name?, description?, hosts?|host_ids?}` → `{label}`; query and platform never change.
pub async fn change(call: Call, body: Body<ChangeLabel>) -> Result<Reply, Problem> {
    call.may(Action::WriteLabels, Scope::Global)?;
    let (label, request) = (call.id("Label")?, body.0);
    let members = members(&call, request.hosts.as_deref(), request.host_ids)?;
    let name = request.name.map(|name| name.trim().to_owned());
    let executed = call.execute(Command::Change { label, name, description: request.description, members }).await?;
    shown(&call, &executed.fold.state, label)
}

/// `DELETE ~/labels/id/{id}` → `{}`. 422 for a built-in one.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.may(Action::WriteLabels, Scope::Global)?;
    let label = call.id("Label")?;
    call.execute(Command::Delete { label }).await?;
    Ok(Reply::done())
}

/// `DELETE ~/labels/{name}` → `{}`.
pub async fn delete_named(call: Call) -> Result<Reply, Problem> {
    call.may(Action::WriteLabels, Scope::Global)?;
    let name = call.name();
    let found = call.state().labels.by_name(name).ok_or_else(|| Problem::not_found("Label", name))?;
    if found.builtin {
        return Err(Problem::invalid("name", "a built-in label cannot be deleted"));
    }
    call.execute(Command::Delete { label: found.id }).await?;
    Ok(Reply::done())
}

/// The hosts that a request names one way or the other; unknown ones are passed over, 422 for both ways at once.
fn members(call: &Call, named: Option<&[String]>, ids: Option<Vec<HostId>>) -> Result<Option<Members>, Problem> {
    match (named, ids) {
        (Some(_), Some(_)) => Err(Problem::invalid(
            "hosts",
            "only one of either \"hosts\" or \"host_ids\" can be included in the request",
        )),
        (Some(names), None) => Ok(Some(hosts_named(&call.app, names))),
        (None, ids) => Ok(ids.map(|ids| ids.into_iter().collect())),
    }
}

fn shown(call: &Call, state: &State, id: LabelId) -> Result<Reply, Problem> {
    let label = state.labels.get(id).ok_or_else(|| Problem::not_found("Label", id))?;
    Ok(Reply::ok(json!({"label": with_members(call, state, label)})))
}

fn with_members(call: &Call, state: &State, label: &Label) -> Value {
    let members = call.app.registry.label_members(label.id);
    shape::label::detail(label, &members.and(&visible(state, &call.user.roles, Action::ReadHosts)))
}
