//! Campaigns: as Fleet's clients know them (rest-api §13.1), and in our own form with a life and an address.

use domain::campaign::{Campaign, EndReason};
use domain::{Members, State, Timestamp};
use infra_blobs::Vault;
use serde_json::{Value, json};

use super::{time, user};

/// How the targets of a campaign stand. `new` are those that enrolled in the last 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    pub online: u64,
    pub missing: u64,
    pub new: u64,
}

/// What hosts have answered so far, by kind, and the rows in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    pub with_rows: u64,
    pub empty: u64,
    pub error: u64,
    pub rows: u64,
}

/// `{id, created_at, updated_at, query_id, status, user_id, Metrics}`; the capitals are what clients read.
pub fn fleet(campaign: &Campaign, presence: Presence) -> Value {
    let total = campaign.targets.len();
    json!({
        "created_at": time(campaign.started_at),
        "updated_at": time(campaign.started_at),
        "Metrics": {
            "TotalHosts": total,
            "OnlineHosts": presence.online,
            "OfflineHosts": total.saturating_sub(presence.online),
            "MissingInActionHosts": presence.missing,
            "NewHosts": presence.new,
        },
        "id": campaign.id,
        "query_id": campaign.query,
        "status": if campaign.ended.is_some() { 2 } else { 0 },
        "user_id": campaign.by,
    })
}

/// Our own form. `unanswered_online` are the targets without an answer that are online now.
///
/// `targeted = rows + empty + error + waiting + offline`, always.
pub fn campaign(
    state: &State,
    vault: &Vault,
    campaign: &Campaign,
    answered: Answered,
    unanswered_online: u64,
) -> Value {
    let targeted = campaign.targets.len();
    let silent = targeted.saturating_sub(answered.with_rows + answered.empty + answered.error);
    let waiting = unanswered_online.min(silent);
    let author = campaign.by.map(|id| json!({"id": id, "name": user::author(state, vault, Some(id)).0}));
    json!({
        "id": campaign.id,
        "query": campaign.sql,
        "query_id": campaign.query,
        "name": campaign.query_name,
        "author": author,
        "attended": campaign.attended,
        "started_at": time(campaign.started_at),
        "expires_at": time(campaign.expires_at),
        "ended_at": campaign.ended.map(|(at, _)| time(at)),
        "state": match campaign.ended {
            None => "running",
            Some((_, EndReason::Stopped)) => "stopped",
            Some((_, EndReason::Expired)) => "expired",
        },
        "hosts": {
            "targeted": targeted,
            "rows": answered.with_rows,
            "empty": answered.empty,
            "error": answered.error,
            "waiting": waiting,
            "offline": silent - waiting,
        },
        "rows": answered.rows,
    })
}

/// How many of the targets enrolled in the last 24 hours.
pub fn new_hosts(state: &State, targets: &Members, now: Timestamp) -> u64 {
    let day = std::time::Duration::from_secs(86_400);
    let is_new = |host: &domain::HostId| state.hosts.get(*host).is_some_and(|host| now.since(host.created_at) < day);
    targets.iter().filter(is_new).count() as u64
}
