//! `muster.signals`: what every node should know soon and nobody needs for ever.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use super::{Encoded, Unreadable};
use crate::members::Members;
use crate::shape::schema_of;
use crate::{CampaignId, HostId, Timestamp};

/// One record of `muster.signals`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Signal {
    Presence(Presence),
    /// Hosts whose answer to a campaign is in `muster.live`.
    Answered {
        campaign: CampaignId,
        hosts: Members,
    },
    /// An admin wants these hosts' details anew.
    RefetchWished {
        hosts: Members,
        at: Timestamp,
    },
    /// A node compares its clock with the log's; means nothing to anybody else.
    Clock {
        node: String,
    },
}

/// Which hosts one node saw in a stretch of time, and what they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    pub node: String,
    pub from: Timestamp,
    /// The instants that are told are before this.
    pub until: Timestamp,
    seen: Members,
    /// Seconds after `from`, one byte a host in order of ordinals, in base64.
    offsets: String,
    /// Hosts of which a write with at least one ingested detail was accepted.
    pub detailed: Members,
    /// Hosts of which label answers were accepted.
    pub labelled: Members,
    /// Hosts of which policy answers were accepted, or the word that there are none to answer.
    #[serde(default)]
    pub judged: Members,
    /// Hosts of which any write was accepted: no wish to refetch is open before `until`.
    pub wrote: Members,
    /// The node is going away and will tell no more.
    pub goodbye: bool,
}

impl Presence {
    /// A window from exact times; a time outside of the window is cut to it.
    pub fn new(node: String, from: Timestamp, until: Timestamp, mut seen: Vec<(HostId, Timestamp)>) -> Self {
        seen.sort();
        seen.dedup_by_key(|(host, _)| *host);
        let offset = |at: &Timestamp| u8::try_from(at.since(from).as_secs()).unwrap_or(u8::MAX);
        let offsets: Vec<u8> = seen.iter().map(|(_, at)| offset(at)).collect();
        Presence {
            node,
            from,
            until,
            seen: seen.iter().map(|(host, _)| *host).collect(),
            offsets: STANDARD.encode(offsets),
            ..Presence::default()
        }
    }

    /// Each host with the time it was last seen, to the second.
    pub fn seen(&self) -> Vec<(HostId, Timestamp)> {
        let offsets = STANDARD.decode(&self.offsets).unwrap_or_default();
        let at = |offset: u8| Timestamp::from_micros(self.from.micros() + i64::from(offset) * 1_000_000);
        self.seen.iter().zip(offsets).map(|(host, offset)| (host, at(offset))).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

impl Signal {
    /// The shape of all signals: one alternative a type.
    pub fn schema() -> (&'static str, u32, Schema) {
        ("muster.signal", 1, schema_of::<Signal>())
    }

    pub fn encode(&self) -> Encoded {
        Encoded { headers: vec![], value: serde_json::to_vec(self).expect("signals are plain data with text keys") }
    }

    pub fn decode(value: &[u8]) -> Result<Signal, Unreadable> {
        serde_json::from_slice(value).map_err(|error| Unreadable(error.to_string()))
    }
}
