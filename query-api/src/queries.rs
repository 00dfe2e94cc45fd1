//! Saved queries. Source: rest-api §11.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use domain::query::Query;
use domain::role::{Action, Roles, Scope};
use domain::{QueryId, TeamId};
use infra_http::{ListOptions, Params, Problem, Reply, SignedIn, shape};
use serde_json::json;

use crate::App;
use crate::users::arrange;

const ORDER_KEYS: &[&str] =
    &["id", "name", "description", "interval", "platform", "logging", "created_at", "updated_at"];

/// `GET ~/queries` → `{queries, count, meta}`.
///
/// List options, `query` in the name · `team_id` (0 or absent: global) · `merge_inherited` adds the global ones ·
/// `platform` = `macos`, `windows` or `linux` (400 for another).
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<Reply, Problem> {
    let params = Params::parse(request.query_string());
    let team = team_of(&params)?;
    may_read(&user, team)?;
    let options = ListOptions::parse(&params)?;
    let platform = match params.text("platform") {
        None => None,
        Some("macos") => Some("darwin"),
        Some(one @ ("windows" | "linux")) => Some(one),
        Some(_) => return Err(Problem::bad_request("platform must be one of macos, windows, linux")),
    };
    let inherited = params.is_true("merge_inherited") && team.is_some();
    let fold = app.fold().await?;
    let wanted = |query: &&Query| {
        let listed = query.spec.platform.split(',').map(str::trim).any(|one| Some(one) == platform);
        (query.team == team || (inherited && query.team.is_none()))
            && (platform.is_none() || query.spec.platform.is_empty() || listed)
    };
    let shown =
        fold.state.queries.iter().filter(wanted).map(|query| shape::query::query(&fold.state, &app.vault, query));
    let queries = arrange(shown.collect(), &options, &["name"], ORDER_KEYS)?;
    let count = queries.len() as u64;
    Ok(Reply::ok(json!({"count": count, "meta": options.meta(count), "queries": options.cut(queries)})))
}

/// `GET ~/queries/{id}` → `{query}`. 403 · 404.
pub async fn one(app: Data<App>, user: SignedIn, id: Path<(String, u32)>) -> Result<Reply, Problem> {
    let id = QueryId(id.1);
    user.may(Action::ReadQueries, Scope::Any)?;
    let fold = app.fold().await?;
    let query = fold.state.queries.get(id).ok_or_else(|| Problem::not_found("Query", id))?;
    may_read(&user, query.team)?;
    Ok(Reply::ok(json!({"query": shape::query::query(&fold.state, &app.vault, query)})))
}

/// `GET ~/spec/queries` → `{specs}` of the global ones, `null` when there is none.
pub async fn specs(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    may_read(&user, None)?;
    let fold = app.fold().await?;
    let global = fold.state.queries.iter().filter(|query| query.team.is_none());
    let specs: Vec<_> = global.map(|query| shape::query::spec(&fold.state, query)).collect();
    Ok(Reply::ok(if specs.is_empty() { json!({"specs": null}) } else { json!({"specs": specs}) }))
}

/// `GET ~/spec/queries/{name}` → `{specs: QuerySpec}`; `team_id` picks the team. 404.
pub async fn spec(
    app: Data<App>,
    user: SignedIn,
    name: Path<(String, String)>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let team = team_of(&Params::parse(request.query_string()))?;
    may_read(&user, team)?;
    let fold = app.fold().await?;
    let query = fold.state.queries.by_name(team, &name.1).ok_or_else(|| Problem::not_found("Query", &name.1))?;
    Ok(Reply::ok(json!({"specs": shape::query::spec(&fold.state, query)})))
}

/// Team 0 and no team are the global queries.
fn team_of(params: &Params) -> Result<Option<TeamId>, Problem> {
    let team: Option<u32> = params.number("team_id", |text| format!("Invalid team_id: {text}"))?;
    Ok(team.filter(|team| *team != 0).map(TeamId))
}

/// Everybody reads global queries but a team's gitops; a team's queries are for its own roles and global ones.
fn may_read(user: &SignedIn, team: Option<TeamId>) -> Result<(), Problem> {
    user.may(Action::ReadQueries, Scope::from(team))?;
    let only_gitops = match &user.roles {
        Roles::Global(_) => false,
        Roles::Teams(teams) => teams.values().all(|role| *role == domain::role::Role::Gitops),
    };
    if only_gitops && team.is_none() { Err(Problem::forbidden()) } else { Ok(()) }
}
