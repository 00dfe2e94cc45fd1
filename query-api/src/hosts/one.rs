//! One host, and its past.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::HostId;
use domain::role::{Action, Scope};
use infra_http::{Params, Problem, SignedIn};
use projections::read;
use serde_json::json;

use super::list::{hosts_of, labels_of, scope, users_of};
use super::{VIEWS, shape};
use crate::App;
use crate::reads::{AsOf, unreadable};

/// How many periods of a history are told at most.
const PERIODS: u64 = 10_000;

/// `GET ~/hosts/{id}` → `{host}`; `as_of`. 403 without any host to see · 404 also for a host of another team.
pub async fn by_id(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let as_of = app.reads.as_of(&Params::parse(request.query_string()), &app.world, VIEWS).await?;
    let found = find(&app, &user, &as_of, HostId(id.1)).await?;
    detail(&app, &as_of, found, &request).await
}

/// `GET ~/hosts/identifier/{identifier}` → `{host}`, by hostname, osquery's identifier, UUID or serial. 404.
pub async fn by_identifier(
    app: Data<App>,
    user: SignedIn,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::FindHost, Scope::Any)?;
    let as_of = app.reads.as_of(&Params::parse(request.query_string()), &app.world, VIEWS).await?;
    let scope = scope(&user.roles, Action::FindHost);
    let ids = read::host_find(&app.reads.views, as_of.at, &scope, &path.1).await.map_err(unreadable)?;
    let Some(id) = ids.first() else { return Err(Problem::not_found("Host", &path.1)) };
    let found = read::host_one(&app.reads.views, as_of.at, &scope, *id).await.map_err(unreadable)?;
    let found = found.ok_or_else(|| Problem::not_found("Host", &path.1))?;
    detail(&app, &as_of, found, &request).await
}

/// `GET /api/muster/v1/hosts/{id}/history` → `{history: [{section, since, until, data}], more}`, newest first.
///
/// `more` says that older ones were left out, beyond ten thousand or 8 MiB.
///
/// A long inventory (more than 16 KiB of users) is told in sixteen parts, each with its number as `part` in `data`, which
/// change apart; one without a number is the whole. What all of them hold at a time is the inventory.
/// `section` picks one; 400 for one that there is not. A deleted host keeps its history for those who may see all hosts;
/// team roles see the time that it spent in their teams.
pub async fn history(
    app: Data<App>,
    user: SignedIn,
    id: Path<u32>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadHosts, Scope::Any)?;
    let params = Params::parse(request.query_string());
    let section = params.text("section");
    let known = domain::records::Section::NAMES;
    if let Some(wrong) = section.filter(|section| !known.contains(section)) {
        return Err(Problem::bad_request(format!("section {wrong:?} is none of {}", known.join(", "))));
    }
    let id = HostId(*id);
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let scope = scope(&user.roles, Action::ReadHosts);
    let newest = app.ledger.fold().state.hosts.newest();
    if !(scope == read::TeamScope::All && (1..=newest).contains(&id.0)) {
        find(&app, &user, &as_of, id).await?;
    }
    let told = read::host_history(&app.reads.views, &scope, id, section, PERIODS).await.map_err(unreadable)?;
    let shown = |period: &read::SectionPeriod| {
        json!({
            "section": period.section,
            "since": period.since.to_rfc3339(),
            "until": period.until.map(|until| until.to_rfc3339()),
            "data": period.data,
        })
    };
    let history: Vec<_> = told.rows.iter().map(shown).collect();
    Ok(as_of.answer(&request, json!({"history": history, "more": told.more})))
}

async fn find(app: &App, user: &SignedIn, as_of: &AsOf, id: HostId) -> Result<read::Host, Problem> {
    let scope = scope(&user.roles, Action::ReadHosts);
    let found = read::host_one(&app.reads.views, as_of.at, &scope, id).await.map_err(unreadable)?;
    found.ok_or_else(|| Problem::not_found("Host", id))
}

async fn detail(app: &App, as_of: &AsOf, found: read::Host, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let labels = labels_of(app, as_of, found.id).await?;
    let state = &app.ledger.fold().state;
    let users = users_of(app, as_of, std::slice::from_ref(&found)).await?.into_values().next();
    let facts = hosts_of(app, state, as_of, vec![found]).await?;
    let Some(facts) = facts.first() else { return Err(Problem::failure("a host was lost between two statements")) };
    Ok(as_of.answer(request, json!({"host": shape::detail(facts, labels, users.as_ref())})))
}
