//! Shapes that events once had, and the way from each to the next.
//!
//! Every struct that the ledger keeps, old or new, refuses a field that it does not have. Such a field was written by
//! somebody who knows more; to drop it would be to fold half of a decision and to go on deciding on that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shape::schema_of;
use crate::{CampaignId, Digest, HostId, TeamId, campaign, host};

/// Brings a payload of an older version to the newest shape of its event, or says why that cannot be.
pub fn upcast(name: &str, version: u32, data: Value) -> Result<Value, String> {
    match (name, version) {
        ("host.enrolled", 1) => through::<HostEnrolledV1, host::Enrolled>(data),
        ("campaign.ended", 1) => through::<CampaignEndedV1, campaign::Ended>(data),
        _ => Err(format!("no way leads from version {version} to the newest")),
    }
}

fn through<Old: for<'de> Deserialize<'de>, New: From<Old> + Serialize>(data: Value) -> Result<Value, String> {
    let newest = serde_json::from_value::<Old>(data).and_then(|old| serde_json::to_value(New::from(old)));
    newest.map_err(|error| error.to_string())
}

/// Every retired shape with its schema, for the compatibility test.
pub fn retired_schemas() -> Vec<(&'static str, u32, schemars::Schema)> {
    vec![("host.enrolled", 1, schema_of::<HostEnrolledV1>()), ("campaign.ended", 1, schema_of::<CampaignEndedV1>())]
}

/// `host.enrolled` before hosts were linked to the deleted one that they succeed, and before the platform was noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

/// `campaign.ended` before it told what a saved query cost the hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignEndedV1 {
    pub campaign: CampaignId,
    pub reason: campaign::EndReason,
}

impl From<CampaignEndedV1> for campaign::Ended {
    fn from(old: CampaignEndedV1) -> Self {
        campaign::Ended { campaign: old.campaign, reason: old.reason, stats: None }
    }
}
