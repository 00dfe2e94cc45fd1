//! The live queries that run, and those that ended lately.

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::{EndReason, Ended, Extended, MOST_REMEMBERED, REMEMBERED, Started};
use crate::members::Members;
use crate::{CampaignId, HostId, QueryId, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub id: CampaignId,
    pub sql: String,
    pub query: Option<QueryId>,
    pub query_name: Option<String>,
    pub by: Option<UserId>,
    pub targets: Members,
    /// Lives only while somebody reads it, as Fleet's clients expect.
    pub attended: bool,
    pub started_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended: Option<(Timestamp, EndReason)>,
}

impl Campaign {
    pub fn started(event: &Started, at: Timestamp) -> Campaign {
        Campaign {
            id: event.campaign,
            sql: event.sql.clone(),
            query: event.query,
            query_name: event.query_name.clone(),
            by: event.by,
            targets: event.targets.clone(),
            attended: event.attended,
            started_at: at,
            expires_at: event.expires_at,
            ended: None,
        }
    }

    pub fn extend(&mut self, event: &Extended) {
        self.expires_at = event.expires_at;
    }

    pub fn end(&mut self, event: &Ended, at: Timestamp) {
        self.ended = Some((at, event.reason));
    }

    /// Whether the host is to be asked at `now`, its answer aside.
    pub fn asks(&self, host: HostId, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at && self.targets.contains(host)
    }

    /// Whether the host would be asked, were its time not over: somebody may have extended it.
    pub fn would_ask(&self, host: HostId, now: Timestamp) -> bool {
        self.ended.is_none() && now >= self.expires_at && self.targets.contains(host)
    }
}

/// The campaigns that run, and those that ended lately, folded from the ledger.
///
/// Whoever asks a host once makes a campaign, so they are many; a fold is held by every node, and written down whole in
/// every snapshot. What ended is therefore forgotten, by the times of the commits alone: every fold forgets the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Campaigns {
    campaigns: OrdMap<CampaignId, Campaign>,
    pub(super) open: OrdSet<CampaignId>,
    /// Those that have ended, in the order in which they did.
    ended: OrdSet<(Timestamp, CampaignId)>,
    pub(super) newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    campaigns: Vec<Campaign>,
    newest: u32,
}

impl Campaigns {
    pub fn get(&self, id: CampaignId) -> Option<&Campaign> {
        self.campaigns.get(&id)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Campaign> {
        self.campaigns.values()
    }

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Campaign> {
        self.open.iter().filter_map(|id| self.campaigns.get(id))
    }

    pub fn none_open(&self) -> bool {
        self.open.is_empty()
    }

    /// The highest id that was ever given; 0 before the first. A campaign above it may exist, but not in this fold.
    pub fn newest(&self) -> CampaignId {
        CampaignId(self.newest)
    }

    /// Whether there was such a campaign, which ended and was forgotten.
    pub fn is_forgotten(&self, id: CampaignId) -> bool {
        id > CampaignId(0) && id.0 <= self.newest && self.get(id).is_none()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.ended.get_min().copied()
            && (now.since(at) >= REMEMBERED || self.ended.len() > MOST_REMEMBERED)
        {
            self.ended.remove(&(at, id));
            self.campaigns.remove(&id);
        }
    }

    pub(crate) fn started(&mut self, event: &Started, at: Timestamp) {
        self.newest = self.newest.max(event.campaign.0);
        self.open.insert(event.campaign);
        self.campaigns.insert(event.campaign, Campaign::started(event, at));
        self.forget(at);
    }

    pub(crate) fn extended(&mut self, event: &Extended) {
        if let Some(campaign) = self.campaigns.get_mut(&event.campaign) {
            campaign.extend(event);
        }
    }

    pub(crate) fn ended(&mut self, event: &Ended, at: Timestamp) {
        self.open.remove(&event.campaign);
        if let Some(campaign) = self.campaigns.get_mut(&event.campaign) {
            campaign.end(event, at);
            self.ended.insert((at, event.campaign));
        }
        self.forget(at);
    }
}

impl From<Campaigns> for Kept {
    fn from(campaigns: Campaigns) -> Self {
        Kept { campaigns: campaigns.campaigns.values().cloned().collect(), newest: campaigns.newest }
    }
}

impl From<Kept> for Campaigns {
    fn from(kept: Kept) -> Self {
        Campaigns {
            ended: kept.campaigns.iter().filter_map(|one| Some((one.ended?.0, one.id))).collect(),
            open: kept.campaigns.iter().filter(|one| one.ended.is_none()).map(|one| one.id).collect(),
            campaigns: kept.campaigns.into_iter().map(|campaign| (campaign.id, campaign)).collect(),
            newest: kept.newest,
        }
    }
}
