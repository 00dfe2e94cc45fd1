//! What is recorded of a saved query.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Spec;
use crate::{QueryId, TeamId, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    pub query: QueryId,
    pub team: Option<TeamId>,
    pub spec: Spec,
    pub author: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub query: QueryId,
    pub spec: Spec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    pub query: QueryId,
}
