//! People and API-only accounts. Names and addresses are sealed under a key of their own person.

use std::collections::BTreeMap;

use imbl::{HashMap, OrdMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::role::{Role, Roles};
use crate::state::State;
use crate::{Event, KeyedDigest, Refusal, Sealed, TeamId, Timestamp, UserId};

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub profile: Profile,
    /// argon2id in PHC form.
    pub password: String,
    pub roles: Roles,
    pub api_only: bool,
    pub must_reset_password: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a person is called and reached by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    pub name: Sealed,
    pub email: Sealed,
    /// Of the address in lower case; unique.
    pub email_digest: KeyedDigest,
    pub position: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    pub user: UserId,
    pub profile: Profile,
    /// argon2id in PHC form.
    pub password: String,
    pub roles: Roles,
    pub api_only: bool,
    pub must_reset_password: bool,
}

/// The new whole state of what changed; absent parts stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    pub user: UserId,
    pub profile: Option<Profile>,
    pub roles: Option<Roles>,
    pub must_reset_password: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PasswordChanged {
    pub user: UserId,
    /// argon2id in PHC form.
    pub password: String,
    pub must_reset_password: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    pub user: UserId,
}

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
                state.users.find(*user)?;
                if state.users.is_last_admin(*user) {
                    return Err(last_admin());
                }
                Ok(vec![Deleted { user: *user }.into()])
            }
        }
    }
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

/// All accounts, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Users {
    users: OrdMap<UserId, User>,
    by_email: HashMap<KeyedDigest, UserId>,
    newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    users: Vec<User>,
    newest: u32,
}

impl Users {
    pub fn get(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    pub fn by_email(&self, digest: &KeyedDigest) -> Option<&User> {
        self.users.get(self.by_email.get(digest)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Whether set-up is done: the first account is what ends it.
    pub fn is_empty(&self) -> bool {
        self.newest == 0
    }

    fn find(&self, id: UserId) -> Result<&User, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("User", format!("with id={id}")))
    }

    fn check_email(&self, digest: &KeyedDigest, own: Option<UserId>) -> Result<(), Refusal> {
        match self.by_email.get(digest) {
            Some(holder) if Some(*holder) != own => Err(Refusal::taken("User", "this email address")),
            _ => Ok(()),
        }
    }

    fn is_last_admin(&self, id: UserId) -> bool {
        let is_admin = |user: &User| user.roles == Roles::Global(Role::Admin);
        self.get(id).is_some_and(is_admin) && self.iter().filter(|user| is_admin(user)).count() == 1
    }

    pub(crate) fn created(&mut self, event: &Created, at: Timestamp) {
        self.newest = self.newest.max(event.user.0);
        self.by_email.insert(event.profile.email_digest, event.user);
        self.users.insert(event.user, User::created(event, at));
    }

    pub(crate) fn changed(&mut self, event: &Changed, at: Timestamp) {
        let Some(user) = self.users.get_mut(&event.user) else { return };
        if let Some(profile) = &event.profile {
            self.by_email.remove(&user.profile.email_digest);
            self.by_email.insert(profile.email_digest, event.user);
        }
        user.change(event, at);
    }

    pub(crate) fn password_changed(&mut self, event: &PasswordChanged, at: Timestamp) {
        if let Some(user) = self.users.get_mut(&event.user) {
            user.change_password(event, at);
        }
    }

    pub(crate) fn deleted(&mut self, event: &Deleted) {
        if let Some(user) = self.users.remove(&event.user) {
            self.by_email.remove(&user.profile.email_digest);
        }
    }

    /// A deleted team leaves no role behind.
    pub(crate) fn team_deleted(&mut self, team: TeamId) {
        let members: Vec<UserId> = self
            .iter()
            .filter(|user| matches!(&user.roles, Roles::Teams(teams) if teams.contains_key(&team)))
            .map(|user| user.id)
            .collect();
        for id in members {
            if let Some(Roles::Teams(teams)) = self.users.get_mut(&id).map(|user| &mut user.roles) {
                teams.remove(&team);
            }
        }
    }
}

impl User {
    pub fn created(event: &Created, at: Timestamp) -> User {
        User {
            id: event.user,
            profile: event.profile.clone(),
            password: event.password.clone(),
            roles: event.roles.clone(),
            api_only: event.api_only,
            must_reset_password: event.must_reset_password,
            created_at: at,
            updated_at: at,
        }
    }

    pub fn change(&mut self, event: &Changed, at: Timestamp) {
        self.updated_at = at;
        if let Some(profile) = &event.profile {
            self.profile = profile.clone();
        }
        if let Some(roles) = &event.roles {
            self.roles = roles.clone();
        }
        if let Some(must) = event.must_reset_password {
            self.must_reset_password = must;
        }
    }

    pub fn change_password(&mut self, event: &PasswordChanged, at: Timestamp) {
        self.password = event.password.clone();
        self.must_reset_password = event.must_reset_password;
        self.updated_at = at;
    }
}

impl From<Users> for Kept {
    fn from(users: Users) -> Self {
        Kept { users: users.users.values().cloned().collect(), newest: users.newest }
    }
}

impl From<Kept> for Users {
    fn from(kept: Kept) -> Self {
        Users {
            by_email: kept.users.iter().map(|user| (user.profile.email_digest, user.id)).collect(),
            users: kept.users.into_iter().map(|user| (user.id, user)).collect(),
            newest: kept.newest,
        }
    }
}
