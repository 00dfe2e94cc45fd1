//! What is kept of decisions about accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::role::Roles;
use crate::{KeyedDigest, Sealed, UserId};

/// What a person is called and reached by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: Sealed,
    pub email: Sealed,
    /// Of the address in lower case; unique.
    pub email_digest: KeyedDigest,
    pub position: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub user: UserId,
    pub profile: Option<Profile>,
    pub roles: Option<Roles>,
    pub must_reset_password: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChanged {
    pub user: UserId,
    /// argon2id in PHC form.
    pub password: String,
    pub must_reset_password: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    pub user: UserId,
}

/// The key of a person is destroyed: whatever it sealed, here and wherever it was copied to, can be read no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    pub user: UserId,
    /// The name of the key in the vault, `person/<uuid>`.
    pub key: String,
}
