//! Signing in and out, and one's own password. Source: rest-api §3.

use actix_web::HttpRequest;
use actix_web::web::Data;
use domain::{Actor, Digest, session, user};
use infra_blobs::Purpose;
use infra_http::{Body, Caller, Problem, Reply, shape};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::App;
use crate::admin::call::by;
use crate::admin::{Call, password};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Login {
    email: String,
    password: String,
}

/// `POST ~/login` → 200 `{user, available_teams, token}`.
///
/// 401 `Authentication failed` for a wrong password and an unknown address alike, after at least a second · 429.
pub async fn login(app: Data<App>, request: HttpRequest, body: Body<Login>) -> Result<Reply, Problem> {
    app.desk.logins.take(app.world.now())?;
    let started = Instant::now();
    let Login { email, password } = body.0;
    let fold = app.ledger.read_to_end().await.map_err(|error| Problem::unavailable("the log cannot be read", error))?;
    let account = fold.state.users.by_email(&app.vault.digest(Purpose::Email, &email));
    let hashed = account.map(|account| account.password.as_str());
    let right = app.desk.hasher.verify(hashed, &password).await?;
    let Some(account) = account.filter(|_| right) else {
        sleep_until(started + app.desk.failed_login).await;
        return Err(Problem::bad_login());
    };
    let token = app.world.token();
    let start = session::Command::Start { user: account.id, token: Digest::of(&token) };
    let by = by(&app, &request, Actor::User(account.id));
    // A new session every time: an idempotency key would give back one whose token nobody has.
    let by = infra_ledger::By { command_id: domain::CommandId(app.world.uuid()), ..by };
    let executed = app.ledger.execute(start.into(), by).await?;
    let state = &executed.fold.state;
    let account = state.users.get(account.id).ok_or_else(Problem::bad_login)?;
    Ok(Reply::ok(json!({
        "user": shape::user::user(state, &app.vault, account),
        "available_teams": shape::user::available_teams(state, &account.roles),
        "token": token,
    })))
}

/// `POST ~/logout` → `{}`; also for somebody who must set a new password.
pub async fn logout(app: Data<App>, caller: Caller, request: HttpRequest) -> Result<Reply, Problem> {
    let by = by(&app, &request, caller.actor());
    app.ledger.execute(session::Command::End { token: caller.token }.into(), by).await?;
    Ok(Reply::done())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ChangePassword {
    old_password: String,
    new_password: String,
}

/// `POST ~/change_password` `{old_password, new_password}` → `{}`. Sessions stay.
///
/// 422 for a wrong or missing old one, a weak new one, or the same again.
pub async fn change_password(call: Call, body: Body<ChangePassword>) -> Result<Reply, Problem> {
    let ChangePassword { old_password, new_password } = body.0;
    let account = call.user.account();
    if old_password.is_empty() {
        return Err(Problem::invalid("old_password", "Old password cannot be empty"));
    }
    if !call.app.desk.hasher.verify(Some(&account.password), &old_password).await? {
        return Err(Problem::invalid("old_password", "old password does not match"));
    }
    password::check("new_password", &new_password)?;
    if old_password == new_password {
        return Err(Problem::invalid("new_password", "Cannot reuse old password"));
    }
    let password = call.app.desk.hasher.hash(&call.app.world, &new_password).await?;
    call.execute(user::Command::SetPassword { user: account.id, password, must_reset_password: false }).await?;
    Ok(Reply::done())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ResetPassword {
    new_password: String,
}

/// `POST ~/perform_required_password_reset` `{new_password}` → `{user}`; the token goes on working.
///
/// 403 `Permission Denied` for somebody who need not · 403 `forbidden` without a good token.
pub async fn reset_password(
    app: Data<App>,
    caller: Result<Caller, Problem>,
    request: HttpRequest,
    body: Body<ResetPassword>,
) -> Result<Reply, Problem> {
    let caller = caller.map_err(|problem| if problem.status() == 401 { Problem::forbidden() } else { problem })?;
    if !caller.must_reset_password {
        return Err(Problem::permission_denied());
    }
    let new_password = body.0.new_password;
    password::check("new_password", &new_password)?;
    let account = caller.account();
    if app.desk.hasher.verify(Some(&account.password), &new_password).await? {
        return Err(Problem::invalid("new_password", "Cannot reuse old password"));
    }
    let password = app.desk.hasher.hash(&app.world, &new_password).await?;
    let set = user::Command::SetPassword { user: account.id, password, must_reset_password: false };
    let executed = app.ledger.execute(set.into(), by(&app, &request, caller.actor())).await?;
    let state = &executed.fold.state;
    let account = state.users.get(account.id).ok_or_else(Problem::bad_token)?;
    Ok(Reply::ok(json!({"user": shape::user::user(state, &app.vault, account)})))
}
