//! All accounts, folded from the ledger.

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use super::{Changed, Created, Deleted, Erased, PasswordChanged, Profile};
use crate::role::Roles;
use crate::{KeyedDigest, TeamId, Timestamp, UserId};

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

/// All accounts, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Users {
    users: OrdMap<UserId, User>,
    by_email: HashMap<KeyedDigest, UserId>,
    /// Those who were deleted: the keys that still open what was sealed of them.
    departed: OrdMap<UserId, Departed>,
    /// The id of the newest that ever was.
    pub(super) newest: u32,
}

/// What is left of an account that was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Departed {
    /// The name of the person's key in the vault.
    pub key: String,
    /// It is destroyed, or to be destroyed.
    pub erased: bool,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    users: Vec<User>,
    departed: Vec<(UserId, Departed)>,
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

    pub fn departed(&self, id: UserId) -> Option<&Departed> {
        self.departed.get(&id)
    }

    /// The keys of persons that are to be in no vault any more.
    pub fn erased_keys(&self) -> impl Iterator<Item = &str> {
        self.departed.values().filter(|one| one.erased).map(|one| one.key.as_str())
    }

    /// Whether set-up is done: the first account is what ends it.
    pub fn is_empty(&self) -> bool {
        self.newest == 0
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
            self.departed.insert(event.user, Departed { key: user.profile.name.key, erased: false });
        }
    }

    pub(crate) fn erased(&mut self, event: &Erased) {
        self.departed.insert(event.user, Departed { key: event.key.clone(), erased: true });
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
        let departed = users.departed.iter().map(|(id, one)| (*id, one.clone())).collect();
        Kept { users: users.users.values().cloned().collect(), departed, newest: users.newest }
    }
}

impl From<Kept> for Users {
    fn from(kept: Kept) -> Self {
        Users {
            by_email: kept.users.iter().map(|user| (user.profile.email_digest, user.id)).collect(),
            departed: kept.departed.into_iter().collect(),
            users: kept.users.into_iter().map(|user| (user.id, user)).collect(),
            newest: kept.newest,
        }
    }
}
