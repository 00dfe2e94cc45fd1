//! What is kept of decisions about teams and enroll secrets.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{KeyedDigest, Sealed, TeamId, Timestamp};

/// A secret that lets a host enrol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollSecret {
    /// Unique over all scopes.
    pub digest: KeyedDigest,
    pub sealed: Sealed,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    pub team: TeamId,
    pub name: String,
    pub description: String,
    pub agent_options: Option<Arc<Value>>,
    pub settings: Arc<Value>,
}

/// The new value of what changed; absent parts stay. `agent_options` is JSON `null` when it was cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub team: TeamId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub agent_options: Change<Option<Arc<Value>>>,
    pub settings: Option<Arc<Value>>,
}

/// A part that stays, or its new value; told apart even where the new value is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    #[default]
    Keep,
    Set(T),
}

/// A deleted team's hosts belong to no team; its queries and secrets are gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    pub team: TeamId,
}

/// All enroll secrets of a scope, replaced at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretsReplaced {
    pub team: Option<TeamId>,
    pub secrets: Vec<EnrollSecret>,
}
