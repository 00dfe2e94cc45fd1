//! Who reads which campaign, on this node. A campaign that Fleet's clients start lives only while somebody reads it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use domain::{CampaignId, Timestamp};

use super::Registry;

/// How long an attended campaign lives without a reader.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Attendance(Mutex<HashMap<CampaignId, Seats>>);

#[derive(Default)]
struct Seats {
    readers: u32,
    left: Timestamp,
}

impl Registry {
    /// Somebody began to read the campaign.
    pub fn attended(&self, campaign: CampaignId) {
        self.seats(|seats| seats.entry(campaign).or_default().readers += 1);
    }

    /// Somebody stopped reading it.
    pub fn left(&self, campaign: CampaignId, now: Timestamp) {
        self.seats(|seats| {
            let seats = seats.entry(campaign).or_default();
            seats.readers = seats.readers.saturating_sub(1);
            seats.left = now;
        });
    }

    /// How many read the campaign on this node.
    pub fn readers(&self, campaign: CampaignId) -> u32 {
        self.seats(|seats| seats.get(&campaign).map_or(0, |seats| seats.readers))
    }

    /// Attended campaigns that nobody has read for a minute: they are to be stopped.
    pub fn deserted(&self, now: Timestamp) -> Vec<CampaignId> {
        let fold = self.0.state();
        self.seats(|seats| {
            seats.retain(|id, _| fold.state.campaigns.get(*id).is_some_and(|campaign| campaign.ended.is_none()));
            let attended = fold.state.campaigns.open().filter(|campaign| campaign.attended);
            let alone = attended.filter(|campaign| match seats.get(&campaign.id) {
                Some(seats) => seats.readers == 0 && now.since(seats.left.max(campaign.started_at)) >= PATIENCE,
                None => now.since(campaign.started_at) >= PATIENCE,
            });
            alone.map(|campaign| campaign.id).collect()
        })
    }

    fn seats<T>(&self, act: impl FnOnce(&mut HashMap<CampaignId, Seats>) -> T) -> T {
        act(&mut self.0.attendance.0.lock().expect("nothing panics while it holds the seats"))
    }
}
