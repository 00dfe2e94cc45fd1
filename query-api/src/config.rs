//! The organisation's settings as each role sees them. Source: rest-api §7.

use actix_web::web::Data;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::role::{Action, Scope};
use infra_http::{Problem, Reply, SignedIn, shape};
use serde_json::json;

use crate::App;

/// `GET ~/config` → the whole tree; agent options, mail and sign-on settings for admins alone.
pub async fn show(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadConfig, Scope::Any)?;
    let fold = app.fold().await?;
    Ok(Reply::ok(shape::config::config(&fold.state, &user.roles, &app.served)))
}

/// `GET ~/config/certificate` → `{certificate_chain}`, base64 of the PEM that hosts trust.
pub async fn certificate(app: Data<App>, user: SignedIn) -> Result<Reply, Problem> {
    user.may(Action::ReadConfig, Scope::Any)?;
    Ok(Reply::ok(json!({"certificate_chain": STANDARD.encode((app.certificate_chain)())})))
}
