//! What a target picker shows: hosts, labels and teams to choose from, and how many hosts a choice reaches.
//!
//! Source: rest-api §14.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Scope};
use domain::targets::{Selection, visible};
use domain::{HostId, LabelId, Members, QueryId, State, TeamId};
use infra_http::{Body, Params, Problem, SignedIn, shape};
use projections::read::{self, HostFilter, HostOrder, OrderKey, Page, TeamScope};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::hosts::{Status, VIEWS, host_shape, hosts_of, scope, status_members};
use crate::reads::{AsOf, unreadable};

const HOSTS: u64 = 10;

#[derive(Deserialize)]
pub struct Request {
    #[serde(default)]
    query: Option<String>,
    query_id: Option<u32>,
    #[serde(default)]
    selected: Option<Selected>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Selected {
    hosts: Option<Vec<u32>>,
    labels: Option<Vec<u32>>,
    teams: Option<Vec<u32>>,
}

/// `POST ~/targets` `{query?, query_id?, selected}` → `{targets: {hosts, labels, teams}, targets_count, targets_online, …}`.
///
/// At most ten hosts, without those selected already; labels and teams by name, "All Hosts" always. 403 · 404.
pub async fn pick(
    app: Data<App>,
    user: SignedIn,
    body: Body<Request>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadTargets, Scope::Any)?;
    let fold = app.fold().await?;
    let state = &fold.state;
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let selection = selection(body.0.selected.unwrap_or_default());
    let action = action(state, body.0.query_id)?;
    let text = body.0.query.unwrap_or_default().trim().to_lowercase();

    let among = visible(state, &user.roles, action).without(&selection.hosts);
    let filter = HostFilter {
        scope: TeamScope::All,
        search: Some(text.clone()).filter(|text| !text.is_empty()),
        among: Some(among),
        ..HostFilter::default()
    };
    let order = HostOrder { key: OrderKey::Id, descending: true };
    let page = Page { size: Some(HOSTS), ..Page::default() };
    let found = read::host_page(&app.reads.views, as_of.at, &filter, order, &page).await.map_err(unreadable)?;
    let hosts = hosts_of(&app, state, &as_of, found).await?;
    let hosts: Vec<Value> = hosts.iter().map(|facts| Value::Object(host_shape(facts))).collect();

    let matches = |name: &str| name.to_lowercase().contains(&text);
    let counts = read::label_counts(&app.reads.views, as_of.at, &scope(&user.roles, Action::ReadTargets))
        .await
        .map_err(unreadable)?;
    let labels = state.labels.iter().filter(|label| matches(&label.name) || label.name == domain::label::ALL_HOSTS);
    let labels: Vec<Value> = labels
        .map(|label| {
            let mut shown = shape::label::label(label, &Members::default());
            shown["count"] = json!(counts.get(&label.id).copied().unwrap_or(0));
            shown
        })
        .collect();
    let allowed = user.roles.teams_for(action);
    let teams = state
        .teams
        .iter()
        .filter(|team| matches(&team.name) && allowed.as_ref().is_none_or(|ids| ids.contains(&team.id)));
    let teams: Vec<Value> = teams
        .map(|team| {
            let mut shown = shape::team::team(state, &app.vault, team, &user.roles);
            shown["count"] = json!(state.hosts.of_team(Some(team.id)).len());
            shown["display_text"] = json!(team.name);
            shown
        })
        .collect();
    let mut answer = counted(&app, &user, state, &as_of, &selection, action).await?;
    answer["targets"] = json!({"hosts": hosts, "labels": labels, "teams": teams});
    Ok(as_of.answer(&request, answer))
}

/// `POST ~/targets/count` `{query_id?, selected}` → `{targets_count, targets_online, targets_offline}`.
pub async fn count(
    app: Data<App>,
    user: SignedIn,
    body: Body<Request>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadTargets, Scope::Any)?;
    let fold = app.fold().await?;
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let action = action(&fold.state, body.0.query_id)?;
    let selection = selection(body.0.selected.unwrap_or_default());
    let mut answer = counted(&app, &user, &fold.state, &as_of, &selection, action).await?;
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("targets_missing_in_action");
    }
    Ok(as_of.answer(&request, answer))
}

/// The right that the query needs: one that observers can run needs less.
fn action(state: &State, query: Option<u32>) -> Result<Action, Problem> {
    let Some(id) = query.map(QueryId) else { return Ok(Action::ReadTargets) };
    let query = state.queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
    Ok(if query.spec.observer_can_run { Action::RunObserverQuery } else { Action::RunAnyQuery })
}

fn selection(selected: Selected) -> Selection {
    Selection {
        hosts: selected.hosts.unwrap_or_default().into_iter().map(HostId).collect(),
        labels: selected.labels.unwrap_or_default().into_iter().map(LabelId).collect(),
        teams: selected.teams.unwrap_or_default().into_iter().map(|team| (team != 0).then_some(TeamId(team))).collect(),
    }
}

async fn counted(
    app: &App,
    user: &SignedIn,
    state: &State,
    as_of: &AsOf,
    selection: &Selection,
    action: Action,
) -> Result<Value, Problem> {
    let mut members = std::collections::BTreeMap::new();
    for label in &selection.labels {
        let hosts = read::label_hosts(&app.reads.views, as_of.at, &TeamScope::All, *label).await.map_err(unreadable)?;
        members.insert(*label, hosts);
    }
    let seen = visible(state, &user.roles, action);
    let targets = selection.resolve(state, &seen, |label| members.get(&label).cloned().unwrap_or_default());
    let count = |status| status_members(app, state, status).and(&targets).len();
    let online = count(Status::Online);
    Ok(json!({
        "targets_count": targets.len(),
        "targets_online": online,
        "targets_offline": targets.len() - online,
        "targets_missing_in_action": count(Status::Missing),
    }))
}
