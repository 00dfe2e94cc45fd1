//! Labels that admins put on a host by hand. Source: rest-api §9.1.

use domain::label::{self, Label, Membership};
use domain::role::Action;
use domain::{Command, HostId, Members};
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;

use crate::admin::{Call, hosts};

#[derive(Deserialize)]
pub struct Labels {
    #[serde(default)]
    labels: Vec<String>,
}

/// `POST ~/hosts/{id}/labels` `{labels: [name]}` → `{}`. 400 for dynamic and unknown ones · 404 for an unknown host.
pub async fn add(call: Call, body: Body<Labels>) -> Result<Reply, Problem> {
    change(call, body.0, "add", |label, host| label::Command::Members { label, join: host, leave: Members::default() })
        .await
}

/// `DELETE ~/hosts/{id}/labels`, the same way.
pub async fn remove(call: Call, body: Body<Labels>) -> Result<Reply, Problem> {
    let leave = |label, host| label::Command::Members { label, join: Members::default(), leave: host };
    change(call, body.0, "remove", leave).await
}

async fn change(
    call: Call,
    request: Labels,
    verb: &str,
    command: impl Fn(domain::LabelId, Members) -> label::Command,
) -> Result<Reply, Problem> {
    let host: HostId = call.id("Host")?;
    hosts::may(&call, Action::LabelHosts, host)?;
    let labels = chosen(&call, &request.labels, verb)?;
    let host: Members = [host].into_iter().collect();
    let commands: Vec<Command> = labels.iter().map(|label| command(label.id, host.clone()).into()).collect();
    if !commands.is_empty() {
        call.execute(Command::Together(commands)).await?;
    }
    Ok(Reply::done())
}

/// The labels of these names, blank ones left out.
fn chosen<'a>(call: &'a Call, names: &[String], verb: &str) -> Result<Vec<&'a Label>, Problem> {
    let names: Vec<&String> = names.iter().filter(|name| !name.trim().is_empty()).collect();
    let find = |name: &&&String| call.state().labels.by_name(name);
    let quoted = |names: Vec<&&String>| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let unknown: Vec<&&String> = names.iter().filter(|name| find(name).is_none()).collect();
    if !unknown.is_empty() {
        let text = format!("Couldn't {verb} labels. Labels not found: {}. All labels must exist.", quoted(unknown));
        return Err(Problem::bad_request(text));
    }
    let is_dynamic =
        |name: &&&String| find(name).is_some_and(|label| label.membership == Membership::Dynamic || label.builtin);
    let dynamic: Vec<&&String> = names.iter().filter(is_dynamic).collect();
    if !dynamic.is_empty() {
        let text = format!(
            "Couldn't {verb} labels. Labels are dynamic: {}. Dynamic labels can not be assigned to hosts manually.",
            quoted(dynamic)
        );
        return Err(Problem::bad_request(text));
    }
    Ok(names.iter().filter_map(|name| find(&name)).collect())
}
