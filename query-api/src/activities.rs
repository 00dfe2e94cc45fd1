//! Who did what. Source: rest-api §15.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::role::{Action, Scope};
use domain::{Actor, State};
use infra_http::{ListOptions, Params, Problem, SignedIn, shape};
use projections::read::{self, ActivityRow, Page};
use projections::view;
use serde_json::{Value, json};

use crate::App;
use crate::reads::unreadable;

/// `GET ~/activities` → `{activities, meta}`; oldest first unless `order_direction=desc`.
///
/// People are kept by number; their names are filled in here, empty once a person was erased.
pub async fn list(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<HttpResponse, Problem> {
    user.may(Action::ReadActivities, Scope::Global)?;
    let params = Params::parse(request.query_string());
    let options = ListOptions::parse(&params)?;
    if let Some(key) = options.order_key.as_deref().filter(|key| !["id", "created_at"].contains(key)) {
        return Err(Problem::invalid("order_key", format!("unknown order key: {key}")));
    }
    let fold = app.fold().await?;
    let as_of = app.reads.as_of(&Params::parse(""), &app.world, &[view::ACTIVITIES]).await?;
    let page = Page { size: Some(options.per_page), number: options.page, after: options.after.clone() };
    let rows = read::activity_page(&app.reads.views, options.descending, &page).await.map_err(unreadable)?;
    let meta = match options.after {
        Some(_) => Value::Null,
        None => options.meta(read::activity_count(&app.reads.views).await.map_err(unreadable)?),
    };
    let shown: Vec<Value> = rows.iter().map(|row| activity(&app, &fold.state, row)).collect();
    Ok(as_of.answer(&request, json!({"activities": shown, "meta": meta})))
}

fn activity(app: &App, state: &State, row: &ActivityRow) -> Value {
    let mut shown = json!({
        "created_at": row.recorded.to_rfc3339(),
        "id": row.id,
        "type": row.kind,
        "details": with_names(app, state, row.details.clone()),
        "fleet_initiated": row.actor == Actor::System,
    });
    if let Actor::User(id) = row.actor {
        let (name, email) = shape::user::author(state, &app.vault, Some(id));
        shown["actor_full_name"] = name.into();
        shown["actor_id"] = json!(id);
        shown["actor_gravatar"] = "".into();
        shown["actor_email"] = email.into();
    }
    shown
}

/// Fills in who a user in the details is.
fn with_names(app: &App, state: &State, mut details: Value) -> Value {
    let id = details.get("user_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    if let Some(id) = id {
        let (name, email) = shape::user::author(state, &app.vault, Some(domain::UserId(id)));
        details["user_name"] = name.into();
        details["user_email"] = email.into();
    }
    details
}
