//! Labels as documents, made or changed by name. Source: rest-api §10, `POST spec/labels`.

use domain::Command;
use domain::label::{self, Membership};
use domain::role::{Action, Scope};
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;

use crate::admin::{Call, hosts_named};
use crate::sql;

#[derive(Deserialize)]
pub struct Specs {
    #[serde(default)]
    specs: Option<Vec<Spec>>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    platform: String,
    label_type: Option<Kind>,
    #[serde(default)]
    label_membership_type: Option<Way>,
    hosts: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Regular,
    Builtin,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Dynamic,
    Manual,
}

/// `POST ~/spec/labels` `{specs: [LabelSpec]}` → `{}`; all of them or none.
///
/// 400 for a bad membership type · 422 for no name, a changed built-in label, a dynamic one with hosts.
pub async fn apply(call: Call, body: Body<Specs>) -> Result<Reply, Problem> {
    call.may(Action::WriteLabels, Scope::Global)?;
    let specs = body.0.specs.unwrap_or_default();
    let commands = specs.into_iter().map(|spec| command(&call, spec)).collect::<Result<Vec<_>, _>>()?;
    if !commands.is_empty() {
        call.execute(Command::Together(commands)).await.map_err(|problem| match problem.status().as_u16() {
            422 => Problem::unprocessable(problem.reason()),
            _ => problem,
        })?;
    }
    Ok(Reply::done())
}

fn command(call: &Call, spec: Spec) -> Result<Command, Problem> {
    let held = call.state().labels.by_name(&spec.name);
    let is_builtin = held.is_some_and(|label| label.builtin);
    if spec.name.trim().is_empty() {
        return Err(Problem::unprocessable("label name cannot be empty"));
    }
    if spec.label_type == Some(Kind::Builtin) && !is_builtin {
        return Err(Problem::unprocessable("cannot modify or add built-in labels"));
    }
    let membership = match spec.label_membership_type {
        Some(Way::Manual) => Membership::Manual,
        _ => Membership::Dynamic,
    };
    if membership == Membership::Dynamic && spec.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()) {
        return Err(Problem::unprocessable(format!(
            "label {} is declared as dynamic but contains `hosts` key",
            spec.name
        )));
    }
    sql::check(&call.app, &spec.query).map_err(|problem| Problem::unprocessable(problem.reason()))?;
    let members = spec.hosts.filter(|_| membership == Membership::Manual && !is_builtin);
    let apply = label::Command::Apply {
        members: members.map(|names| hosts_named(&call.app, &names)),
        name: spec.name,
        description: spec.description,
        query: spec.query,
        platform: spec.platform,
        membership,
        author: Some(call.user.user),
    };
    Ok(apply.into())
}
