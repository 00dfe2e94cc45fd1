//! Labels and how many hosts they have, now and as of a time. Source: rest-api §10.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::label::{Label, Membership};
use domain::role::{Action, Scope};
use domain::{HostId, LabelId, Members};
use infra_http::{ListOptions, Params, Problem, Reply, SignedIn, shape};
use projections::{read, view};
use serde_json::{Value, json};

use crate::App;
use crate::hosts::scope;
use crate::reads::{AsOf, unreadable};
use crate::users::arrange;

const VIEWS: &[&str] = &[view::LABELS, view::HOSTS, view::FACTS];
const ORDER_KEYS: &[&str] = &["id", "name", "description", "created_at", "updated_at", "count", "platform"];

/// `GET ~/labels` → `{labels}`, by id; list options but `query` and `after` (400), `as_of`.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadLabels, Scope::Any)?;
    let params = Params::parse(request.query_string());
    let options = ListOptions::parse(&params)?.without_search(&params)?;
    let as_of = app.reads.as_of(&params, &app.world, VIEWS).await?;
    let labels = read::labels(&app.reads.views, as_of.at).await.map_err(unreadable)?;
    let scope = scope(&user.roles, Action::ReadHosts);
    let counts = read::label_counts(&app.reads.views, as_of.at, &scope).await.map_err(unreadable)?;
    let shown = labels.iter().map(|label| {
        let mut shown = shape::label::label(label, &Members::default());
        let count = counts.get(&label.id).copied().unwrap_or(0);
        shown["count"] = json!(count);
        if count > 0 {
            shown["host_count"] = json!(count);
        }
        shown
    });
    let labels = options.cut(arrange(shown.collect(), &options, &[], ORDER_KEYS)?);
    let none = labels.is_empty() && options.offset() > 0;
    Ok(as_of.answer(&request, json!({"labels": if none { Value::Null } else { labels.into() }})))
}

/// `GET ~/labels/summary` → `{labels: [{id, name, description, label_type}]}`.
pub async fn summary(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadLabels, Scope::Any)?;
    let fold = app.fold().await?;
    Ok(Reply::ok(json!({"labels": fold.state.labels.iter().map(shape::label::summary).collect::<Vec<_>>()})))
}

/// `GET ~/labels/{id}` → `{label}` with its count, and the members of a manual one; `as_of`. 404.
pub async fn one(
    app: Data<App>,
    user: SignedIn,
    id: Path<(String, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadLabels, Scope::Any)?;
    let id = LabelId(id.1);
    let as_of = app.reads.as_of(&Params::parse(request.query_string()), &app.world, VIEWS).await?;
    let label = read::label_one(&app.reads.views, as_of.at, id).await.map_err(unreadable)?;
    let label = label.ok_or_else(|| Problem::not_found("Label", id))?;
    let members = members(&app, &user, &as_of, id).await?;
    Ok(as_of.answer(&request, json!({"label": shape::label::detail(&label, &members)})))
}

/// `GET ~/spec/labels` → `{specs}`, `null` when there is none.
pub async fn specs(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadLabels, Scope::Any)?;
    let fold = app.fold().await?;
    let mut specs = Vec::new();
    for label in fold.state.labels.iter() {
        specs.push(spec_of(&app, label).await?);
    }
    Ok(Reply::ok(json!({"specs": if specs.is_empty() { Value::Null } else { specs.into() }})))
}

/// `GET ~/spec/labels/{name}` → `{specs: LabelSpec}`. 404.
pub async fn spec(app: Data<App>, user: SignedIn, name: Path<(String, String)>) -> Result<Reply, Problem> {
    user.may(Action::ReadLabels, Scope::Any)?;
    let fold = app.fold().await?;
    let label = fold.state.labels.by_name(&name.1).ok_or_else(|| Problem::not_found("Label", &name.1))?;
    Ok(Reply::ok(json!({"specs": spec_of(&app, label).await?})))
}

async fn members(app: &App, user: &SignedIn, as_of: &AsOf, id: LabelId) -> Result<Members, Problem> {
    read::label_hosts(&app.reads.views, as_of.at, &scope(&user.roles, Action::ReadHosts), id).await.map_err(unreadable)
}

/// Manual labels name their members by hostname, so that the document can be applied elsewhere.
async fn spec_of(app: &App, label: &Label) -> Result<Value, Problem> {
    if label.membership != Membership::Manual || label.builtin {
        return Ok(shape::label::spec(label, None));
    }
    let hosts: Vec<HostId> = label.members.iter().collect();
    let names = app.reads.names(&hosts).await.map_err(unreadable)?;
    Ok(shape::label::spec(label, Some(names.into_iter().map(|name| name.hostname).collect())))
}
