//! Shapes that events once had, and the way from each to the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host;
use crate::{Digest, HostId, TeamId};

/// The payload of an old event in its newest shape, or why there is none.
pub enum Upcast {
    Newest(Value),
    Unreadable(String),
}

/// Brings a stored payload to the newest shape of its event; a newest one passes as it is.
pub fn upcast(name: &str, version: u32, data: Value) -> Upcast {
    match (name, version) {
        ("host.enrolled", 1) => through::<HostEnrolledV1, host::Enrolled>(data),
        _ => Upcast::Newest(data),
    }
}

fn through<Old: for<'de> Deserialize<'de>, New: From<Old> + Serialize>(data: Value) -> Upcast {
    match serde_json::from_value::<Old>(data).and_then(|old| serde_json::to_value(New::from(old))) {
        Ok(newest) => Upcast::Newest(newest),
        Err(error) => Upcast::Unreadable(error.to_string()),
    }
}

/// Every retired shape with its schema, for the compatibility test.
pub fn retired_schemas() -> Vec<(&'static str, u32, schemars::Schema)> {
    vec![("host.enrolled", 1, schemars::schema_for!(HostEnrolledV1))]
}

/// `host.enrolled` before hosts were linked to the deleted one that they succeed, and before the platform was noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostEnrolledV1 {
    pub host: HostId,
    pub identifier: String,
    pub node_key: Digest,
    pub team: Option<TeamId>,
}

impl From<HostEnrolledV1> for host::Enrolled {
    fn from(old: HostEnrolledV1) -> Self {
        host::Enrolled {
            host: old.host,
            identifier: old.identifier,
            node_key: old.node_key,
            team: old.team,
            platform: String::new(),
            succeeds: None,
        }
    }
}
