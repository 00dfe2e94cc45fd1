//! The rules of live queries.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Campaign, Campaigns, EndReason, Ended, Extended, LONGEST_LIFE, Started, Stats};
use crate::members::Members;
use crate::state::State;
use crate::{CampaignId, Event, QueryId, Refusal, Timestamp, UserId};

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
        stats: Option<Stats>,
    },
    /// Ends every campaign whose time is over, with what is known of their costs.
    Expire {
        stats: BTreeMap<CampaignId, Stats>,
    },
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
                let held = find(campaigns, *campaign)?;
                if held.ended.is_some() {
                    return Err(ended());
                }
                let expires_at = now.plus((*life).min(LONGEST_LIFE)).max(held.expires_at);
                let longer = expires_at > held.expires_at;
                Ok(if longer { vec![Extended { campaign: *campaign, expires_at }.into()] } else { vec![] })
            }
            // What is forgotten has ended.
            Command::Stop { campaign, .. } if campaigns.is_forgotten(*campaign) => Ok(vec![]),
            Command::Stop { campaign, stats } => {
                let held = find(campaigns, *campaign)?;
                Ok(if held.ended.is_none() { vec![end(held, EndReason::Stopped, *stats)] } else { vec![] })
            }
            Command::Expire { stats } => Ok(campaigns
                .open()
                .filter(|campaign| campaign.expires_at <= now)
                .map(|campaign| end(campaign, EndReason::Expired, stats.get(&campaign.id).copied()))
                .collect()),
        }
    }
}

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

fn end(campaign: &Campaign, reason: EndReason, stats: Option<Stats>) -> Event {
    let stats = stats.filter(|_| campaign.query_name.is_some());
    Ended { campaign: campaign.id, reason, stats }.into()
}

fn find(campaigns: &Campaigns, id: CampaignId) -> Result<&Campaign, Refusal> {
    campaigns.get(id).ok_or_else(|| Refusal::not_found("Campaign", id))
}
