//! What runs here, and whether it is well. Source: rest-api §13.5, §23.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Scope};
use infra_http::{Params, Problem, Reply, SignedIn};
use infra_log::Topic;
use serde_json::{Value, json};

use crate::App;

fn about() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "branch": "",
        "revision": option_env!("MUSTER_REVISION").unwrap_or(""),
        "go_version": "",
        "build_date": option_env!("MUSTER_BUILD_DATE").unwrap_or(""),
        "build_user": "",
    })
}

/// `GET /version`, open.
pub async fn version() -> Reply {
    Reply::ok(about())
}

/// `GET ~/version`: a client that is logged out learns it here.
pub async fn version_signed_in(user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadVersion, Scope::Any)?;
    Ok(Reply::ok(about()))
}

/// `GET /healthz` → 200 empty, or 500 when a part is not well; why is in the server's log. `check=` asks for one part
/// alone; an unknown one is 400.
///
/// Fleet's names of the parts are understood: `mysql` is the views, `redis` the live results, which the log carries.
pub async fn health(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let params = Params::parse(request.query_string());
    let trouble = match params.text("check") {
        None => trouble_of_log(&app).await.or_else(|| trouble_of_views(&app)),
        Some("mysql" | "views") => trouble_of_views(&app),
        Some("redis" | "live" | "log") => trouble_of_log(&app).await,
        Some(_) => {
            let told = "the provided check is not valid\n";
            return HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(told);
        }
    };
    match trouble {
        None => HttpResponse::Ok().finish(),
        Some(reason) => {
            tracing::error!("not healthy: {reason}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

async fn trouble_of_log(app: &App) -> Option<String> {
    if let Some(reason) = &app.ledger.fold().halted {
        return Some(format!("the ledger is halted: {reason}"));
    }
    app.log.end(Topic::Ledger.only()).await.err().map(|error| format!("the log cannot be read: {error}"))
}

fn trouble_of_views(app: &App) -> Option<String> {
    app.reads.progress.halted().first().map(|halt| format!("the view {} stands still: {}", halt.view, halt.reason))
}

/// `GET ~/status/live_query` → `{}`; 403 while live queries are switched off.
pub async fn live_query_status(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadVersion, Scope::Any)?;
    let fold = app.fold().await?;
    if fold.state.settings.is_on("/server_settings/live_query_disabled") {
        return Err(Problem::permission_denied());
    }
    Ok(Reply::done())
}

/// `GET ~/status/result_store` → `{}`.
pub async fn result_store_status(user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadVersion, Scope::Any)?;
    Ok(Reply::done())
}
