//! Who has a role in a team. Source: rest-api §5.

use domain::role::{Action, Role, Roles, Scope};
use domain::{Command, Refusal, TeamId, UserId, user};
use infra_http::{Body, Problem, Reply};
use serde::Deserialize;

use crate::admin::{Call, teams};

#[derive(Deserialize)]
pub struct Members {
    #[serde(default)]
    users: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    id: UserId,
    #[serde(default)]
    role: String,
}

/// `PATCH ~/teams/{id}/users` `{users: [{id, role}]}` → `{team}`; adds them or changes their role.
///
/// 404 for an unknown user · 422 for a bad role, and for a user with a global role.
pub async fn add(call: Call, body: Body<Members>) -> Result<Reply, Problem> {
    let team = team(&call)?;
    let change = |one: &Member| {
        let role = Role::parse(&one.role);
        let role = role
            .ok_or_else(|| Problem::invalid("users", format!("{:?} is not a valid role for a team user", one.role)))?;
        command(&call, one.id, |teams| {
            teams.insert(team, role);
        })
    };
    let commands = body.0.users.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    let executed = call.execute(Command::Together(commands)).await?;
    teams::shown(&call, &executed.fold.state, team)
}

/// `DELETE ~/teams/{id}/users` `{users: [{id}]}` → `{team}`.
pub async fn remove(call: Call, body: Body<Members>) -> Result<Reply, Problem> {
    let team = team(&call)?;
    let has_role = |one: &&Member| {
        let roles = call.state().users.get(one.id).map(|user| &user.roles);
        matches!(roles, Some(Roles::Teams(teams)) if teams.contains_key(&team))
    };
    let members = body.0.users.iter().filter(has_role);
    let commands = members
        .map(|one| {
            command(&call, one.id, |teams| {
                teams.remove(&team);
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let executed = call.execute(Command::Together(commands)).await?;
    teams::shown(&call, &executed.fold.state, team)
}

fn team(call: &Call) -> Result<TeamId, Problem> {
    let team = call.id("Team")?;
    call.may(Action::WriteTeam, Scope::Team(team))?;
    teams::find(call.state(), team)?;
    Ok(team)
}

fn command(
    call: &Call,
    user: UserId,
    change: impl FnOnce(&mut std::collections::BTreeMap<TeamId, Role>),
) -> Result<Command, Problem> {
    let held = call.state().users.get(user).ok_or_else(|| Refusal::not_found("User", format!("with id={user}")))?;
    let Roles::Teams(mut teams) = held.roles.clone() else {
        return Err(Problem::invalid("users", format!("user {user} has a global role and cannot have one in a team")));
    };
    change(&mut teams);
    let change = user::Command::SetTeams { user, teams };
    Ok(change.into())
}
