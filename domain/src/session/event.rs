//! What is recorded of a sign-in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, SessionId, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Started {
    pub session: SessionId,
    pub user: UserId,
    pub token: Digest,
}

/// A session that was used again after [`USE_STEP`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    pub token: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    pub token: Digest,
}
