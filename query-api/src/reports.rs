//! The latest results of scheduled queries. Source: rest-api §11.5.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Scope};
use domain::{HostId, QueryId};
use infra_http::{Params, Problem, SignedIn};
use projections::budget::Budget;
use projections::read::{self, LatestResult};
use projections::view;
use serde_json::{Value, json};

use crate::App;
use crate::hosts::scope;
use crate::reads::unreadable;

const VIEWS: &[&str] = &[view::RESULTS, view::HOSTS, view::FACTS];
const BATCH: u64 = 500;
/// Bytes of rows, read, in the report of a query. The hosts that do not fit are left out, and the report is clipped.
const REPORT_BYTES: usize = 16 << 20;

/// What a row is charged beside its text: it is shown as an object of its own with the host's name.
const SHOWN_ROW_BYTES: usize = 1024;

/// `GET ~/queries/{id}/report` → `{query_id, results: [{host_id, host_name, last_fetched, columns}], report_clipped}`.
///
/// `team_id` narrows the hosts. `report_clipped` also when there is more than [`REPORT_BYTES`]: `team_id`, and the
/// report of one host, show what was left out. Team roles see what arrived since a host came to their teams.
/// 403 · 404 unknown query.
pub async fn of_query(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadReports, Scope::Any)?;
    let id = QueryId(id.1);
    let params = Params::parse(request.query_string());
    let team: Option<u32> = params.number("team_id", |text| format!("Invalid team_id: {text}"))?;
    let fold = app.fold().await?;
    let query = fold.state.queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let team = team.map(|team| (team != 0).then_some(domain::TeamId(team)));
    let filter = read::HostFilter { scope: scope(&user.roles, Action::ReadReports), team, ..Default::default() };
    let arrivals = app.reads.arrivals(&filter.scope).await.map_err(unreadable)?;
    let visible = read::host_ids(&app.reads.views, as_of.at, &filter).await.map_err(unreadable)?;
    let seen = |one: &&LatestResult| visible.contains(one.host) && arrivals.there(one.host, one.recorded);
    let (mut results, mut clipped, mut after) = (Vec::new(), false, None);
    let mut room = Budget::new(REPORT_BYTES);
    'report: loop {
        let page =
            read::result_page(&app.reads.views, id, query.results_since, after, BATCH).await.map_err(unreadable)?;
        let shown: Vec<&LatestResult> = page.rows.iter().filter(seen).collect();
        let hosts: Vec<HostId> = shown.iter().map(|one| one.host).collect();
        let names = app.reads.names(&hosts).await.map_err(unreadable)?;
        for (one, name) in shown.into_iter().zip(names) {
            if !room.takes(one.bytes + one.rows.len() * SHOWN_ROW_BYTES) {
                clipped = true;
                break 'report;
            }
            clipped |= one.cut;
            results.extend(one.rows.iter().map(|row| {
                json!({
                    "host_id": one.host,
                    "host_name": name.display_name,
                    "last_fetched": one.recorded.to_rfc3339_secs(),
                    "columns": row,
                })
            }));
        }
        after = page.rows.last().map(|one| one.host);
        if !page.more {
            break;
        }
    }
    Ok(as_of.answer(&request, json!({"query_id": id, "results": results, "report_clipped": clipped})))
}

/// `GET ~/hosts/{id}/queries/{query_id}` → `{query_id, host_id, host_name, last_fetched, report_clipped, results: [{columns}]}`.
///
/// For team roles without what arrived before the host came to their teams. 403 · 404 unknown query or host.
pub async fn of_host(
    app: Data<App>,
    user: SignedIn,
    ids: Path<(String, u32, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadReports, Scope::Any)?;
    let (host, query) = (HostId(ids.1), QueryId(ids.2));
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, VIEWS).await?;
    let seen = scope(&user.roles, Action::ReadReports);
    let arrivals = app.reads.arrivals(&seen).await.map_err(unreadable)?;
    let found = read::host_one(&app.reads.views, as_of.at, &seen, host).await.map_err(unreadable)?;
    found.ok_or_else(|| Problem::not_found("Host", host))?;
    let fold = app.fold().await?;
    let spec = fold.state.queries.get(query).ok_or_else(|| Problem::not_found("Query", query))?;
    let latest = read::result_of(&app.reads.views, query, host, spec.results_since).await.map_err(unreadable)?;
    let latest = latest.filter(|latest| arrivals.there(host, latest.recorded));
    let names = app.reads.names(&[host]).await.map_err(unreadable)?;
    let rows = |latest: &LatestResult| latest.rows.iter().map(|row| json!({"columns": row})).collect::<Vec<Value>>();
    Ok(as_of.answer(
        &request,
        json!({
            "query_id": query,
            "host_id": host,
            "host_name": names.first().map(|name| name.display_name.clone()),
            "last_fetched": latest.as_ref().map(|latest| latest.recorded.to_rfc3339_secs()),
            "report_clipped": latest.as_ref().is_some_and(|latest| latest.cut),
            "results": latest.as_ref().map(rows).unwrap_or_default(),
        }),
    ))
}
