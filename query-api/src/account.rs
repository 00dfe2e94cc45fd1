//! The caller's own account, and what the login page asks first.

use actix_web::HttpRequest;
use actix_web::web::Data;
use infra_http::{Params, Problem, Reply, SignedIn, shape};
use serde_json::json;

use crate::App;

/// `GET ~/me` → `{user, available_teams, settings?}`; `settings` with `include_ui_settings=true`.
/// Source: rest-api §3.
pub async fn me(app: Data<App>, user: SignedIn, request: HttpRequest) -> Result<Reply, Problem> {
    let mut answer = json!({
        "user": shape::user::user(user.state(), &app.vault, user.account()),
        "available_teams": shape::user::available_teams(user.state(), &user.roles),
    });
    if Params::parse(request.query_string()).is_true("include_ui_settings") {
        answer["settings"] = json!({"hidden_host_columns": []});
    }
    Ok(Reply::ok(answer))
}

/// `GET /api/v1/fleet/sso` → what the login page shows of single sign-on. Open. Source: rest-api §3.
pub async fn sso(app: Data<App>) -> Reply {
    let fold = app.ledger.fold();
    let text = |name: &str| fold.state.settings.at(&format!("/sso_settings/{name}")).cloned().unwrap_or_default();
    Reply::ok(json!({"settings": {
        "idp_name": text("idp_name"),
        "idp_image_url": text("idp_image_url"),
        "sso_enabled": text("enable_sso"),
    }}))
}
