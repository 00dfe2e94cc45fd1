//! Lists of hosts and their counts.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Roles, Scope};
use domain::{HostId, LabelId, Members, State};
use infra_http::{Body, ListOptions, Params, Problem, SignedIn};
use projections::read::{self, HostFilter, HostOrder, OrderKey, Page, TeamScope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::VIEWS;
use super::filter::{Filter, Status};
use super::shape::{self, Facts};
use crate::App;
use crate::reads::{AsOf, unreadable};
use crate::stream::interval_s;

const DAY: Duration = Duration::from_secs(86_400);
const MISSING_AFTER: Duration = Duration::from_secs(30 * 86_400);
const SEARCH_LIMIT: u64 = 10;

#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    query: Option<String>,
    query_id: Option<u32>,
    #[serde(default)]
    excluded_host_ids: Option<Vec<u32>>,
}

/// `GET ~/hosts` → `{hosts}`; list options, filters, `as_of`. Team roles see their own. 400 · 403 ·
/// 422 unknown order key, or more users than an answer may hold.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let params = Params::parse(request.query_string());
    let filter = Filter::parse(&params)?;
    page(&app, &user, &request, &params, filter).await
}

/// `GET ~/labels/{id}/hosts`, the same for the members of a label; an unknown label is empty.
pub async fn label_hosts(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::parse(request.query_string());
    let filter = Filter { label: Some(LabelId(id.1)), ..Filter::parse(&params)? };
    page(&app, &user, &request, &params, filter).await
}

/// `GET ~/hosts/count` → `{count}`; the filters of the list, and always its length.
pub async fn count(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let params = Params::parse(request.query_string());
    let filter = Filter::parse(&params)?;
    let options = ListOptions::parse(&params)?;
    let as_of = app.reads.as_of(&params, &app.world, VIEWS).await?;
    let filter = narrowed(&app, &user, &filter, options.query.clone(), &as_of)?;
    let count = match filter {
        Some(filter) => read::host_count(&app.reads.views, as_of.at, &filter).await.map_err(unreadable)?,
        None => 0,
    };
    Ok(as_of.answer(&request, json!({"count": count})))
}

/// `POST ~/hosts/search` `{query, query_id?, excluded_host_ids?}` → `{hosts}`, at most ten, highest id first.
pub async fn search(
    app: Data<App>,
    user: SignedIn,
    body: Body<Search>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let Search { query, query_id, excluded_host_ids } = body.0;
    let fold = app.fold().await?;
    if let Some(id) = query_id.filter(|id| fold.state.queries.get(domain::QueryId(*id)).is_none()) {
        return Err(Problem::not_found("Query", id));
    }
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let excluded: Members = excluded_host_ids.unwrap_or_default().into_iter().map(HostId).collect();
    let among = fold.state.hosts.existing().without(&excluded);
    let filter = HostFilter {
        scope: scope(&user.roles, Action::ReadHosts),
        search: query,
        among: Some(among),
        ..HostFilter::default()
    };
    let order = HostOrder { key: OrderKey::Id, descending: true };
    let page = Page { size: Some(SEARCH_LIMIT), ..Page::default() };
    let found = read::host_page(&app.reads.views, as_of.at, &filter, order, &page).await.map_err(unreadable)?;
    let hosts = hosts_of(&app, &fold.state, &as_of, found).await?;
    Ok(as_of.answer(
        &request,
        json!({"hosts": hosts.iter().map(|facts| Value::Object(shape::host(facts))).collect::<Vec<_>>()}),
    ))
}

async fn page(
    app: &App,
    user: &SignedIn,
    request: &HttpRequest,
    params: &Params,
    filter: Filter,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let options = ListOptions::parse(params)?;
    let order = order_of(&options)?;
    let fold = app.fold().await?;
    if filter.team.flatten().is_some_and(|team| fold.state.teams.get(team).is_none()) {
        return Err(Problem::bad_request("team is invalid"));
    }
    let as_of = app.reads.as_of(params, &app.world, VIEWS).await?;
    let Some(narrowed) = narrowed(app, user, &filter, options.query.clone(), &as_of)? else {
        return Ok(as_of.answer(request, json!({"hosts": []})));
    };
    let page = Page { size: Some(options.per_page), number: options.page, after: options.after.clone() };
    let found = read::host_page(&app.reads.views, as_of.at, &narrowed, order, &page).await.map_err(unreadable)?;
    let users = match filter.populate_users {
        true => users_of(app, &as_of, &found).await?,
        false => BTreeMap::new(),
    };
    let mut shown = Vec::with_capacity(found.len());
    for facts in hosts_of(app, &fold.state, &as_of, found).await? {
        let mut host = shape::host(&facts);
        if filter.device_mapping {
            host.insert("device_mapping".to_owned(), Value::Null);
        }
        if filter.populate_labels {
            let labels = labels_of(app, &as_of, HostId(facts.id)).await?;
            host.insert("labels".to_owned(), labels.into());
        }
        if let Some(users) = users.get(&HostId(facts.id)) {
            host.extend(shape::users(users));
        }
        shown.push(Value::Object(host));
    }
    Ok(as_of.answer(request, json!({"hosts": shown})))
}

