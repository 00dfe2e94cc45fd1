//! What is recorded of a live query.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stats;
use crate::members::Members;
use crate::{CampaignId, QueryId, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Started {
    pub campaign: CampaignId,
    pub sql: String,
    pub query: Option<QueryId>,
    pub query_name: Option<String>,
    pub by: Option<UserId>,
    pub targets: Members,
    pub attended: bool,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extended {
    pub campaign: CampaignId,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    pub campaign: CampaignId,
    pub reason: EndReason,
    /// What it cost the hosts; of saved queries alone, and only if that could be learned.
    pub stats: Option<Stats>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Somebody stopped it, or its last reader left an attended one.
    Stopped,
    /// Its time was over.
    Expired,
}
