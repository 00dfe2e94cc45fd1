//! Live queries and what they carve.

use serde_json::json;

use super::Told;
use crate::campaign::{Ended, Extended, Started};
use crate::state::State;
use crate::{Actor, carve};

pub(super) fn started(event: &Started) -> Vec<Told> {
    let details = json!({
        "campaign_id": event.campaign, "targets_count": event.targets.len(), "query_sql": event.sql,
        "query_name": event.query_name, "expires_at": event.expires_at.to_rfc3339()
    });
    vec![Told::new("started_live_query", details)]
}

pub(super) fn extended(before: &State, event: &Extended) -> Vec<Told> {
    let old = before.campaigns.get(event.campaign).map(|campaign| campaign.expires_at.to_rfc3339());
    let details = json!({
        "campaign_id": event.campaign, "old_expires_at": old, "expires_at": event.expires_at.to_rfc3339()
    });
    vec![Told::new("extended_live_query", details)]
}

/// Told in the name of whoever started it, however it ended; what it cost the hosts, of saved queries alone.
pub(super) fn ended(before: &State, event: &Ended) -> Vec<Told> {
    let Some(campaign) = before.campaigns.get(event.campaign) else { return vec![] };
    let mut details = json!({
        "campaign_id": campaign.id, "targets_count": campaign.targets.len(), "query_sql": campaign.sql,
        "reason": event.reason
    });
    if let Some(name) = &campaign.query_name {
        details["query_name"] = name.as_str().into();
        details["stats"] = json!(event.stats);
    }
    vec![Told { kind: "live_query", details, actor: campaign.by.map(Actor::User) }]
}

pub(super) fn carve_begun(event: &carve::Begun) -> Vec<Told> {
    let details = json!({"carve_id": event.carve, "host_id": event.host, "bytes": event.plan.carve_size});
    vec![Told::new("began_carve", details)]
}

pub(super) fn carve_ended(event: &carve::Ended) -> Vec<Told> {
    vec![Told::new("ended_carve", json!({"carve_id": event.carve, "outcome": event.outcome}))]
}
