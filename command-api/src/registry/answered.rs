//! Which hosts answered which live query: the bits that end the asking.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::campaign::Campaign;
use domain::records::Signal;
use domain::state::State;
use domain::{CampaignId, HostId, Members, Timestamp};
use infra_log::Topic;
use roaring::RoaringBitmap;

use super::{AppendFailed, Registry};

#[derive(Default)]
pub struct Answered {
    bits: Mutex<Bits>,
    /// Campaigns that were looked at for a host, since the start.
    looked: AtomicU64,
}

#[derive(Default)]
struct Bits {
    known: HashMap<CampaignId, RoaringBitmap>,
    /// Those that other nodes were not told of yet.
    untold: HashMap<CampaignId, RoaringBitmap>,
}

impl Answered {
    /// The answer is in the log. Says whether it is the first.
    pub fn take(&self, campaign: CampaignId, host: HostId) -> bool {
        let mut bits = self.bits();
        let first = bits.known.entry(campaign).or_default().insert(host.0);
        if first {
            bits.untold.entry(campaign).or_default().insert(host.0);
        }
        first
    }

    /// Another node, or this one before a restart, told so.
    pub fn told(&self, campaign: CampaignId, hosts: &Members) {
        *self.bits().known.entry(campaign).or_default() |= hosts.bitmap();
    }

    pub fn has(&self, campaign: CampaignId, host: HostId) -> bool {
        self.bits().known.get(&campaign).is_some_and(|known| known.contains(host.0))
    }

    /// All that is known of campaigns that have not ended.
    pub fn known(&self) -> Vec<(CampaignId, Members)> {
        self.bits().known.iter().map(|(campaign, hosts)| (*campaign, hosts.clone().into())).collect()
    }

    fn untold(&self) -> HashMap<CampaignId, RoaringBitmap> {
        std::mem::take(&mut self.bits().untold)
    }

    fn tell_again(&self, untold: HashMap<CampaignId, RoaringBitmap>) {
        let mut bits = self.bits();
        untold.into_iter().for_each(|(campaign, hosts)| *bits.untold.entry(campaign).or_default() |= hosts);
    }

    /// Forgets campaigns that ended.
    pub fn retain(&self, state: &State) {
        let campaigns = &state.campaigns;
        // One that is not known yet is about to begin.
        let open = |id: &CampaignId| match campaigns.get(*id) {
            Some(campaign) => campaign.ended.is_none(),
            None => !campaigns.is_forgotten(*id),
        };
        self.bits().known.retain(|id, _| open(id));
    }

    fn bits(&self) -> std::sync::MutexGuard<'_, Bits> {
        self.bits.lock().expect("nothing panics while it holds the bits")
    }
}

impl Registry {
    /// The live queries that the host is to answer, oldest first.
    pub fn assignments<'a>(
        &'a self,
        state: &'a State,
        host: HostId,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Campaign> {
        let asks = move |campaign: &&Campaign| {
            self.0.answered.looked.fetch_add(1, Ordering::Relaxed);
            campaign.asks(host, now) && !self.0.answered.has(campaign.id, host)
        };
        state.campaigns.open().filter(asks)
    }

    /// How many campaigns were looked at for calls of hosts since the start: what live queries cost those calls.
    pub fn campaigns_looked_at(&self) -> u64 {
        self.0.answered.looked.load(Ordering::Relaxed)
    }

    /// The host's answer is durable. Says whether it was the first.
    pub fn answered(&self, campaign: CampaignId, host: HostId) -> bool {
        self.0.answered.take(campaign, host)
    }

    /// Hosts whose answer to an open campaign this node knows of.
    pub fn answers_of(&self, campaign: CampaignId) -> Members {
        self.0.answered.bits().known.get(&campaign).cloned().map(Members::from).unwrap_or_default()
    }

    /// Tells other nodes which hosts answered. Called every second while a campaign runs; nothing new is no append.
    pub async fn flush_answers(&self) -> Result<(), AppendFailed> {
        let untold = self.0.answered.untold();
        let signal = |(campaign, hosts): (&CampaignId, &RoaringBitmap)| {
            super::presence::draft(&Signal::Answered { campaign: *campaign, hosts: hosts.clone().into() })
        };
        let drafts = untold.iter().map(signal).collect();
        let outcome = self.append(Topic::Signals.only(), drafts).await;
        if outcome.is_err() {
            self.0.answered.tell_again(untold);
        }
        outcome.map(drop)
    }
}