fn order_of(options: &ListOptions) -> Result<HostOrder, Problem> {
    let Some(name) = &options.order_key else { return Ok(HostOrder::default()) };
    let key =
        OrderKey::parse(name).ok_or_else(|| Problem::invalid("order_key", format!("unknown order key: {name}")))?;
    Ok(HostOrder { key, descending: options.descending })
}

/// What the store can filter by; `None` when nothing can match.
fn narrowed(
    app: &App,
    user: &SignedIn,
    filter: &Filter,
    search: Option<String>,
    as_of: &AsOf,
) -> Result<Option<HostFilter>, Problem> {
    if filter.nothing {
        return Ok(None);
    }
    let among = match filter.status {
        None => None,
        Some(_) if as_of.past.is_some() => {
            return Err(Problem::bad_request("status is known for the present only: leave out status or as_of"));
        }
        Some(status) => Some(status_members(app, &app.ledger.fold().state, status)),
    };
    Ok(Some(HostFilter {
        scope: scope(&user.roles, Action::ReadHosts),
        team: filter.team,
        label: filter.label,
        search,
        os: filter.os.clone(),
        low_disk_gigs: filter.low_disk_space,
        among,
        ..HostFilter::default()
    }))
}

/// The hosts that somebody may see.
pub fn scope(roles: &Roles, action: Action) -> TeamScope {
    roles.teams_for(action).map_or(TeamScope::All, |teams| TeamScope::Teams(teams.into_iter().map(Some).collect()))
}

/// Hosts by presence, now.
pub fn status_members(app: &App, state: &State, status: Status) -> Members {
    let now = app.world.now();
    let hosts = state.hosts.iter().filter(|host| {
        let online = || app.presence.is_online(host, interval_s(state, host), now);
        match status {
            Status::New => now.since(host.created_at) < DAY,
            Status::Online => online(),
            Status::Offline => !online(),
            Status::Missing => now.since(app.presence.calls(host.id).seen.max(host.last_enrolled_at)) >= MISSING_AFTER,
        }
    });
    hosts.map(|host| host.id).collect()
}

/// The labels of a host, as they stand on it.
pub async fn labels_of(app: &App, as_of: &AsOf, host: HostId) -> Result<Vec<Value>, Problem> {
    let labels = read::host_labels(&app.reads.views, as_of.at, host).await.map_err(unreadable)?;
    Ok(labels.iter().map(|label| Value::Object(infra_http::shape::label::bare(label))).collect())
}

/// The users of hosts, of those that told any. 422 when they are more than an answer may hold, never for one host.
pub async fn users_of(
    app: &App,
    as_of: &AsOf,
    rows: &[read::Host],
) -> Result<BTreeMap<HostId, read::HostUsers>, Problem> {
    let ids: Vec<HostId> = rows.iter().map(|row| row.id).collect();
    let users = read::host_users(&app.reads.views, as_of.at, &ids).await.map_err(unreadable)?;
    users.ok_or_else(|| {
        Problem::unprocessable(
            "the users of these hosts are too many for one answer: ask for fewer hosts with per_page",
        )
    })
}

/// Everything that is known of some hosts, in their order. One statement for each thousand.
pub async fn hosts_of(app: &App, state: &State, as_of: &AsOf, rows: Vec<read::Host>) -> Result<Vec<Facts>, Problem> {
    let ids: Vec<HostId> = rows.iter().map(|row| row.id).collect();
    let mut reported: BTreeMap<HostId, read::HostFacts> =
        read::host_facts(&app.reads.views, as_of.at, &ids).await.map_err(unreadable)?;
    let now = app.world.now();
    let facts = rows.into_iter().map(|row| {
        let told = reported.remove(&row.id).unwrap_or_default();
        let team = row.team.map(|id| (id, state.teams.get(id).map(|team| team.name.clone()).unwrap_or_default()));
        let newest = told.reported.values().map(|(since, _)| *since).max();
        let mut os = told.os;
        if os.platform.is_empty() {
            os.platform = row.platform;
        }
        let online =
            state.hosts.get(row.id).is_some_and(|host| app.presence.is_online(host, interval_s(state, host), now));
        Facts {
            id: row.id.0,
            team,
            created_at: row.created_at,
            last_enrolled_at: row.enrolled_at,
            updated_at: newest.unwrap_or(row.created_at),
            identity: told.identity,
            os,
            hardware: told.hardware,
            network: told.network,
            disks: told.disks,
            boot: Some(told.boot),
            intervals: told.intervals,
            calls: app.presence.calls(row.id),
            online,
            past: as_of.past,
        }
    });
    Ok(facts.collect())
}
