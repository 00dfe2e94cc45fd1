//! What is kept of decisions about labels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::members::Members;
use crate::{LabelId, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// A host is a member when the query gives it a row.
    Dynamic,
    /// A host is a member when an admin says so.
    Manual,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    pub label: LabelId,
    pub name: String,
    pub description: String,
    pub query: String,
    pub platform: String,
    pub builtin: bool,
    pub membership: Membership,
    pub author: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub label: LabelId,
    pub name: String,
    pub description: String,
}

/// A label means something else from now on: what it asks, whom, and how hosts get in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redefined {
    pub label: LabelId,
    pub query: String,
    pub platform: String,
    pub membership: Membership,
}

/// Hosts that joined or left a manual label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembersChanged {
    pub label: LabelId,
    pub joined: Members,
    pub left: Members,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    pub label: LabelId,
}
