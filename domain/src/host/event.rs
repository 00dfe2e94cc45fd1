//! What is kept of decisions about hosts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::members::Members;
use crate::{Digest, HostId, TeamId, Timestamp};

/// A computer that was not known enrolled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    pub host: HostId,
    /// As the host wrote it; compared without regard to case.
    pub identifier: String,
    /// SHA-256 of the node key.
    pub node_key: Digest,
    /// The team of the enroll secret; none for a global secret.
    pub team: Option<TeamId>,
    /// `os_version.platform` of the enrolment, `ubuntu`; empty if it was not told.
    pub platform: String,
    /// The deleted host that had this identifier before.
    pub succeeds: Option<HostId>,
}

/// A known host enrolled again: its old key is dead, and it belongs to the team of the secret that it used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyReplaced {
    pub host: HostId,
    pub identifier: String,
    pub node_key: Digest,
    pub team: Option<TeamId>,
    pub platform: String,
}

/// Several machines enrol under one identifier; nobody gets a key under it until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContestedIdentity {
    pub host: HostId,
    pub identifier: String,
    pub until: Timestamp,
}

/// An admin moved hosts to a team, or to none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transferred {
    pub hosts: Members,
    pub team: Option<TeamId>,
}

/// An admin deleted hosts; their keys are dead, their ordinals are never used again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    pub hosts: Members,
}
