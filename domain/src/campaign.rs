//! Live queries: who was asked what, until when.

use std::time::Duration;

use imbl::{OrdMap, OrdSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::members::Members;
use crate::state::State;
use crate::{CampaignId, Event, HostId, QueryId, Refusal, Timestamp, UserId};

/// How long a campaign lives if nobody says otherwise.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long the ledger's fold knows a campaign that has ended. After that its address is read from the views alone.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// How many campaigns that have ended the fold knows at most; the oldest ends go first.
pub const MOST_REMEMBERED: usize = 2_000;
/// The longest life of a campaign.
pub const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How many campaigns may run at one moment. Every idle host is compared with each of them at every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    pub of_one_user: usize,
    pub in_all: usize,
}

impl Default for Most {
    fn default() -> Self {
        Most { of_one_user: 100, in_all: 400 }
    }
}

impl Most {
    fn admit(self, campaigns: &Campaigns, by: Option<UserId>) -> Result<(), Refusal> {
        if campaigns.open.len() >= self.in_all {
            let text = format!("{} live queries run already, which is the limit: wait, or stop some", self.in_all);
            return Err(Refusal::TooMany(text));
        }
        let own = campaigns.open().filter(|campaign| by.is_some() && campaign.by == by).count();
        if own >= self.of_one_user {
            let most = self.of_one_user;
            return Err(Refusal::TooMany(format!(
                "you run {most} live queries already, which is the limit of one user"
            )));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Somebody stopped it, or its last reader left an attended one.
    Stopped,
    /// Its time was over.
    Expired,
}

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
}

#[derive(Clone, Debug)]
pub enum Command {
    /// Targets are resolved and cut to what the user may see before this.
    Start {
        sql: String,
        query: Option<QueryId>,
        by: Option<UserId>,
        targets: Members,
        attended: bool,
        life: Duration,
        most: Most,
    },
    Extend {
        campaign: CampaignId,
        life: Duration,
    },
    Stop {
        campaign: CampaignId,
    },
    /// Ends every campaign whose time is over.
    Expire,
}

impl Command {
    pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let campaigns = &state.campaigns;
        match self {
            Command::Start { sql, query, by, targets, attended, life, most } => {
                if state.settings.is_on("/server_settings/live_query_disabled") {
                    return Err(Refusal::Disabled("live queries are disabled by administrator".to_owned()));
                }
                let targets = targets.and(state.hosts.existing());
                if targets.is_empty() {
                    return Err(Refusal::Malformed("no hosts targeted".to_owned()));
                }
                most.admit(campaigns, *by)?;
                let started = Started {
                    campaign: CampaignId(campaigns.newest + 1),
                    sql: sql.clone(),
                    query: *query,
                    query_name: query.and_then(|id| state.queries.get(id)).map(|query| query.spec.name.clone()),
                    by: *by,
                    targets,
                    attended: *attended,
                    expires_at: now.plus((*life).min(LONGEST_LIFE)),
                };
                Ok(vec![started.into()])
            }
            Command::Extend { campaign, life } => {
                let ended = || Refusal::Malformed(format!("campaign {campaign} has ended and cannot be extended"));
                if campaigns.is_forgotten(*campaign) {
                    return Err(ended());
                }
                let held = campaigns.find(*campaign)?;
                if held.ended.is_some() {
                    return Err(ended());
                }
                let expires_at = now.plus((*life).min(LONGEST_LIFE)).max(held.expires_at);
                let longer = expires_at > held.expires_at;
                Ok(if longer { vec![Extended { campaign: *campaign, expires_at }.into()] } else { vec![] })
            }
            // What is forgotten has ended.
            Command::Stop { campaign } if campaigns.is_forgotten(*campaign) => Ok(vec![]),
            Command::Stop { campaign } => {
                let open = campaigns.find(*campaign)?.ended.is_none();
                Ok(if open { vec![Ended { campaign: *campaign, reason: EndReason::Stopped }.into()] } else { vec![] })
            }
            Command::Expire => Ok(campaigns
                .open()
                .filter(|campaign| campaign.expires_at <= now)
                .map(|campaign| Ended { campaign: campaign.id, reason: EndReason::Expired }.into())
                .collect()),
        }
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
    open: OrdSet<CampaignId>,
    /// Those that have ended, in the order in which they did.
    ended: OrdSet<(Timestamp, CampaignId)>,
    newest: u32,
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

    fn find(&self, id: CampaignId) -> Result<&Campaign, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("Campaign", id))
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

#[cfg(test)]
mod tests;
