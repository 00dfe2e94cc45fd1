//! Roles as requests write them: one global role, or roles in teams.

use std::collections::BTreeMap;

use domain::TeamId;
use domain::role::{Action, Role, Roles, Scope};
use infra_http::{Problem, SignedIn};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct TeamRole {
    pub id: TeamId,
    pub role: String,
}

/// The roles of a request; `None` when it names neither kind. The rules with number 1 are told apart by their text.
pub fn parse(global: Option<&str>, teams: Option<&[TeamRole]>) -> Result<Option<Roles>, Problem> {
    let teams = teams.filter(|teams| !teams.is_empty());
    match (global, teams) {
        (Some(_), Some(_)) => Err(Problem::rule(1, "Cannot specify both Global Role and Team Roles")),
        (Some(name), None) => {
            let role = Role::parse(name).ok_or_else(|| Problem::rule(1, format!("invalid global role: {name}")))?;
            Ok(Some(Roles::Global(role)))
        }
        (None, Some(teams)) => {
            let role = |one: &TeamRole| Ok((one.id, team_role(&one.role)?));
            Ok(Some(Roles::Teams(teams.iter().map(role).collect::<Result<BTreeMap<_, _>, Problem>>()?)))
        }
        (None, None) => Ok(None),
    }
}

pub fn team_role(name: &str) -> Result<Role, Problem> {
    Role::parse(name).ok_or_else(|| Problem::rule(1, format!("invalid team role: {name}")))
}

/// Refuses a request that names no role at all.
pub fn required(roles: Option<Roles>) -> Result<Roles, Problem> {
    roles.ok_or_else(|| Problem::rule(1, "either global role or team role needs to be defined"))
}

/// 403 unless the caller may make or change somebody with these roles: a global admin, or an admin of all their teams.
pub fn may_write(caller: &SignedIn, roles: &Roles) -> Result<(), Problem> {
    match roles {
        Roles::Teams(teams) if !teams.is_empty() => {
            teams.keys().try_for_each(|team| caller.may(Action::WriteUsers, Scope::Team(*team)))
        }
        _ => caller.may(Action::WriteUsers, Scope::Global),
    }
}
