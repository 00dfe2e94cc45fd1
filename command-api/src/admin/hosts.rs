//! What admins do to hosts. Source: rest-api §9.1.

use domain::host::Command;
use domain::role::{Action, Scope};
use domain::targets::visible;
use domain::{HostId, Members, TeamId};
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::admin::Call;
use crate::admin::host_filter::HostFilter;

/// `DELETE ~/hosts/{id}` → `{}`. 404 for an unknown one.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let host = call.id("Host")?;
    may(&call, Action::WriteHosts, host)?;
    call.execute(Command::Delete { hosts: [host].into_iter().collect() }).await?;
    Ok(Reply::done())
}

#[derive(Deserialize)]
pub struct DeleteMany {
    ids: Option<Vec<HostId>>,
    filters: Option<Map<String, Value>>,
}

/// `POST ~/hosts/delete` `{ids}` or `{filters}` → `{}`; empty filters mean all. 400 for both, neither and bad filters ·
/// 404 for an unknown id · 403 for a host that the caller may not write.
pub async fn delete_many(call: Call, body: Body<DeleteMany>) -> Result<Reply, Problem> {
    let ids = body.0.ids.filter(|ids| !ids.is_empty());
    let hosts = match (ids, body.0.filters) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("Cannot specify a list of ids and filters at the same time"));
        }
        (None, None) => return Err(Problem::bad_request("list of ids or filters must be specified")),
        (Some(ids), None) => ids.into_iter().collect(),
        (None, Some(filters)) => filtered(&call, Action::WriteHosts, &filters)?,
    };
    may_all(&call, Action::WriteHosts, &hosts)?;
    call.execute(Command::Delete { hosts }).await?;
    Ok(Reply::done())
}

#[derive(Deserialize)]
pub struct Transfer {
    team_id: Option<u32>,
    #[serde(default)]
    hosts: Option<Vec<HostId>>,
}

/// `POST ~/hosts/transfer` `{team_id: int|null, hosts}` → `{}`; unknown hosts are passed over.
///
/// 403 without the right in both teams · 422 for an unknown team.
pub async fn transfer(call: Call, body: Body<Transfer>) -> Result<Reply, Problem> {
    let Transfer { team_id, hosts } = body.0;
    let hosts: Members = hosts.unwrap_or_default().into_iter().collect();
    move_to(&call, team_id, hosts.and(call.state().hosts.existing())).await
}

#[derive(Deserialize)]
pub struct TransferFiltered {
    team_id: Option<u32>,
    filters: Option<Map<String, Value>>,
}

/// `POST ~/hosts/transfer/filter` `{team_id: int|null, filters}` → `{}`.
pub async fn transfer_filtered(call: Call, body: Body<TransferFiltered>) -> Result<Reply, Problem> {
    let filters = body.0.filters.ok_or_else(|| Problem::bad_request("filters must be specified"))?;
    let hosts = filtered(&call, Action::TransferHosts, &filters)?;
    if hosts.is_empty() {
        return Ok(Reply::done());
    }
    move_to(&call, body.0.team_id, hosts).await
}

async fn move_to(call: &Call, team: Option<u32>, hosts: Members) -> Result<Reply, Problem> {
    let team = team.filter(|id| *id != 0).map(TeamId);
    call.may(Action::TransferHosts, Scope::Any)?;
    let known = team.is_none_or(|team| call.state().teams.get(team).is_some());
    if known && !hosts.is_empty() {
        call.may(Action::TransferHosts, Scope::from(team))?;
    }
    may_all(call, Action::TransferHosts, &hosts)?;
    call.execute(Command::Transfer { hosts, team }).await?;
    Ok(Reply::done())
}

/// `POST ~/hosts/{id}/refetch` → `{}`: the host is asked for its details at its next call.
pub async fn refetch(call: Call) -> Result<Reply, Problem> {
    let host = call.id("Host")?;
    may(&call, Action::RefetchHosts, host)?;
    let wish = call.app.registry.wish_refetch(&[host].into_iter().collect()).await;
    wish.map_err(|failed| Problem::unavailable("the log cannot be written, nothing was recorded", failed))?;
    Ok(Reply::done())
}

/// What a filter means to the caller: of the hosts that they see, or may do this to. 403 for those who can neither.
fn filtered(call: &Call, action: Action, filters: &Map<String, Value>) -> Result<Members, Problem> {
    let filter = HostFilter::parse(filters)?;
    call.may(Action::ReadHosts, Scope::Any).or_else(|_| call.may(action, Scope::Any))?;
    let roles = &call.user.roles;
    let seen = visible(call.state(), roles, Action::ReadHosts).or(&visible(call.state(), roles, action));
    Ok(filter.hosts(call, seen))
}

/// 403 unless the caller may do this to the host; 404 if it does not exist, for whoever may do it to some host.
pub fn may(call: &Call, action: Action, host: HostId) -> Result<(), Problem> {
    call.may(action, Scope::Any)?;
    let found = call.state().hosts.get(host).ok_or_else(|| Problem::not_found("Host", host))?;
    call.may(action, Scope::from(found.team))
}

/// The same for many; those that do not exist are the command's business.
fn may_all(call: &Call, action: Action, hosts: &Members) -> Result<(), Problem> {
    let existing = hosts.and(call.state().hosts.existing());
    if !existing.without(&visible(call.state(), &call.user.roles, action)).is_empty() {
        return Err(Problem::forbidden());
    }
    if hosts.is_empty() { Ok(()) } else { call.may(action, Scope::Any) }
}
