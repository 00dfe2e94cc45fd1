//! The rules of accounts: unique addresses, roles that fit together, and never without an admin.

use std::collections::BTreeMap;

use super::{Changed, Created, Deleted, Erased, PasswordChanged, Profile, User, Users};
use crate::role::{Role, Roles};
use crate::state::State;
use crate::{Event, KeyedDigest, Refusal, TeamId, Timestamp, UserId};

/// A command about users. Passwords arrive hashed, names and addresses sealed.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes the first global admin, which ends set-up; refused when there is or was any account.
    First {
        profile: Profile,
        password: String,
    },
    Create {
        profile: Profile,
        password: String,
        roles: Roles,
        api_only: bool,
        must_reset_password: bool,
    },
    Change {
        user: UserId,
        profile: Option<Profile>,
        roles: Option<Roles>,
        must_reset_password: Option<bool>,
    },
    /// The roles in teams of somebody without a global role; none at all is fine, they were taken out of their last team.
    SetTeams {
        user: UserId,
        teams: BTreeMap<TeamId, Role>,
    },
    SetPassword {
        user: UserId,
        password: String,
        must_reset_password: bool,
    },
    Delete {
        user: UserId,
    },
    /// Makes a person unreadable for ever; an account that they still have is deleted with it.
    Erase {
        user: UserId,
    },
}

impl Command {
    pub fn decide(&self, state: &State, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match self {
            Command::First { profile, password } if state.users.is_empty() => Ok(vec![
                Created {
                    user: UserId(1),
                    profile: profile.clone(),
                    password: password.clone(),
                    roles: Roles::Global(Role::Admin),
                    api_only: false,
                    must_reset_password: false,
                }
                .into(),
            ]),
            Command::First { .. } => Err(Refusal::Malformed("set-up is done already".to_owned())),
            Command::Create { profile, password, roles, api_only, must_reset_password } => {
                check_roles(state, roles, *api_only)?;
                state.users.check_email(&profile.email_digest, None)?;
                Ok(vec![
                    Created {
                        user: UserId(state.users.newest + 1),
                        profile: profile.clone(),
                        password: password.clone(),
                        roles: roles.clone(),
                        api_only: *api_only,
                        must_reset_password: *must_reset_password,
                    }
                    .into(),
                ])
            }
            Command::Change { user, profile, roles, must_reset_password } => {
                let held = state.users.find(*user)?;
                if let Some(roles) = roles {
                    check_roles(state, roles, held.api_only)?;
                    if state.users.is_last_admin(*user) && roles.global() != Some(Role::Admin) {
                        return Err(last_admin());
                    }
                }
                if let Some(profile) = profile {
                    state.users.check_email(&profile.email_digest, Some(*user))?;
                }
                let changed = Changed {
                    user: *user,
                    profile: profile.clone().filter(|new| *new != held.profile),
                    roles: roles.clone().filter(|new| *new != held.roles),
                    must_reset_password: must_reset_password.filter(|new| *new != held.must_reset_password),
                };
                let nothing =
                    changed.profile.is_none() && changed.roles.is_none() && changed.must_reset_password.is_none();
                Ok(if nothing { vec![] } else { vec![changed.into()] })
            }
            Command::SetTeams { user, teams } => {
                let held = state.users.find(*user)?;
                if held.roles.global().is_some() {
                    let reason = format!("user {user} has a global role and cannot have one in a team");
                    return Err(Refusal::invalid("users", reason));
                }
                let roles = Roles::Teams(teams.clone());
                if !teams.is_empty() {
                    check_roles(state, &roles, held.api_only)?;
                }
                let (profile, must_reset_password) = (None, None);
                let changed = Changed { user: *user, profile, roles: Some(roles.clone()), must_reset_password };
                Ok(if held.roles == roles { vec![] } else { vec![changed.into()] })
            }
            Command::SetPassword { user, password, must_reset_password } => {
                state.users.find(*user)?;
                let changed = PasswordChanged {
                    user: *user,
                    password: password.clone(),
                    must_reset_password: *must_reset_password,
                };
                Ok(vec![changed.into()])
            }
            Command::Delete { user } => {
                check_leaving(state, *user)?;
                Ok(vec![Deleted { user: *user }.into()])
            }
            Command::Erase { user } => {
                let erased = |key: &str| Erased { user: *user, key: key.to_owned() }.into();
                match state.users.departed(*user) {
                    Some(departed) if departed.erased => Ok(vec![]),
                    Some(departed) => Ok(vec![erased(&departed.key)]),
                    None => {
                        let held = check_leaving(state, *user)?;
                        Ok(vec![Deleted { user: *user }.into(), erased(&held.profile.name.key)])
                    }
                }
            }
        }
    }
}

/// The account, if it may be deleted.
fn check_leaving(state: &State, user: UserId) -> Result<&User, Refusal> {
    let held = state.users.find(user)?;
    if state.users.is_last_admin(user) { Err(last_admin()) } else { Ok(held) }
}

fn last_admin() -> Refusal {
    Refusal::Rule { code: 2, message: "cannot remove the last global admin".to_owned() }
}

fn check_roles(state: &State, roles: &Roles, api_only: bool) -> Result<(), Refusal> {
    let gitops = match roles {
        Roles::Global(role) => *role == Role::Gitops,
        Roles::Teams(teams) if teams.is_empty() => {
            let message = "either global role or team role needs to be defined".to_owned();
            return Err(Refusal::Rule { code: 1, message });
        }
        Roles::Teams(teams) => {
            if let Some(unknown) = teams.keys().find(|team| state.teams.get(**team).is_none()) {
                return Err(Refusal::invalid("teams.id", format!("team with id {unknown} does not exist")));
            }
            teams.values().any(|role| *role == Role::Gitops)
        }
    };
    if gitops && !api_only {
        return Err(Refusal::Rule { code: 4, message: "role GitOps can only be set for API only users".to_owned() });
    }
    Ok(())
}

impl Users {
    fn find(&self, id: UserId) -> Result<&User, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("User", format!("with id={id}")))
    }

    fn check_email(&self, digest: &KeyedDigest, own: Option<UserId>) -> Result<(), Refusal> {
        match self.by_email(digest) {
            Some(holder) if Some(holder.id) != own => Err(Refusal::taken("User", "this email address")),
            _ => Ok(()),
        }
    }

    fn is_last_admin(&self, id: UserId) -> bool {
        let is_admin = |user: &User| user.roles == Roles::Global(Role::Admin);
        self.get(id).is_some_and(is_admin) && self.iter().filter(|user| is_admin(user)).count() == 1
    }
}
