//! Roles of several users at once, by address and team name. Source: rest-api §4, `users/roles/spec`.

use std::collections::BTreeMap;

use domain::role::{Action, Role, Roles, Scope};
use domain::{Command, Refusal, TeamId, user};
use infra_blobs::Purpose;
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;

use crate::admin::Call;
use crate::admin::roles::{self, team_role};

#[derive(Deserialize)]
pub struct Request {
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    roles: Option<BTreeMap<String, UserRoles>>,
}

#[derive(Deserialize)]
struct UserRoles {
    global_role: Option<String>,
    #[serde(default)]
    teams: Option<Vec<RoleInTeam>>,
}

#[derive(Deserialize)]
struct RoleInTeam {
    #[serde(default)]
    team: String,
    #[serde(default)]
    role: String,
}

/// `POST ~/users/roles/spec` `{spec: {roles: {"<email>": {global_role, teams: [{team, role}]}}}}` → `{}`.
///
/// 400 for an unknown team · 404 for an unknown user · 422 for bad roles, and for a request that names nobody.
pub async fn apply(call: Call, body: Body<Request>) -> Result<Reply, Problem> {
    call.may(Action::WriteUsers, Scope::Any)?;
    let roles = body.0.spec.and_then(|spec| spec.roles);
    let roles = roles.ok_or_else(|| Problem::invalid("spec", "missing required argument"))?;
    let mut commands: Vec<Command> = vec![];
    for (email, wanted) in roles {
        let found = call.state().users.by_email(&call.app.vault.digest(Purpose::Email, &email));
        let held = found.ok_or_else(|| Refusal::not_found("User", format!("email={email}")))?;
        let wanted = parse(&call, wanted)?;
        roles::may_write(&call.user, &held.roles)?;
        roles::may_write(&call.user, &wanted)?;
        let (profile, must_reset_password) = (None, None);
        commands
            .push(user::Command::Change { user: held.id, profile, roles: Some(wanted), must_reset_password }.into());
    }
    if !commands.is_empty() {
        call.execute(Command::Together(commands)).await?;
    }
    Ok(Reply::done())
}

fn parse(call: &Call, wanted: UserRoles) -> Result<Roles, Problem> {
    let teams = wanted.teams.unwrap_or_default();
    let find = |one: &RoleInTeam| -> Result<(TeamId, Role), Problem> {
        let team = call.state().teams.by_name(&one.team);
        let team = team.ok_or_else(|| Problem::bad_request(format!("team {:?} does not exist", one.team)))?;
        Ok((team.id, team_role(&one.role)?))
    };
    let teams = teams.iter().map(find).collect::<Result<BTreeMap<_, _>, _>>()?;
    let parsed = match (wanted.global_role.as_deref(), teams.is_empty()) {
        (None, false) => Some(Roles::Teams(teams)),
        (Some(_), false) => return Err(Problem::rule(1, "Cannot specify both Global Role and Team Roles")),
        (global, true) => roles::parse(global, None)?,
    };
    roles::required(parsed)
}
